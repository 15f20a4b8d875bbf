"""Every error that a user can cause: three lines that say where, what, and what to do."""

from __future__ import annotations


class HlsgenError(Exception):
    """A mistake of the user's or of the machine's.

    ``where`` names the file, node and operator (or board, or option); ``problem`` says what was
    expected and what was found, with numbers; ``remedy`` says what the user may do.
    ``exit_code`` is 2 where the input or the machine is at fault, 1 where the design is, 3 where hlsgen is.
    """

    exit_code = 2
    carries_log = False

    def __init__(self, where: str, problem: str, remedy: str) -> None:
        if not self.carries_log:  # names out of a broken file may hold anything
            where, problem, remedy = map(_one_line, (where, problem, remedy))
        self.where, self.problem, self.remedy = where, problem, remedy
        super().__init__(f"{where}\n{problem}\n{remedy}")


class BadFile(HlsgenError):
    """A file that is missing, truncated, unreadable, not writable, or of another kind."""


class UnsupportedOp(HlsgenError):
    """An operator, attribute or type that hlsgen does not turn into hardware."""


class TypeMismatch(HlsgenError):
    """A shape, element type or quantisation that does not fit where it is used."""


class IllegalGraph(HlsgenError):
    """A graph with a cycle, a dangling or doubly defined value."""


class BadOption(HlsgenError):
    """A command-line option or API argument out of range, or naming something unknown."""


class DoesNotFit(HlsgenError):
    """A design that exceeds a board's resources; says by how much and what would fit."""


class ToolFailed(HlsgenError):
    """An external tool that is missing or failed; carries the last lines of its log."""

    carries_log = True


class BoardFailed(HlsgenError):
    """A board that cannot be reached, holds another design, or stopped answering."""


class Mismatch(HlsgenError):
    """A circuit that computes another value than its reference."""

    exit_code = 1
    carries_log = True


class InternalError(HlsgenError):
    """A fault of hlsgen itself, with the file that holds its traceback."""

    exit_code = 3


def _one_line(text: str) -> str:
    """Control characters, line breaks among them, as their escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

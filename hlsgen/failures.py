"""The border between hlsgen and its user: what becomes of a failure that nobody foresaw, of a signal and of closed streams."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hlsgen.errors import BadFile, BadOption, HlsgenError, InternalError

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REMEDIES = {
    errno.ENOSPC: "Free some space or name another folder; nothing half-written is taken for a result.",
    errno.EDQUOT: "Free some of your quota or name another folder.",
    errno.ENAMETOOLONG: "Give a shorter name.",
    errno.EACCES: "Change the permissions, or name another file or folder.",
    errno.EROFS: "Name a folder that can be written.",
    errno.EMFILE: "Allow more open files (ulimit -n).",
    errno.EPIPE: "Read the whole output, or give --quiet.",
}


def house_error(error: Exception, command: str) -> HlsgenError:
    """Any failure as an error in three lines.

    What the machine refuses (files, space, memory) is said as that. Anything else is a fault of hlsgen itself: its traceback goes
    to a file that the error names. ``command`` is what the user asked for.
    """
    if isinstance(error, HlsgenError):
        return error
    if isinstance(error, OSError) and error.errno is not None:
        names = [os.fsdecode(name) for name in (error.filename, error.filename2) if name]
        return BadFile(
            " and ".join(names) or command,
            f"expected a file or folder that can be used, found: {error.strerror}",
            _REMEDIES.get(error.errno, "Check the file and its folder, and run it again."),
        )
    if isinstance(error, MemoryError):
        return BadOption(
            command,
            "expected enough memory for this step, found none left",
            "Use a smaller input, or a machine with more memory.",
        )
    return _fault(error, command)


def _fault(error: Exception, command: str) -> InternalError:
    """``__notes__`` name the node, kernel or unit that hlsgen was working on, the innermost first."""
    from hlsgen import __version__

    text = "".join(traceback.format_exception(error))
    report = f"hlsgen {__version__}, Python {sys.version}\n{command}\n\n{text}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="hlsgen_fault_", suffix=".txt", delete=False, errors="replace"
        ) as file:
            file.write(report)
        kept = f"with {file.name}, which holds the traceback"
    except OSError as problem:
        kept = f"(its traceback could not be written: {problem.strerror})"
    notes = getattr(error, "__notes__", [])
    return InternalError(
        notes[0] if notes else command,
        f"expected to run to the end, found a fault of hlsgen itself: {error!r}",
        f"Please report it {kept}; add the input if you may.",
    )


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Names the part of the user's input that is worked on, for the message should hlsgen itself fail here."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, HlsgenError):
            error.add_note(where)
        raise


@contextmanager
def signals_as_interrupts() -> Iterator[list[str]]:
    """Lets SIGTERM and SIGHUP end a command as Ctrl-C does, so that programs end and temporary folders go.

    Gives the names of the signals received. Only the first one interrupts: a second must not cut the cleaning short.
    """
    received: list[str] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(signal.Signals(number).name)
        if len(received) == 1:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    # nohup's choice to ignore hang-ups stays.
    taken = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in taken}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def open_standard_streams() -> None:
    """Gives closed standard streams the null device, lest the next file opened take their numbers and a tool's output.

    Raises BadFile where standard output was closed: nothing could be printed.
    """
    closed = [number for number in (0, 1, 2) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # the lowest free number, hence in order
    if 2 in closed:
        sys.stderr = os.fdopen(2, "w", closefd=False)
    if 1 in closed:
        sys.stdout = os.fdopen(1, "w", closefd=False)
        raise BadFile(
            "standard output",
            "expected a file, a pipe or a terminal; found it closed",
            "Leave it open, or redirect it to /dev/null.",
        )


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def silence_output() -> None:
    """Keeps the interpreter from writing once more at its end what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

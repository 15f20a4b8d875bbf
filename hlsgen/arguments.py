"""Arguments of the public functions of Python: a value of another type is refused like any other mistake, before anything is done."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real

from hlsgen.errors import BadOption


@dataclass(frozen=True)
class ArgumentKind:
    """What an argument may be: ``title`` in words, and whether a value is that."""

    title: str
    holds: Callable[[object], bool]

    def or_none(self) -> ArgumentKind:
        """The same, or None for what is not asked."""
        return ArgumentKind(
            f"{self.title} or None", lambda value: value is None or self.holds(value)
        )


def _is_path(value: object) -> bool:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    return isinstance(path, str) and "\0" not in path


def _is_number(value: object) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


TEXT = ArgumentKind("text", lambda value: isinstance(value, str))
PATH = ArgumentKind("a path (str or os.PathLike) without NUL", _is_path)
WHOLE = ArgumentKind(
    "a whole number", lambda value: isinstance(value, Integral) and not isinstance(value, bool)
)
NUMBER = ArgumentKind("a number of the range of float", _is_number)
FLAG = ArgumentKind("True or False", lambda value: isinstance(value, bool))
FUNCTION = ArgumentKind("a function", callable)
NAMES = ArgumentKind(
    "a mapping of output names to input names",
    lambda value: (
        isinstance(value, Mapping)
        and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())
    ),
)
ARRAYS = ArgumentKind(
    "a mapping of input names to arrays", lambda value: isinstance(value, Mapping)
)
SAMPLES = ArgumentKind(
    "a path, an array of samples, or a mapping of input names to arrays",
    lambda value: (
        _is_path(value)
        or (hasattr(value, "shape") and hasattr(value, "dtype"))
        or (isinstance(value, Mapping) and all(isinstance(name, str) for name in value))
    ),
)


def check_arguments(
    function: str, kinds: Mapping[str, ArgumentKind], given: Mapping[str, object]
) -> None:
    """Raises BadOption for the first of ``given`` that is not of its kind."""
    for name, kind in kinds.items():
        value = given[name]
        if not kind.holds(value):
            raise BadOption(
                f"{function}, argument {name}",
                f"expected {kind.title}, found {type(value).__name__} {value!r:.60}",
                f"Give {kind.title}.",
            )


def parse_states(texts: Sequence[str] | None) -> dict[str, str] | None:
    """``OUT=IN`` each as output -> input; None for none. Raises BadOption."""
    states: dict[str, str] = {}
    for text in texts or ():
        output, equals, input = text.partition("=")
        if not (output and equals and input):
            raise BadOption(
                "--state",
                f"expected OUT=IN, an output and an input of the model; found {text!r}",
                "Write for example --state hn=h0, once for each state.",
            )
        if output in states:
            raise BadOption(
                f"--state {text}",
                f"expected each output once, found {output} again",
                "Give the model an output for each of its states.",
            )
        states[output] = input
    return states or None

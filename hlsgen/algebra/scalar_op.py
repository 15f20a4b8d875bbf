"""What a scalar operator is: see ``scalar.py``, which has the list."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.algebra.types import ElementType
from hlsgen.errors import TypeMismatch


@dataclass(frozen=True)
class ScalarOp:
    """A pure function of integers. ``operands`` is how many it takes; fields are its constants."""

    operands: ClassVar[int]

    @property
    def name(self) -> str:
        """The identifier in text forms, and the name of the hardware partner."""
        return type(self).__name__

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        """The meaning, element by element with broadcasting; ``xp`` is an array namespace."""
        raise NotImplementedError

    def result(self, *types: ElementType) -> ElementType:
        """The narrowest type that holds every result for operands of ``types``."""
        raise NotImplementedError

    @property
    def parameters(self) -> tuple[tuple[str, Any], ...]:
        """The constants of this operator as (name, value), in the order of the constructor."""
        return tuple((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))


def ordered(name: str, low: int, high: int) -> None:
    """Raise TypeMismatch unless low <= high."""
    if low > high:
        raise TypeMismatch(
            name, f"expected low <= high, found low {low} and high {high}", "Swap the bounds."
        )

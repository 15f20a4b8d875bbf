"""The sign of an integer: all that is left of a sum in networks of one bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.algebra.scalar_op import ScalarOp
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class Sign(ScalarOp):
    """1 where x is 0 or more, else -1."""

    operands = 1

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        (x,) = arrays
        return xp.where(x >= 0, xp.zeros_like(x) + 1, xp.zeros_like(x) - 1)

    def result(self, *types: ElementType) -> ElementType:
        return ElementType.holding(-1, 1)

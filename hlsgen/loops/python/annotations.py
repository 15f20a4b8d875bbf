"""Types of a kernel's parameters: ``x: In[s32, 64]``, ``y: Out[s8, 8, 8]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hlsgen.algebra.types import ElementType
from hlsgen.arguments import WHOLE
from hlsgen.errors import TypeMismatch

s8, s16, s32 = (ElementType(bits, True) for bits in (8, 16, 32))
u8, u16, u32 = (ElementType(bits, False) for bits in (8, 16, 32))


@dataclass(frozen=True)
class ArrayType:
    """An array: ``role`` as in ``loops.ir.Array``, ``scratch`` for one that the function makes for itself. ``scalar``: the function is given its one element, as a word."""

    role: Literal["input", "output", "inout", "scratch"]
    element: ElementType
    shape: tuple[int, ...]
    scalar: bool = False


class Direction:
    """``In``, ``Out`` and ``InOut``: ``In[element, extent, ...]`` is the annotation of an array parameter."""

    def __init__(self, name: str, role: Literal["input", "output", "inout"]) -> None:
        self.name, self.role = name, role

    def __getitem__(self, parameters: Any) -> ArrayType:
        given = parameters if isinstance(parameters, tuple) else (parameters,)
        element, shape = next(iter(given), None), given[1:]
        extents = bool(shape) and all(WHOLE.holds(extent) and extent > 0 for extent in shape)
        if not isinstance(element, ElementType) or element.bits not in (8, 16, 32) or not extents:
            shown = ", ".join(map(str, given))
            raise TypeMismatch(
                f"annotation {self.name}[{shown}]",
                "expected one of s8, u8, s16, u16, s32, u32 and then at least one positive extent,"
                f" found [{shown}]",
                f"Write for example {self.name}[s32, 64].",
            )
        return ArrayType(self.role, element, tuple(map(int, shape)))

    def __repr__(self) -> str:
        return self.name


In = Direction("In", "input")
"""An array that the kernel reads."""
Out = Direction("Out", "output")
"""An array that the kernel writes; it holds zeros before."""
InOut = Direction("InOut", "inout")
"""An array that the kernel reads and writes."""

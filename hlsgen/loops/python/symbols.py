"""What a name or an expression of a kernel stands for while its body is executed symbolically."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hlsgen.algebra.affine import Affine, box
from hlsgen.loops.ir import Constant, CountedLoop, Value
from hlsgen.loops.python.kinds import WORD, Kind, integer


@dataclass(frozen=True)
class Index:
    """A Python integer that is an affine function of loop trips, in [low, high]."""

    affine: Affine
    low: int
    high: int

    @property
    def constant(self) -> int | None:
        return self.affine.offset if not self.affine.terms else None


@dataclass(frozen=True)
class Word:
    """A word. ``kind``: what it is in the function; ``varies``: it depends only on the outermost ``varies`` loops."""

    operand: Constant | Value
    varies: int
    kind: Kind = WORD


@dataclass(frozen=True)
class ArrayElement:
    """An array with the indices given so far (``a[i]`` of a two-dimensional array)."""

    array: str
    indices: tuple[Index | Word, ...] = ()


@dataclass(frozen=True)
class Several:
    """A tuple or list of symbols, in the order of its items. ``changes``: a list that one variable only refers to, so that its items
    can be assigned."""

    items: tuple[Symbol, ...]
    changes: bool = False


Symbol: TypeAlias = Index | Word | ArrayElement | Several


def constant(value: int) -> Index:
    """A Python integer."""
    return Index(Affine(value), value, value)


def index_of(affine: Affine, loops: tuple[CountedLoop, ...]) -> Index:
    """An affine function of trips, with its range."""
    return Index(affine, *affine.range(box(loops)))


@dataclass(frozen=True)
class Carried:
    """A placeholder for the value that ``variable`` had at the end of the iteration before; ``start`` where loops ``level``, ... begin.

    ``start`` is None where the variable has no value before the loop; ``start_kind``: what it is, None for a Python integer.
    """

    variable: str
    start: int | None
    level: int
    start_kind: Kind | None = None

    @property
    def operation(self) -> str:
        """The name under which operands refer to the placeholder until it is resolved; no operation has such a name."""
        name = f"@{self.variable}@{self.start}@{self.level}"
        kind = self.start_kind
        return name if kind is None else f"{name}@{int(kind.word)}{int(kind.truth)}"

    @property
    def kind(self) -> Kind:
        """What the start is."""
        if self.start_kind is not None:
            return self.start_kind
        return Kind() if self.start is None else integer(self.start, self.start)

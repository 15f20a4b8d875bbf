"""Arrays of a kernel: names from outside the function, indices made linear and checked, elements read and written under guards."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.types import ElementType
from hlsgen.loops.ir import Array, Constant, CountedLoop, Value
from hlsgen.loops.python.annotations import ArrayType
from hlsgen.loops.python.builder import Builder, Guard
from hlsgen.loops.python.constants import as_integer
from hlsgen.loops.python.kinds import TRUTH, WORD, Kind, integer
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.static import Static
from hlsgen.loops.python.symbols import ArrayElement, Index, Symbol, Word, constant, index_of


class Elements:
    """Reads and writes of array elements, made by ``builder``; ``written``: arrays that the nest writes."""

    def __init__(
        self,
        builder: Builder,
        where: str,
        loops: tuple[CountedLoop, ...],
        arrays: Mapping[str, ArrayType],
        written: frozenset[str],
    ) -> None:
        self.builder, self.where, self.loops = builder, where, loops
        self.arrays, self.written = arrays, written
        self.kinds: dict[str, Kind] = {}  # of elements of tables
        self.static = Static(builder.operations, loops, builder.word.bits)

    def outer(self, node: ast.Name, value: Any) -> Symbol:
        """A name from outside the function: an integer, a truth, or a table of integers."""
        if isinstance(value, bool):
            return Word(Constant(int(value)), 0, TRUTH)
        word, own = self.builder.word, self.builder.word.native
        number, table, other = as_integer(value), _table(value), getattr(value, "dtype", None)
        if isinstance(value, int):
            return constant(int(value))
        if number is not None and other == own:
            return replace(self.builder.word_of(constant(number)), kind=WORD)
        if number is not None or (table is not None and other not in (None, own)):
            raise unsupported(
                self.where,
                node,
                f"numbers of Python or of NumPy's type {own}",
                f"{node.id} of {other}",
                f"Write int({node.id}), or {node.id}.tolist(), where it is defined.",
            )
        if table is None:
            raise unsupported(
                self.where,
                node,
                "an integer, a truth, or a table of integers from outside the kernel",
                f"{node.id} of type {type(value).__name__}",
                "Give it as a parameter.",
            )
        shape, values = table
        low, high = min(values), max(values)
        element = next(
            (
                type_
                for bits in (8, 16, 32)
                for type_ in (ElementType(bits, True), ElementType(bits, False))
                if bits <= word.bits
                and type_.minimum <= low
                and high <= type_.maximum
                and (bits < word.bits or type_ == word)
            ),
            None,
        )
        if element is None:
            raise illegal(
                self.where,
                node,
                f"values that words of {word} hold",
                f"{low} to {high} in {node.id}",
                "Use a wider word type.",
            )
        kind = WORD if isinstance(value, np.ndarray) else integer(low, high)
        return ArrayElement(
            self._table(node.id, Array(node.id, shape, element, "constant", values), kind)
        )

    def _table(self, name: str, table: Array, kind: Kind) -> str:
        """The name of an array that holds a table: another one where the name means something else in this kernel."""
        unique = self.unused(name, table)
        self.builder.arrays[unique] = replace(table, name=unique)
        self.kinds[unique] = kind
        return unique

    def unused(self, name: str, table: Array | None = None) -> str:
        """A name that no other array has; that of the table where it is there already."""
        name = re.sub(r"\W", "_", name, flags=re.ASCII)
        own = self.builder.arrays
        for number in range(len(own) + 2):
            unique = f"{name}_{number}" if number else name
            same = table is not None and own.get(unique) == replace(table, name=unique)
            if unique not in self.arrays and (same or unique not in own):
                break
        return unique

    def load(self, element: ArrayElement) -> Word:
        """An element at constant indices."""
        shape, place = self.shape(element.array), 0
        for index, extent in zip(element.indices, shape, strict=True):
            assert isinstance(index, Index) and index.constant is not None
            place = place * extent + index.constant
        word = self.builder.load(element.array, constant(place), element.array in self.written)
        return replace(word, kind=self.kinds.get(element.array, WORD))

    def shape(self, array: str) -> tuple[int, ...]:
        type_: ArrayType | Array | None = self.arrays.get(array)
        return (type_ or self.builder.arrays[array]).shape

    def read(self, node: ast.expr, element: ArrayElement, guard: Guard) -> Word:
        """Read an element; where the index may be outside the array it is read only where the guard holds."""
        index, partial = self._checked(node, element, guard, "reads")
        if isinstance(index, Word) and not guard.always:
            index = self.builder.select(
                self.builder.holds(guard), index, Word(Constant(0), 0), hint="guarded"
            )
        if isinstance(index, Word) and isinstance(index.operand, Constant):
            index = constant(index.operand.value)
        word = self.builder.load(element.array, index, element.array in self.written, partial)
        type_ = self.arrays.get(element.array)
        if type_ is not None and type_.element.bits < self.builder.word.bits:
            assert isinstance(word.operand, Value)
            bounds = (type_.element.minimum, type_.element.maximum)
            self.builder.ranges[word.operand.operation] = bounds
        return replace(word, kind=self.kinds.get(element.array, WORD))

    def _checked(
        self, node: ast.expr, element: ArrayElement, guard: Guard, does: str
    ) -> tuple[Index | Word, bool]:
        """The linear index of an element, and whether it leaves the array where loop counters make the guard false; a word where it
        may leave it elsewhere, which a condition must then prevent."""
        self._refuse_outside(node, element, guard, does)
        index = self._linear(node, element, guard)
        if isinstance(index, Word):
            self._refuse_large(node, element)
        if isinstance(index, Index) and not self._inside(index, self.shape(element.array)):
            if not guard.conditions:
                raise self._outside(node, element, index, does)
            if self._kept_inside(index, self.shape(element.array), guard):
                return index, True
            return self.builder.word_of(index), False
        return index, False

    def _kept_inside(self, index: Index, shape: tuple[int, ...], guard: Guard) -> bool:
        """Whether the conditions that loop counters decide keep an index inside the array."""
        if not self.static.trips:
            return False
        places = self.static.affine(index.affine)
        outside = (places < 0) | (places >= math.prod(shape))
        for condition in guard.conditions:
            truth = self.static.value(condition.operand)
            if truth is not None:
                outside &= truth % 2 == 1
        if guard.mark is not None:
            outside &= self.static.mark(guard.mark)
        return not outside.any()

    def _refuse_outside(
        self, node: ast.expr, element: ArrayElement, guard: Guard, does: str
    ) -> None:
        """Raise where loop counters alone decide that an index is outside the array, or that it is whatever data decide."""
        if not self.static.trips:
            return
        guards = [self.static.value(condition.operand) for condition in guard.conditions]
        holds = np.ones(self.static.iterations, dtype=bool)
        if guard.mark is not None:
            holds &= self.static.mark(guard.mark)
        for truth in guards:
            if truth is not None:
                holds &= truth % 2 == 1
        for index, extent in zip(element.indices, self.shape(element.array), strict=False):
            if isinstance(index, Index):
                if index.low >= 0 and index.high < extent:
                    continue
                values: np.ndarray | None = self.static.affine(index.affine)
            else:
                values = self.static.value(index.operand)
            if values is None:
                continue
            outside = holds & ((values < 0) | (values >= extent))
            if any(truth is None for truth in guards) and not outside[holds].all():
                continue  # whether it is reached there depends on data
            wrong = np.flatnonzero(outside)
            if len(wrong) and (guard.conditions or isinstance(index, Word)):
                raise illegal(
                    self.where,
                    node,
                    f"indices of {element.array} from 0 to {extent - 1}",
                    f"{shown(node)}, which {does} {int(values[wrong[0]])} in iteration"
                    f" {self.static.place(int(wrong[0]))}",
                    "Correct the bounds of the loop, or guard the access with 'if'.",
                )

    def _refuse_large(self, node: ast.expr, element: ArrayElement) -> None:
        """Raise where words hold no computed index of the last elements."""
        size, most = math.prod(self.shape(element.array)), 1 << (self.builder.word.bits - 1)
        if size > most:
            raise illegal(
                self.where,
                node,
                f"arrays of at most {most} elements where an index is computed in words of {self.builder.word}",
                f"{size} in {element.array}",
                "Use a wider word type.",
            )

    def _linear(self, node: ast.expr, element: ArrayElement, guard: Guard) -> Index | Word:
        """The row-major index of an element."""
        shape = self.shape(element.array)
        if len(element.indices) != len(shape):
            raise illegal(
                self.where,
                node,
                f"{len(shape)} indices of {element.array}",
                str(len(element.indices)),
                "Index every axis.",
            )
        total: Index | Word = constant(0)
        for k, (index, extent) in enumerate(zip(element.indices, shape, strict=True)):
            if isinstance(index, Index):
                outside = index.low < 0 or index.high >= extent
                if outside and len(shape) > 1 and not guard.conditions:
                    raise self._outside_axis(node, element, k, index, extent)
            total = self._plus(self._times(total, extent), index)
        return total

    def _times(self, a: Index | Word, factor: int) -> Index | Word:
        if isinstance(a, Index):
            return index_of(Affine().plus(a.affine, factor), self.loops)
        if factor & (factor - 1) == 0:
            amount = Word(Constant(factor.bit_length() - 1), 0)
            return self.builder.emit("shift_left", a, amount)
        return self.builder.emit("multiply", a, Word(Constant(factor), 0))

    def _plus(self, a: Index | Word, b: Index | Word) -> Index | Word:
        if isinstance(a, Index) and isinstance(b, Index):
            return index_of(a.affine.plus(b.affine), self.loops)
        if isinstance(a, Index) and a.constant == 0:
            return b
        if isinstance(b, Index) and b.constant == 0:
            return a
        x, y = self.builder.word_of(a), self.builder.word_of(b)
        return self.builder.emit("add", x, y, hint="index")

    def _inside(self, index: Index, shape: tuple[int, ...]) -> bool:
        size = math.prod(shape)
        return index.low >= 0 and index.high < size

    def _outside(self, node: ast.expr, element: ArrayElement, index: Index, does: str) -> Exception:
        shape = self.shape(element.array)
        size = math.prod(shape)
        return illegal(
            self.where,
            node,
            f"indices of {element.array} from 0 to {size - 1}",
            f"{shown(node)}, which {does} {index.low} to {index.high}",
            "Correct the bounds of the loop, or guard the access with 'if'.",
        )

    def _outside_axis(
        self, node: ast.expr, element: ArrayElement, axis: int, index: Index, extent: int
    ) -> Exception:
        return illegal(
            self.where,
            node,
            f"indices of axis {axis} of {element.array} from 0 to {extent - 1}",
            f"{shown(node)}, from {index.low} to {index.high}",
            "Correct the bounds of the loop, or guard the access with 'if'.",
        )

    def write(self, target: ast.expr, element: ArrayElement, data: Word, guard: Guard) -> None:
        """Write a word to an element where the guard holds."""
        type_ = self.arrays.get(element.array)
        if type_ is None or type_.role == "input":
            raise illegal(
                self.where,
                target,
                "writes to arrays annotated Out or InOut",
                f"one to {element.array}",
                f"Annotate {element.array} as InOut[...].",
            )
        index, partial = self._checked(target, element, guard, "writes")
        self.builder.store(element.array, index, data, guard, partial)


def _table(value: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """(shape, values) of nested sequences or a NumPy array of integers; None for anything else."""
    if not isinstance(value, list | tuple | np.ndarray):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.dtype.kind not in "iu" or array.size == 0:
        return None
    return array.shape, tuple(int(entry) for entry in array.reshape(-1))

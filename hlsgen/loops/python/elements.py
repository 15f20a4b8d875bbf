"""Arrays of a kernel: names from outside the function, indices made linear and checked, elements read and written under guards."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from hlsgen.dataflow.ir import Affine
from hlsgen.loops.ir import Array, Constant, CountedLoop
from hlsgen.loops.python.annotations import ArrayType
from hlsgen.loops.python.builder import Builder, Guard
from hlsgen.loops.python.constants import as_integer
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.symbols import Element, Index, Symbol, Word, constant, index_of
from hlsgen.types import ElementType


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

    def outer(self, node: ast.Name, value: Any) -> Symbol | Callable[..., Any]:
        """A name from outside the function: an integer, a function, or a table of integers."""
        number = as_integer(value)
        if number is not None:
            return constant(number)
        if inspect.isfunction(value):
            return value
        table = _table(value)
        if table is None:
            raise unsupported(
                self.where,
                node,
                "an integer, a function, or a table of integers from outside the kernel",
                f"{node.id} of type {type(value).__name__}",
                "Give it as a parameter.",
            )
        shape, values = table
        low, high = min(values), max(values)
        word = self.builder.word
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
        self.builder.tables[node.id] = Array(node.id, shape, element, "constant", values)
        return Element(node.id)

    def shape(self, array: str) -> tuple[int, ...]:
        type_: ArrayType | Array | None = self.arrays.get(array)
        return (type_ or self.builder.tables[array]).shape

    def read(self, node: ast.expr, element: Element, guard: Guard) -> Word:
        """Read an element; where the index may be outside the array it is read only where the guard holds."""
        index = self._checked(node, element, guard, "reads")
        if isinstance(index, Word) and not guard.always:
            index = self.builder.select(
                self.builder.holds(guard), index, Word(Constant(0), 0), hint="guarded"
            )
        if isinstance(index, Word) and isinstance(index.operand, Constant):
            index = constant(index.operand.value)
        return self.builder.load(element.array, index, element.array in self.written)

    def _checked(self, node: ast.expr, element: Element, guard: Guard, does: str) -> Index | Word:
        """The linear index of an element; a word where it may be outside the array, which a condition must then prevent."""
        index = self._linear(node, element, guard)
        if isinstance(index, Index) and not self._inside(index, self.shape(element.array)):
            if not guard.conditions:
                raise self._outside(node, element, index, does)
            return self.builder.word_of(index)
        return index

    def _linear(self, node: ast.expr, element: Element, guard: Guard) -> Index | Word:
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
            terms = tuple((name, c * factor) for name, c in a.affine.terms)
            return index_of(Affine(a.affine.offset * factor, terms), self.loops)
        if factor & (factor - 1) == 0:
            amount = Word(Constant(factor.bit_length() - 1), 0)
            return self.builder.emit("shift_left", a, amount)
        return self.builder.emit("multiply", a, Word(Constant(factor), 0))

    def _plus(self, a: Index | Word, b: Index | Word) -> Index | Word:
        if isinstance(a, Index) and isinstance(b, Index):
            terms = dict(a.affine.terms)
            for name, c in b.affine.terms:
                terms[name] = terms.get(name, 0) + c
            kept = tuple((name, c) for name, c in terms.items() if c)
            return index_of(Affine(a.affine.offset + b.affine.offset, kept), self.loops)
        if isinstance(a, Index) and a.constant == 0:
            return b
        if isinstance(b, Index) and b.constant == 0:
            return a
        x, y = self.builder.word_of(a), self.builder.word_of(b)
        return self.builder.emit("add", x, y, hint="index")

    def _inside(self, index: Index, shape: tuple[int, ...]) -> bool:
        size = math.prod(shape)
        return index.low >= 0 and index.high < size

    def _outside(self, node: ast.expr, element: Element, index: Index, does: str) -> Exception:
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
        self, node: ast.expr, element: Element, axis: int, index: Index, extent: int
    ) -> Exception:
        return illegal(
            self.where,
            node,
            f"indices of axis {axis} of {element.array} from 0 to {extent - 1}",
            f"{shown(node)}, from {index.low} to {index.high}",
            "Correct the bounds of the loop, or guard the access with 'if'.",
        )

    def write(self, target: ast.expr, element: Element, data: Word, guard: Guard) -> None:
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
        index = self._checked(target, element, guard, "writes")
        self.builder.store(element.array, index, data, guard)


def _table(value: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """(shape, values) of nested sequences or a NumPy array of integers; None for anything else."""
    import numpy as np

    if not isinstance(value, list | tuple | np.ndarray):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.dtype.kind not in "iu" or array.size == 0:
        return None
    return array.shape, tuple(int(item) for item in array.reshape(-1))

"""Sums of what tables give of a few elements: additive table networks, neurons as truth tables, logic gates, counts and encoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.algebra.types import U8, ElementType
from hlsgen.ops.lowering import Lowering, SummedTables
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType

INDEX_BITS = 12
"""Bits of the index of a table, at most: beyond them a table is a memory."""


@dataclass(frozen=True)
class TableSum(TensorOp):
    """clip(sum over t of tables[o, t, index(o, t)], low, high) for every output o.

    Operands: x (1, inputs), selection (outputs, terms, fan-in) with places in x, tables (outputs, terms, 2**(bits * fan-in)). An index is the
    lowest ``bits`` bits of each selected element plus ``offset``, the first element in the lowest bits.
    """

    bits: int
    low: int
    high: int
    offset: int = 0

    place = "hardware"
    bindings = (
        OnnxBinding(
            "TableSum",
            (3, 3),
            "hlsgen.tables",
            attributes={name: name for name in ("bits", "low", "high", "offset")},
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, selection, tables = inputs
        require(x.is_integer and len(x.shape) == 2, self, "a vector of integers", x)
        given = constants[1], constants[2]
        shapes = selection.shape[:2] == tables.shape[:2] and len(selection.shape) == 3
        require(shapes, self, "as many rows of tables as of places", f"{selection} and {tables}")
        index_bits = self.bits * selection.shape[2]
        few = self.bits >= 1 and 1 <= index_bits <= INDEX_BITS
        require(few, self, f"tables of 1 to {INDEX_BITS} bits of index", index_bits)
        entries = 1 << index_bits
        require(tables.shape[2] == entries, self, f"tables of {entries:,} entries", tables)
        require(self.low <= self.high, self, "low <= high", (self.low, self.high))
        places, values = given
        require(places is not None and values is not None, self, "constant tables", given)
        assert places is not None and values is not None
        inside = int(places.min()) >= 0 and int(places.max()) < x.shape[1]
        require(inside, self, f"places below {x.shape[1]}", f"{places.min()} to {places.max()}")
        low = int(values.min(axis=2).astype(np.int64).sum(axis=1).min())
        high = int(values.max(axis=2).astype(np.int64).sum(axis=1).max())
        return TensorType((1, selection.shape[0]), self._element(low, high))

    def _element(self, low: int, high: int) -> ElementType:
        """What holds the sums from ``low`` to ``high``, clipped."""
        return ElementType.holding(*(min(max(end, self.low), self.high) for end in (low, high)))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, selection, tables = (xp.astype(array, xp.int64) for array in arrays)
        outputs, terms, fan_in = selection.shape
        code = (x + self.offset) & ((1 << self.bits) - 1)
        device = getattr(x, "device", None)
        rows = xp.arange(outputs, device=device) * tables.shape[2] * terms
        flat = xp.reshape(tables, (-1,))
        total = xp.zeros((x.shape[0], outputs), dtype=xp.int64, device=device)
        for term in range(terms):
            index = rows[None, :] + term * tables.shape[2]
            for number in range(fan_in):
                chosen = xp.take(code, selection[:, term, number], axis=1)
                index = index + (chosen << (self.bits * number))
            total = total + xp.reshape(xp.take(flat, xp.reshape(index, (-1,)), axis=0), total.shape)
        return xp.clip(total, self.low, self.high)

    def lower(self, build: Lowering) -> None:
        """One process, of a whole vector."""
        channel = build.channel(0)
        element = build.output_type.integer
        ends = max(self.low, element.minimum), min(self.high, element.maximum)
        given = build.constant(1), build.constant(2)
        build.result(build.sum_tables(channel, SummedTables(*given, self.bits, self.offset, *ends)))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        random = np.random.default_rng(7)

        def case(op: TableSum, x: ElementType, inputs: int, shape: tuple[int, int, int]) -> Example:
            outputs, terms, fan_in = shape
            entries = 1 << (op.bits * fan_in)
            selection = random.integers(0, inputs, shape)
            tables = random.integers(-20, 21, (outputs, terms, entries))
            if op.high == 1:
                tables = random.integers(0, 2, tables.shape)
            types = (
                TensorType((1, inputs), x),
                TensorType(shape, ElementType(16, False)),
                TensorType(tables.shape, ElementType(8, True)),
            )
            return Example(op, types, {1: selection, 2: tables})

        return (
            case(TableSum(4, -8, 7), U8, 3, (2, 3, 1)),
            case(TableSum(3, -100, 90, 4), ElementType(3, True), 5, (4, 5, 1)),
            case(TableSum(1, 0, 1), ElementType(1, False), 9, (6, 1, 4)),
            case(TableSum(2, -999, 999, 2), ElementType(2, True), 4, (3, 2, 2)),
            case(TableSum(1, 0, 5), ElementType(1, False), 8, (2, 8, 1)),
        )

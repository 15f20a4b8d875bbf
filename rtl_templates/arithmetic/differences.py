"""Products of -1 and 1 without a multiplier: bits that differ, counted by a tree of full adders."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.compressor import compressor_shape
from hlsgen.rtl_templates.contract import Contract
from hlsgen.rtl_templates.shared_unit import SharedUnit

Columns: TypeAlias = list[list[Value]]
"""Bits by weight: of 1, of 2, of 4 and so on."""


class Differences(SharedUnit):
    """How many bits of ``a`` and ``b`` differ: the population count of their exclusive or.

    The sum of ``lanes`` products of signs is ``lanes`` less twice that.

    **Timing**: see ``contract``; one count per edge, nothing is reset or held.
    **Cost**: see ``compressor_shape``: a LUT for each lane, then a full adder (two LUTs) for nearly each; an adder at the end.
    **Semantics**: (lanes - sum of scalar operator Multiply over the lanes) / 2.
    """

    unit_name = "differences"

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.contract: Contract = contract.differences(lanes)
        super().__init__({"a": In(lanes), "b": In(lanes), "count": Out(range(lanes + 1))})

    @property
    def key(self) -> Hashable:
        return self.lanes

    def circuit(self, platform: Any) -> Module:
        m = Module()
        columns = _registered(m, self._pairs())
        for _ in range(compressor_shape(self.lanes).levels):
            columns = _registered(m, _compressed(columns))
        first, second = (
            Cat(*(column[k] if len(column) > k else Const(0, 1) for column in columns))
            for k in range(2)
        )
        total = first + second if any(len(column) > 1 for column in columns) else first
        count = Signal.like(self.count, name="total", reset_less=True)
        m.d.sync += count.eq(total)
        m.d.comb += self.count.eq(count)
        return m

    def _pairs(self) -> Columns:
        """Lanes in pairs, each a sum and a carry of four inputs: functions of more take many LUTs, and full adders behind them do not."""
        differing = list(self.a ^ self.b)
        pairs = list(zip(differing[::2], differing[1::2], strict=False))
        alone = [differing[-1]] if self.lanes % 2 else []
        return [[*(a ^ b for a, b in pairs), *alone], [a & b for a, b in pairs]]


def _compressed(columns: Columns) -> Columns:
    """Three bits of a weight become one of it and one of the next."""
    kept: Columns = []
    carried: list[Value] = []
    for column in columns:
        rest, sums, carries = list(column), [], []
        while len(rest) >= 3:
            (a, b, c), rest = rest[:3], rest[3:]
            sums.append(a ^ b ^ c)
            carries.append((a & b) | (c & (a ^ b)))
        kept.append([*rest, *sums, *carried])
        carried = carries
    return [*kept, carried] if carried else kept


def _registered(m: Module, columns: Columns) -> Columns:
    def register(bit: Value) -> Value:
        signal = Signal(reset_less=True, name="bit")
        m.d.sync += signal.eq(bit)
        return signal

    return [[register(bit) for bit in column] for column in columns]

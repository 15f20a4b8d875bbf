"""ChannelGuard: how many words of a channel the present pixel group needs, and up to where words may be written."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.stream.shape import GuardShape, Ramp


def counter_bits(guard: GuardShape, depth: int) -> int:
    """Width of running word counters: their differences are compared as two's complement numbers.

    While a group waits, at least its predecessor's ``need`` and at most ``low + depth`` words are written.
    """
    places = [(y, x) for y in range(guard.rows) for x in range(guard.columns)]
    need = [guard.need(y, x) for y, x in places]
    low = [guard.low(y, x) for y, x in places]
    span = max(depth, need[0])
    for need_before, need_next, low_next in zip(
        need, [*need[1:], need[0] + guard.words], [*low[1:], low[0] + guard.words], strict=True
    ):
        span = max(span, need_next - need_before, low_next - min(need_before, need_next) + depth)
    return span.bit_length() + 1


class ChannelGuard(wiring.Component):
    """The guards of one pixel group after the other, modulo 2**bits.

    Members
    -------
    advance: the present group has issued its last step (only while ``valid``)
    valid: ``need`` and ``limit`` belong to the next group that issues
    need: the group may begin when so many words were written
    limit: words below this running number may be written (low + depth)

    Timing: after reset one cycle until ``valid``, then a group per cycle.
    """

    def __init__(self, guard: GuardShape, depth: int, bits: int) -> None:
        self.guard = guard
        self.depth = depth
        self.bits = bits
        super().__init__({"advance": In(1), "valid": Out(1), "need": Out(bits), "limit": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        guard, bits = self.guard, self.bits
        shift = Signal(name="shift")
        m.d.comb += shift.eq(~self.valid | self.advance)
        column_last, row_last = Signal(name="column_last"), Signal(name="row_last")
        columns = Signal(range(max(2, guard.columns)), name="columns")
        rows = Signal(range(max(2, guard.rows)), name="rows")
        m.d.comb += [
            column_last.eq(columns == guard.columns - 1),
            row_last.eq(rows == guard.rows - 1),
        ]
        base = Signal(bits, name="base")
        with m.If(shift):
            m.d.sync += columns.eq(Mux(column_last, 0, columns + 1))
            with m.If(column_last):
                m.d.sync += rows.eq(Mux(row_last, 0, rows + 1))
                with m.If(row_last):
                    m.d.sync += base.eq(base + guard.words)

        def across(name: str, ramp: Ramp) -> Value:
            return _ramp(m, name, ramp, guard.columns, shift, column_last)

        def down(name: str, ramp: Ramp) -> Value:
            return _ramp(m, name, ramp, guard.rows, shift & column_last, row_last)

        low_column = across("low_column", guard.low_column)
        if guard.settled_row > 0:
            low_column = Mux(rows >= guard.settled_row, low_column, 0)
        if guard.ended < guard.rows:
            low_column = Mux(rows < guard.ended, low_column, 0)
        need = down("need_row", guard.need_row) + across("need_column", guard.need_column)
        low = down("low_row", guard.low_row) + low_column
        with m.If(shift):
            m.d.sync += [
                self.need.eq(base + need),
                self.limit.eq(base + low + self.depth),
                self.valid.eq(1),
            ]
        return m


def _ramp(m: Module, name: str, ramp: Ramp, count: int, advance: Value, last: Value) -> Value:
    """``ramp.at(n)`` for the running n; clamps that are never reached cost nothing."""
    end = ramp.start + ramp.step * (count - 1)
    if count == 1 or ramp.step == 0:
        return Const(ramp.at(0))
    width = max(abs(ramp.start), abs(end)).bit_length()
    shape = signed(width + 1) if ramp.start < 0 else unsigned(width)
    raw = Signal(shape, init=ramp.start, name=name)
    with m.If(advance):
        m.d.sync += raw.eq(Mux(last, ramp.start, raw + ramp.step))
    value: Value = raw
    if end > ramp.high:
        value = Mux(raw > ramp.high, ramp.high, value)
    if ramp.start < ramp.low:
        value = Mux(raw < ramp.low, ramp.low, value)
    clamped = Signal(range(ramp.high + 1), name=f"{name}_clamped")
    m.d.comb += clamped.eq(value)
    return clamped

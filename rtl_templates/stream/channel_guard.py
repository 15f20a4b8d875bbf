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
    minus_need: the group may begin when so many words, negated, were written
    minus_limit: words below this running number, negated, may be written (low + depth)

    Timing: after reset one cycle until ``valid``, then a group per cycle. Enables are made of registers; the counts are negated, since a
    carry chain takes a sum as it is, but needs LUTs in front of it for a difference where its cells do not invert (iCE40).
    """

    def __init__(self, guard: GuardShape, depth: int, bits: int) -> None:
        self.guard = guard
        self.depth = depth
        self.bits = bits
        super().__init__(
            {"advance": In(1), "valid": Out(1), "minus_need": Out(bits), "minus_limit": Out(bits)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        guard, bits = self.guard, self.bits
        shift = Signal(name="shift")
        m.d.comb += shift.eq(~self.valid | self.advance)
        columns, column_last = _turn(m, "column", guard.columns, shift)
        rows, row_last = _turn(m, "row", guard.rows, shift & column_last)
        minus_base = Signal(bits, name="minus_base")
        sample_last: Value = row_last if guard.columns == 1 else column_last
        if guard.rows > 1 and guard.columns > 1:
            sample_last = Signal(name="sample_last")
            with m.If(shift):
                m.d.sync += sample_last.eq((columns == guard.columns - 2) & row_last)
        with m.If(shift & sample_last):
            m.d.sync += minus_base.eq(minus_base - guard.words)

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
                self.minus_need.eq(minus_base - need),
                self.minus_limit.eq(minus_base - low - self.depth),
                self.valid.eq(1),
            ]
        return m


def _turn(m: Module, name: str, trips: int, advance: Value) -> tuple[Value, Value]:
    """A counter of ``trips`` steps, and a register that says whether it is at the last."""
    if trips == 1:
        return Const(0), Const(1)
    count = Signal(range(trips), name=f"{name}_count")
    last = Signal(name=f"{name}_last")
    with m.If(advance):
        m.d.sync += [
            count.eq(Mux(last, 0, count + 1)),
            last.eq(~last & (count == trips - 2)),
        ]
    return count, last


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

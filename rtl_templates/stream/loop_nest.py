"""LoopNest: walks a nest of counted loops, one step per cycle, with affine counters and no multipliers."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.stream.shape import CounterShape, NestShape


@dataclass(frozen=True)
class CounterPort:
    """A counter that the nest keeps: ``shape`` its start and steps, ``bits`` wide (modulo 2**bits), ``signed``."""

    shape: CounterShape
    bits: int
    signed: bool = False

    @property
    def value_shape(self) -> Shape:
        """The shape of its output."""
        return signed(self.bits) if self.signed else unsigned(self.bits)


class LoopNest(wiring.Component):
    """The position of a loop nest and affine functions of it.

    Parameters
    ----------
    nest: trips of the levels, outermost first, and where a pixel group and a reduction begin
    counters: the affine functions that are kept

    Members
    -------
    advance: take one step at the end of this cycle
    value_<k>: value of counter k at the present step
    last: bit l is set while level l is in its last trip
    group_first, group_last: the present step begins / ends a pixel group
    result_last: the present step is the last of a result

    Timing: outputs are functions of registers; a step takes one cycle; the nest repeats without a pause.
    Cost: per level a counter of log2(trips) bits, per counter an adder of ``bits``.
    """

    def __init__(self, nest: NestShape, counters: tuple[CounterPort, ...]) -> None:
        assert all(trip >= 1 for trip in nest.trips)
        self.nest = nest
        self.counters = counters
        members = {
            "advance": In(1),
            "last": Out(len(nest.trips)),
            "group_first": Out(1),
            "group_last": Out(1),
            "result_last": Out(1),
        }
        for number, port in enumerate(counters):
            members[f"value_{number}"] = Out(port.value_shape)
        super().__init__(members)

    def value(self, number: int) -> Value:
        """The output of counter ``number``."""
        port: Value = getattr(self, f"value_{number}")
        return port

    def elaborate(self, platform: object) -> Module:
        m = Module()
        trips = self.nest.trips
        moving: list[Value] = [Const(0)] * (len(trips) + 1)
        inner: Value = Const(1)
        for level in reversed(range(len(trips))):
            last: Value = Const(1)
            if trips[level] > 1:
                count = Signal(range(trips[level]), name=f"count_{level}")
                last = Signal(name=f"last_{level}")
                with m.If(self.advance & inner):
                    m.d.sync += [
                        count.eq(Mux(last, 0, count + 1)),
                        last.eq(~last & (count == trips[level] - 2)),
                    ]
            m.d.comb += self.last[level].eq(last)
            moving[1 + level] = inner & ~last
            wrapped = Signal(name=f"wrapped_{level}")
            m.d.comb += wrapped.eq(inner & last)
            inner = wrapped
        moving[0] = inner
        for number, port in enumerate(self.counters):
            self._keep(m, number, port, moving)
        starting = Signal(init=1, name="starting")
        m.d.comb += [
            self.group_first.eq(starting),
            self.group_last.eq(self.last[self.nest.group :].all()),
            self.result_last.eq(self.last[self.nest.reduce :].all()),
        ]
        with m.If(self.advance):
            m.d.sync += starting.eq(self.group_last)
        return m

    def _keep(self, m: Module, number: int, port: CounterPort, moving: list[Value]) -> None:
        """One affine counter: the delta of the level that advances is added."""
        trips = (2, *self.nest.trips)
        levels = [level for level in range(len(moving)) if trips[level] > 1]
        modulo = 1 << port.bits
        select: dict[int, Value] = {}
        for level in levels:
            delta = port.shape.deltas[level] % modulo
            select[delta] = select[delta] | moving[level] if delta in select else moving[level]
        value = Signal(
            port.value_shape,
            init=Const(port.shape.start, port.value_shape).value,
            name=f"r_{number}",
        )
        changing = {delta: when for delta, when in select.items() if delta}
        if changing:
            delta_now = Const(0, port.bits)
            for delta, when in changing.items():
                delta_now = delta_now | Mux(when, Const(delta, port.bits), 0)
            with m.If(self.advance):
                m.d.sync += value.eq(value + delta_now)
        m.d.comb += self.value(number).eq(value)

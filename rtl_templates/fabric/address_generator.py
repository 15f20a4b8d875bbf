"""AddressGenerator: walks a loop nest whose trips and strides are configured, without multipliers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.tile_shape import GeneratorShape

from hlsgen.algebra.fields import members


class AddressGenerator(wiring.Component):
    """The addresses that one generator walks through.

    Members (In): ``begin``: go to the first position, a cycle before the first ``advance``; ``advance``: the end of an iteration, or of a result;
    ``configuration``. (Out): ``valid``: the generator is in its run; ``walk``: the address without its base; ``last``: which loops are at their last
    trip; one output per further counter, by its name (row, column, parameter). Where the shape has the fields: ``inside`` the range of
    coordinates, ``first_mark``, ``last_mark``.

    **Timing**: all outputs are functions of registers; one step per cycle.
    **Cost**: a counter and a comparison per loop, an adder per counter whose summand is chosen among the loops'.
    **Semantics**: ``hlsgen.fabric.configuration.Generator``; a data-driven one has no delay.
    """

    def __init__(self, shape: GeneratorShape) -> None:
        self.shape = shape
        ports: dict[str, Any] = {
            "begin": In(1),
            "advance": In(1),
            "configuration": In(data.StructLayout(members(shape.fields))),
            "valid": Out(1),
            "walk": Out(shape.counters[0][1]),
            "last": Out(shape.loops),
        }
        ports |= {name: Out(bits) for name, bits in shape.counters[1:]}
        if shape.padding:
            ports["inside"] = Out(1)
        if "mark_first" in shape.names:
            ports |= {"first_mark": Out(1), "last_mark": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        step = Signal(name="step")
        first, last = (Signal(shape.loops, name=f"at_{edge}") for edge in ("first", "last"))
        m.d.comb += [step.eq(self.advance & self.valid), self.last.eq(last)]
        moves = self._count(m, step, first, last)
        for name, bits in shape.counters:
            value = self._keep(m, name, bits, step, moves)
            if name == "address":
                m.d.comb += self.walk.eq(value & self._field("mask"))
            else:
                m.d.comb += getattr(self, name).eq(value)
        self._run(m, step, last)
        if shape.padding:
            row, column = (
                (getattr(self, n), self._field(f"{n}s"), self._field("padded"))
                for n in ("row", "column")
            )
            m.d.comb += self.inside.eq(_in_range(*row) & _in_range(*column))
        if "mark_first" in shape.names:
            for name, edge in (("first", first), ("last", last)):
                level = self._field(f"mark_{name}")
                outer = Cat(level > k + 1 for k in range(shape.loops))
                marked = self.valid & (level != 0) & (edge | outer).all()
                m.d.comb += getattr(self, f"{name}_mark").eq(marked)
        return m

    def _field(self, name: str) -> Value:
        return Value.cast(self.configuration[name])

    def _count(self, m: Module, step: Signal, first: Signal, last: Signal) -> list[Value]:
        """Counts the trips; for each level whether it is the outermost one that advances."""
        moves: list[Value] = []
        ticking: Value = step
        inner: Value = Const(1, 1)
        for level in reversed(range(self.shape.loops)):
            trips = self._field(f"trips_{level}")
            # One ahead, so that ``last`` is a register; starts by a synchronous reset, which costs no multiplexer.
            coming = Signal(len(trips), reset_less=True, name=f"coming_{level}")
            tick = Signal(name=f"tick_{level}")
            m.d.comb += tick.eq(ticking)
            again = Signal(name=f"again_{level}")
            m.d.comb += again.eq(self.begin | tick & last[level])
            with m.If(again):
                m.d.sync += [coming.eq(1), first[level].eq(1), last[level].eq(trips == 0)]
            with m.Elif(tick):
                m.d.sync += [
                    coming.eq(coming + 1),
                    first[level].eq(0),
                    last[level].eq(coming == trips),
                ]
            moves.insert(0, inner & ~last[level])
            inner = inner & last[level]
            ticking = tick & last[level]
        return moves

    def _keep(self, m: Module, name: str, bits: int, step: Signal, moves: list[Value]) -> Value:
        """One counter."""
        value = Signal(bits, reset_less=True, name=f"{name}_now")
        added: Value = Const(0, bits)
        for level, move in enumerate(moves):
            added = added | (self._field(f"{name}_{level}") & move.replicate(bits))
        with m.If(self.begin):
            m.d.sync += value.eq(self._field(f"{name}_start"))
        with m.Elif(step):
            m.d.sync += value.eq(value + added)
        return value

    def _run(self, m: Module, step: Signal, last: Signal) -> None:
        """When the generator is in its run: after its delay, before its end."""
        delay = self._field("delay")
        at_once = delay == 0
        if "data_driven" in self.shape.names:
            at_once = at_once | self._field("data_driven")
        wait = Signal(len(delay), name="wait")
        with m.If(self.advance & (wait != 0)):
            m.d.sync += wait.eq(wait - 1)
            with m.If(wait == 1):
                m.d.sync += self.valid.eq(1)
        with m.If(step & last.all()):
            m.d.sync += self.valid.eq(0)
        with m.If(self.begin):
            used = self._field("used")
            m.d.sync += [
                self.valid.eq(used & at_once),
                wait.eq(Mux(used & ~at_once, delay, 0)),
            ]


def _in_range(coordinate: Value, limit: Value, padded: Value) -> Value:
    """Whether a signed coordinate is in [0, limit), or no range was given."""
    return ~padded | (~coordinate[-1] & (coordinate < limit))

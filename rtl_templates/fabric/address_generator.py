"""AddressGenerator: walks a loop nest whose trips and strides are configured, without multipliers."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.run_bus import WriteSignature
from hlsgen.rtl_templates.fabric.step_memory import StepMemory
from hlsgen.rtl_templates.fabric.tile_shape import GeneratorShape
from hlsgen.rtl_templates.memory_ports import read_port, write_port

from hlsgen.algebra.fields import members


class AddressGenerator(wiring.Component):
    """The addresses that one generator walks through.

    Members (In): ``clear``: the run begins, in the cycle in which the settings change; ``begin``: go to the first position, in the cycle after
    ``clear`` and before the first ``advance``; ``advance``: the end of an iteration, or of a result; ``configuration``; ``half``, ``write``: of the
    StepMemory. (Out): ``valid``: the generator is in its run; ``walk``: the address without its base; ``last``: which loops are at their last
    trip; one output per further counter, by its name (row, column, parameter). Where the shape has the fields: ``inside`` the range of
    coordinates, ``first_mark``, ``last_mark``.

    **Timing**: all outputs are functions of registers; one step per cycle.
    **Cost**: a StepMemory; a LUT memory of trips, one incrementer and one comparison for all loops; an adder per counter.
    **Semantics**: ``hlsgen.fabric.configuration.Generator``; a data-driven one has no delay.
    """

    def __init__(self, shape: GeneratorShape) -> None:
        self.shape = shape
        ports: dict[str, Any] = {
            "clear": In(1),
            "begin": In(1),
            "advance": In(1),
            "configuration": In(data.StructLayout(members(shape.fields))),
            "half": In(1),
            "write": In(WriteSignature()),
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
        m.submodules.steps = steps = StepMemory(shape.step, shape.step_bits)
        wiring.connect(m, wiring.flipped(self.write), steps.write)
        m.d.comb += [steps.half.eq(self.half), steps.number.eq(_moving(m, last))]
        self._count(m, steps, step, first, last)
        for name, bits in shape.counters:
            value = self._keep(m, name, bits, step, Value.cast(steps.step[name]))
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

    def _count(
        self, m: Module, steps: StepMemory, step: Signal, first: Signal, last: Signal
    ) -> None:
        """Counts the trips that are left: only those of the moving level have to be known, for those inside it begin again, which ``first`` says.

        Whether one is left is seen beside the decrement, not behind it.
        """
        trips = Value.cast(steps.step.trips)
        m.submodules.counts = counts = memory.Memory(
            shape=len(trips), depth=1 << self.shape.step_bits, init=[], attrs={}
        )
        write, read = write_port(counts), read_port(counts, domain="comb")
        left = Signal.like(trips, name="left")  # the trip that comes included
        inside = _inside(last)
        moves = [~last[level] & inside[level] for level in range(self.shape.loops)]
        began = (first & Cat(moves)).any()
        m.d.comb += [
            left.eq(Mux(began, trips, read.data)),
            read.addr.eq(steps.number),
            write.addr.eq(steps.number),
            write.data.eq(left - 1),
            write.en.eq(step),
        ]
        with m.If(step | self.begin):
            for level, move in enumerate(moves):
                with m.If(inside[level] & last[level]):
                    single = self.configuration.single[level]
                    m.d.sync += [first[level].eq(1), last[level].eq(single)]
                with m.Elif(move):
                    m.d.sync += [first[level].eq(0), last[level].eq(left == 1)]
        with m.If(self.clear):
            m.d.sync += last.eq(-1)

    def _keep(self, m: Module, name: str, bits: int, step: Signal, added: Value) -> Value:
        """One counter."""
        value = Signal(bits, reset_less=True, name=f"{name}_now")
        with m.If(step | self.begin):
            m.d.sync += value.eq(value + added)
        with m.If(self.clear):  # through the flip-flops' synchronous reset, which costs nothing
            m.d.sync += value.eq(0)
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


def _inside(last: Value) -> list[Value]:
    """For each level whether all levels inside it are at their last trip (in RTLIL ``all`` of no bits is 0)."""
    return [*(last[level + 1 :].all() for level in range(len(last) - 1)), Const(1, 1)]


def _moving(m: Module, last: Signal) -> Signal:
    """The number of the step to take: the outermost level that advances, which is the innermost one not at its last trip; else the start."""
    number = Signal(range(len(last) + 1), name="moving")
    m.d.comb += number.eq(len(last))
    for level in range(len(last)):
        with m.If(~last[level]):
            m.d.comb += number.eq(level)
    return number


def _in_range(coordinate: Value, limit: Value, padded: Value) -> Value:
    """Whether a signed coordinate is in [0, limit), or no range was given."""
    return ~padded | (~coordinate[-1] & (coordinate < limit))

"""Finish: evaluates the finish expression of a process on every result, in a pipeline that never stalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.scalar_units import scalar_unit
from hlsgen.rtl_templates.arithmetic.shapes import number_of, pattern_of, shape_of
from hlsgen.rtl_templates.contract import Contract, MultiplierKind
from hlsgen.rtl_templates.memory_ports import read_port
from hlsgen.rtl_templates.ports.parameter_loader import LOAD, ParameterLoader
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo

from hlsgen.algebra.expression import (
    Call,
    Expression,
    Literal,
    Operand,
    expression_type,
)
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class ParameterMemory:
    """Constants of one width, one per result in output order; the sequence repeats (usually: the channels of a pixel)."""

    width: ElementType
    values: tuple[int, ...]
    loadable: bool = False

    def words(self, lanes: int) -> list[list[int]]:
        """The memory's content: ``lanes`` values per word, zeros after the last value."""
        padded = [*self.values, *([0] * (-len(self.values) % lanes))]
        return [padded[k : k + lanes] for k in range(0, len(padded), lanes)]


@dataclass(frozen=True)
class FinishParameters:
    """What a Finish computes, and how.

    ``expression``: over operands, parameters and literals. ``operands``: the fields of a result, by name.
    ``memories``: parameter memories by name, all of one length. ``element``: width of an output element, which holds
    every value of the expression. ``lanes``: results per word. ``repeat``: words in a row that share a word of
    parameters (pixels side by side). ``interval``: cycles per word; above 1 requantising multipliers are digit-serial
    and built of LUTs. ``multiplier``: kind of multipliers at interval 1. ``depth``: words of the output FIFO, see
    ``contract.credit_depth`` (None: enough for a word per interval).
    """

    expression: Expression
    operands: tuple[tuple[str, ElementType], ...]
    memories: tuple[tuple[str, ParameterMemory], ...]
    element: ElementType
    lanes: int
    interval: int = 1
    repeat: int = 1
    multiplier: MultiplierKind = "dsp"
    depth: int | None = None

    def __post_init__(self) -> None:
        value = expression_type(self.expression, self.widths)
        element = self.element.at_ports
        if value.minimum < element.minimum or value.maximum > element.maximum:
            raise ValueError(f"expected a value that fits {self.element}, found {value}")
        lengths = {len(memory.words(self.lanes)) for _, memory in self.memories}
        if len(lengths) > 1:
            raise ValueError(f"expected parameters of one length, found {sorted(lengths)} words")

    @property
    def widths(self) -> dict[str, ElementType]:
        """Operands and parameters by name, as numbers."""
        operands = {name: element.twos_complement for name, element in self.operands}
        return {**operands, **{name: p.width for name, p in self.memories}}

    @property
    def period(self) -> int:
        """Words of the parameter memories."""
        return len(self.memories[0][1].words(self.lanes)) if self.memories else 1

    @property
    def pipeline(self) -> Contract:
        """Contract of the pipeline without its FIFO."""
        return contract.finish(
            self.expression,
            operands=dict(self.operands),
            parameters={name: memory.width for name, memory in self.memories},
            parameter_words=self.period,
            lanes=self.lanes,
            interval=self.interval,
            multiplier=self.multiplier,
        )

    @property
    def fifo_depth(self) -> int:
        """Words of the output FIFO."""
        return self.depth or contract.credit_depth(
            self.pipeline.latency, self.interval, contract.CREDIT_LATENCY
        )


class Finish(wiring.Component):
    """A pipeline from words of ``lanes`` results to words of ``lanes`` elements.

    Members: ``i``: stream of ArrayLayout(StructLayout(operands), lanes); ``o``: stream of ArrayLayout(element, lanes); ``load``, ``loaded``, where
    memories are loadable: the image (``ports.parameter_loader``), and what is left of it. A reset has to follow.

    **Timing**: see ``contract`` (latency from the first cycle of a word at ``i`` to ``o.valid``). A word is held at ``i``
    for ``interval`` cycles and accepted in the last; none in the first two cycles after a reset. ``i.ready`` depends on a credit, never on ``o.ready`` in the same
    cycle; ``o.valid`` is a register.
    **Cost**: see ``contract``; parameter memories of up to ``contract.LOGIC_ROM_WORDS`` words are built of LUTs.
    **Semantics**: the finish expression of a dataflow process.
    """

    def __init__(self, parameters: FinishParameters) -> None:
        self.parameters = p = parameters
        inner = p.pipeline
        self.pipeline_latency = inner.latency
        fifo = contract.credit_fifo(depth=p.fifo_depth, word_bits=p.lanes * p.element.bits)
        self.contract = Contract(
            inner.latency + fifo.latency,
            p.interval,
            inner.storage_bits + fifo.storage_bits,
            inner.multipliers,
        )
        result = data.StructLayout({name: shape_of(w) for name, w in p.operands})
        members = {
            "i": In(stream.Signature(data.ArrayLayout(result, p.lanes))),
            "o": Out(stream.Signature(data.ArrayLayout(shape_of(p.element), p.lanes))),
        }
        self.loaders = {
            name: ParameterLoader(parameter.width.bits * p.lanes, p.period)
            for name, parameter in p.memories
            if parameter.loadable
        }
        if self.loaders:
            members |= {"load": In(LOAD), "loaded": Out(LOAD)}
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        before = wiring.flipped(self.load) if self.loaders else None
        for name, loader in self.loaders.items():
            m.submodules[f"load_{name}"] = loader
            wiring.connect(m, before, loader.i)
            before = loader.o
        if self.loaders:
            wiring.connect(m, before, wiring.flipped(self.loaded))
        m.submodules.fifo = fifo = CreditFifo(
            self.o.payload.shape(),
            depth=self.parameters.fifo_depth,
            credit_latency=contract.CREDIT_LATENCY,
        )
        wiring.connect(m, wiring.flipped(self.o), fifo.o)
        # The memories need a cycle to read their first word, and a register behind them another. Nothing is offered before; asking for that
        # makes a register of this unit alone: of constants synthesis makes one for all units, whose wires cross the whole device.
        read, primed = Signal(name="read"), Signal(name="primed")
        m.d.sync += [read.eq(read | ~fifo.o.valid), primed.eq(read)]
        begin, accept = self._phases(m, fifo.available & primed)
        pipeline = _Pipeline(self, m, begin, accept, primed)
        for lane in range(self.parameters.lanes):
            value, at = pipeline.value(self.parameters.expression, lane)
            late = pipeline.delayed(
                value, (lane, self.parameters.expression), at or 0, self.pipeline_latency
            )
            m.d.comb += fifo.data[lane].eq(pattern_of(self.parameters.element, late))
        m.d.comb += [fifo.start.eq(begin), fifo.push.eq(pipeline.pulse(self.pipeline_latency))]
        return m

    def _phases(self, m: Module, available: Value) -> tuple[Value, Value]:
        """Pulses in the first and in the last cycle of a word."""
        if self.parameters.interval == 1:
            m.d.comb += self.i.ready.eq(available)
            begin = self.i.valid & available
            return begin, begin
        phase = Signal(range(self.parameters.interval), name="phase")
        begin, accept = Signal(name="begin"), Signal(name="accept")
        m.d.comb += [
            begin.eq((phase == 0) & self.i.valid & available),
            accept.eq(phase == self.parameters.interval - 1),
            self.i.ready.eq(accept),
        ]
        with m.If(accept):
            m.d.sync += phase.eq(0)
        with m.Elif(begin | (phase != 0)):
            m.d.sync += phase.eq(phase + 1)
        return begin, accept


class _Pipeline:
    """Places the units of an expression in time and balances their operands with registers.

    Times are cycles after the first cycle of a word. A parameter is read from its memory in the very cycle
    in which it is needed (a cycle before where it is a block RAM's, whose own register it passes), so that not values but
    short addresses are delayed.
    """

    def __init__(
        self, owner: Finish, m: Module, begin: Value, accept: Value, primed: Value
    ) -> None:
        self.parameters, self.source, self.m = owner.parameters, owner.i.payload, m
        self.loaders = owner.loaders
        self.pulses: dict[int, Value] = {0: begin, owner.parameters.interval - 1: accept}
        self.registers: dict[tuple[Any, int], Value] = {}
        self.memories: dict[tuple[str, int], Any] = {}
        self.addresses: list[Value] = []
        self.step = self._step(accept) | ~primed
        if owner.parameters.period > 1:
            self._count()

    def _step(self, accept: Value) -> Value:
        """Whether the next word has other parameters: after each accepted word, or after ``repeat`` of them."""
        repeat, m = self.parameters.repeat, self.m
        if repeat == 1 or self.parameters.period == 1:
            return accept
        turn = Signal(range(repeat), name="turn")
        final = turn == repeat - 1
        with m.If(accept):
            m.d.sync += turn.eq(Mux(final, 0, turn + 1))
        return accept & final

    def _count(self) -> None:
        """The addresses of the word at the input and of the two after: registers, so that a small memory is one LUT per bit."""
        m, period = self.m, self.parameters.period
        address, after, ahead = (
            Signal(range(period), name=name) for name in ("address", "after", "ahead")
        )
        with m.If(self.step):
            m.d.sync += [
                address.eq(after),
                after.eq(ahead),
                ahead.eq(Mux(ahead == period - 1, 0, ahead + 1)),
            ]
        self.after, self.ahead, self.addresses = after, ahead, [address]

    def pulse(self, time: int) -> Value:
        """The pulse of a word ``time`` cycles after its first cycle."""
        if time not in self.pulses:
            register = Signal(name=f"begun_{time}")
            self.m.d.sync += register.eq(self.pulse(time - 1))
            self.pulses[time] = register
        return self.pulses[time]

    def delayed(self, value: Value, key: Any, ready: int, time: int) -> Value:
        """``value``, which is there at time ``ready``, at ``time``; registers are shared by ``key``."""
        for at in range(ready + 1, time + 1):
            if (key, at) not in self.registers:
                register = Signal(value.shape(), reset_less=True, name="register")
                self.m.d.sync += register.eq(value)
                self.registers[key, at] = register
            value = self.registers[key, at]
        return value

    def value(self, node: Expression, lane: int) -> tuple[Value, int | None]:
        """The value of a node and the time it is there; None for one that could be read at any time."""
        match node:
            case Call():
                return self._unit(node, lane)
            case Operand(name) if name in dict(self.parameters.operands):
                element = dict(self.parameters.operands)[name]
                return number_of(element, Value.cast(self.source[lane][name])), 0
        return self._at(node, lane, 0), None

    def _at(self, node: Expression, lane: int, time: int) -> Value:
        """A literal, or a parameter at the time it is needed."""
        if isinstance(node, Literal):
            return Const(node.value, shape_of(ElementType.holding(node.value, node.value)))
        assert isinstance(node, Operand)
        return self._parameter(node.name, time)[lane]

    def _unit(self, node: Call, lane: int) -> tuple[Value, int]:
        parameters = self.parameters
        widths = tuple(expression_type(a, parameters.widths) for a in node.arguments)
        unit = scalar_unit(
            node.op,
            widths,
            interval=parameters.interval,
            multiplier=parameters.multiplier,
        )
        flexible = [self._flexible(a) for a in node.arguments]
        values = [
            None if free else self.value(a, lane)
            for a, free in zip(node.arguments, flexible, strict=True)
        ]
        base = contract.unit_base(unit.timing, tuple(v[1] if v else None for v in values))
        self.m.submodules += unit
        self.m.d.comb += unit.start.eq(self.pulse(base))
        for k, argument in enumerate(node.arguments):
            needed, value = base + unit.timing.arrivals[k], values[k]
            if value is None:
                ready = self._at(argument, lane, needed)
            else:
                ready = self.delayed(value[0], (lane, argument), value[1] or 0, needed)
            self.m.d.comb += unit.operand(k).eq(ready)
        return unit.result, base + unit.timing.latency

    def _flexible(self, node: Expression) -> bool:
        """Whether the node is a literal or a parameter, which can be had at any time."""
        if isinstance(node, Operand):
            return node.name in dict(self.parameters.memories)
        return isinstance(node, Literal)

    def _parameter(self, name: str, time: int) -> Any:
        """The parameter word of the word that began ``time`` cycles ago."""
        if (name, time) in self.memories:
            return self.memories[name, time]
        parameters, m = self.parameters, self.m
        parameter = dict(parameters.memories)[name]
        words = parameter.words(parameters.lanes)
        layout = data.ArrayLayout(shape_of(parameter.width), parameters.lanes)
        if parameters.period == 1:
            self.memories[name, time] = fixed = Signal(
                layout, init=words[0], name="fixed", reset_less=parameter.loadable
            )
            if parameter.loadable:
                with m.If(self.loaders[name].write):
                    m.d.sync += fixed.as_value().eq(self.loaders[name].data)
            return fixed
        small = parameters.period <= contract.LOGIC_ROM_WORDS
        if not small and time == 1:
            word = Signal(layout, reset_less=True, name=f"{name}_1")
            m.d.sync += word.eq(self._parameter(name, 0))
            self.memories[name, time] = word
            return word
        style = {"rom_style": "logic" if small else "auto"}
        rom = memory.Memory(
            shape=layout,
            depth=parameters.period,
            init=words,
            attrs={"no_collision": 1} if parameter.loadable else style,
        )
        m.submodules[f"{name}_{time}"] = rom
        if parameter.loadable:
            self.loaders[name].fill(m, rom, f"{name}_{time}_load")
        port = read_port(rom, f"{name}_{time}_read")
        self.memories[name, time] = result = (
            port.data if small else Signal(layout, reset_less=True, name=f"{name}_{time}")
        )
        if time == 0:  # read ahead
            m.d.comb += [port.addr.eq(self.after if small else self.ahead), port.en.eq(self.step)]
            if not small:
                with m.If(self.step):
                    m.d.sync += result.eq(port.data)
        else:
            m.d.comb += port.addr.eq(self._address(time if small else time - 1))
            if not small:
                m.d.sync += result.eq(port.data)
        return result

    def _address(self, time: int) -> Value:
        """What a memory must be asked a cycle before ``time``."""
        while len(self.addresses) < time:
            late = Signal.like(self.addresses[-1], name=f"address_{len(self.addresses)}")
            self.m.d.sync += late.eq(self.addresses[-1])
            self.addresses.append(late)
        return self.addresses[time - 1]

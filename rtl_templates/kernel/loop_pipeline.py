"""LoopPipeline: one loop nest as a fixed pipeline, a unit for every operation."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.word_units import WordAlu
from hlsgen.rtl_templates.kernel.shape import (
    AccessShape,
    ConstantTap,
    OperandTap,
    PipelineShape,
    StageShape,
    ValueTap,
)
from hlsgen.rtl_templates.stream.loop_nest import CounterPort, LoopNest
from hlsgen.rtl_templates.stream.shape import NestShape

from hlsgen.algebra.mark import Mark


class LoopPipeline(wiring.Component):
    """Runs its nest once after ``start``.

    Members
    -------
    start: begin a run (ignored during one)
    done: high in the last cycle of a run
    read_address_<k>, read_data_<k>: port k of a memory that answers in the next cycle
    write_address_<k>, write_data_<k>, write_enable_<k>: a store; the memory holds the word from the next cycle on

    Timing: an iteration starts every ``shape.interval`` cycles; ``done`` comes ``loop_contract.loop_pipeline_cycles``
    after ``start``. Cost: a unit per operation, and a register per cycle for which a value waits.
    """

    def __init__(self, shape: PipelineShape) -> None:
        self.shape = shape
        members: dict[str, object] = {"start": In(1), "done": Out(1)}
        for stage in shape.stages:
            access = stage.access
            if access is not None and stage.operator == "load":
                members[f"read_address_{access.port}"] = Out(access.address_bits)
                members[f"read_data_{access.port}"] = In(access.element_bits)
            elif access is not None and stage.operator == "store":
                members[f"write_address_{access.port}"] = Out(access.address_bits)
                members[f"write_data_{access.port}"] = Out(access.element_bits)
                members[f"write_enable_{access.port}"] = Out(1)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        strobe = self._control(m)
        taps = _Taps(m, self.shape, strobe)
        for number, stage in enumerate(self.shape.stages):
            operands = [taps.operand(tap, stage.time) for tap in stage.operands]
            predicate = taps.predicate(stage)
            if stage.access is not None:
                address = self._address(m, taps, stage, stage.access, operands)
                self._access(m, taps, number, operands, predicate & taps.active(stage), address)
            elif stage.operator.endswith("_accumulate"):
                self._accumulate(m, taps, number, operands, predicate & taps.active(stage))
            else:
                result = self._compute(m, stage, operands, predicate)
                m.d.sync += _delayed(m, result, stage.latency - 1, taps.values[number])
        return m

    def _compute(
        self, m: Module, stage: StageShape, operands: list[Value], predicate: Value
    ) -> Value:
        """The result of a word operator, combinational."""
        unit = WordAlu((stage.operator,), self.shape.word_bits)
        m.submodules[f"operator_{stage.name}"] = unit
        for port, operand in zip((unit.a, unit.b), operands, strict=False):
            m.d.comb += port.eq(operand)
        m.d.comb += [unit.predicate.eq(predicate), unit.controls.as_value().eq(-1)]
        return unit.result

    def _control(self, m: Module) -> Signal:
        """The strobe with which every iteration starts, and ``done``."""
        iterations = 1
        for trip in self.shape.trips:
            iterations *= trip
        strobe, busy = Signal(name="strobe"), Signal(name="busy")
        waiting = Signal(range(self.shape.interval), name="waiting")
        left = Signal(range(iterations + 1), name="left")
        ending = Signal(range(self.shape.length + 1), name="ending")
        m.d.comb += [
            strobe.eq((left != 0) & (waiting == 0)),
            self.done.eq(busy & (left == 0) & (ending == 0)),
        ]
        with m.If(~busy):
            with m.If(self.start):
                m.d.sync += [busy.eq(1), left.eq(iterations), waiting.eq(0)]
        with m.Elif(self.done):
            m.d.sync += busy.eq(0)
        with m.If(strobe):
            m.d.sync += [
                left.eq(left - 1),
                waiting.eq(self.shape.interval - 1),
                ending.eq(self.shape.length - 1),
            ]
        with m.Else():
            with m.If(waiting != 0):
                m.d.sync += waiting.eq(waiting - 1)
            with m.If(ending != 0):
                m.d.sync += ending.eq(ending - 1)
        return strobe

    def _address(
        self,
        m: Module,
        taps: _Taps,
        stage: StageShape,
        access: AccessShape,
        operands: list[Value],
    ) -> Value:
        """The element that a stage reads or writes (or the value of its affine function)."""
        index = operands[1:] if stage.operator == "store" else operands
        if access.affine is None:
            wrapped = index[0] if access.wrap_bits is None else index[0][: access.wrap_bits]
            return (wrapped + access.offset)[: access.address_bits]
        bits = taps.word.width if stage.operator == "affine" else access.address_bits
        port = CounterPort(access.affine, bits)
        nest = LoopNest(NestShape(self.shape.trips, 0, 0), (port,))
        m.submodules[f"addresses_{stage.name}"] = nest
        m.d.comb += nest.advance.eq(taps.active(stage))
        return nest.value(0)

    def _access(
        self,
        m: Module,
        taps: _Taps,
        number: int,
        operands: list[Value],
        enable: Value,
        address: Value,
    ) -> None:
        stage = self.shape.stages[number]
        access = stage.access
        assert access is not None
        value = taps.values[number]
        if stage.operator == "affine":
            m.d.sync += value.eq(address)
        elif stage.operator == "load":
            data = getattr(self, f"read_data_{access.port}")
            m.d.comb += [
                getattr(self, f"read_address_{access.port}").eq(address),
                value.eq(data.as_signed() if access.signed else data),
            ]
        else:
            when = Const(1) if stage.when is None else taps.mark(stage.when, stage.time)
            m.d.comb += [
                getattr(self, f"write_address_{access.port}").eq(address),
                getattr(self, f"write_data_{access.port}").eq(operands[0]),
                getattr(self, f"write_enable_{access.port}").eq(enable & when),
            ]

    def _accumulate(
        self, m: Module, taps: _Taps, number: int, operands: list[Value], enable: Value
    ) -> None:
        """A register behind the multiplier, then the accumulator, which is the stage's value."""
        stage, value = self.shape.stages[number], taps.values[number]
        product, moving, clear = (
            Signal(taps.word, name="product"),
            Signal(name="moving"),
            Signal(name="clear"),
        )
        clear_now = Const(0) if stage.clear is None else taps.mark(stage.clear, stage.time)
        multiplies = stage.operator == "multiply_accumulate"
        m.d.sync += [
            product.eq(operands[0] * operands[1] if multiplies else operands[0]),
            moving.eq(enable),
            clear.eq(clear_now),
        ]
        larger = Mux(product > value, product, value)
        with m.If(moving):
            m.d.sync += value.eq(Mux(clear, product, value + product if multiplies else larger))


class _Taps:
    """Values, marks and the strobe of a pipeline, each available any number of cycles later."""

    def __init__(self, m: Module, shape: PipelineShape, strobe: Signal) -> None:
        self._m, self._shape, self._strobe = m, shape, strobe
        self.word = Shape(shape.word_bits, signed=True)
        self.values = [Signal(self.word, name=f"value_{stage.name}") for stage in shape.stages]
        self._chains: dict[int, list[Value]] = {}
        self._nest = LoopNest(NestShape(shape.trips, 0, 0), ())
        m.submodules.marks = self._nest
        m.d.comb += self._nest.advance.eq(strobe)
        self._marks: dict[Mark, Signal] = {}

    def active(self, stage: StageShape) -> Value:
        """High in the cycles in which the stage is issued."""
        return self._later(self._strobe, stage.time)

    def mark(self, tap: Mark, time: int) -> Value:
        """A mark of the iteration that started ``time`` cycles ago."""
        if tap not in self._marks:
            self._marks[tap] = self._make_mark(tap)
        return self._later(self._marks[tap], time)

    def operand(self, tap: OperandTap, time: int) -> Value:
        """An operand of an operation issued ``time`` cycles after its iteration began."""
        if isinstance(tap, ConstantTap):
            return Const(tap.value, self.word)
        value = self._later(self.values[tap.stage], tap.delay)
        if tap.start is None:
            return value
        first = self.mark(Mark("first", tap.level), time)
        return Mux(first, Const(tap.start, self.word), value)

    def predicate(self, stage: StageShape) -> Value:
        """The predicate of a stage, true where it has none."""
        match stage.predicate:
            case None:
                return Const(1)
            case Mark() as tap:
                return self.mark(tap, stage.time)
            case ValueTap() as tap:
                return self.operand(tap, stage.time)[0]

    def _make_mark(self, tap: Mark) -> Signal:
        here = Signal(name=f"{tap.edge}_{tap.level}", init=tap.edge == "first")
        last = self._nest.last[tap.level :].all()
        if tap.edge == "last":
            self._m.d.comb += here.eq(last)
        else:
            with self._m.If(self._strobe):
                self._m.d.sync += here.eq(last)
        return here

    def _later(self, signal: Signal, cycles: int) -> Value:
        chain = self._chains.setdefault(id(signal), [signal])
        while len(chain) <= cycles:
            register = Signal.like(signal, name=f"{signal.name}_{len(chain)}", init=0)
            self._m.d.sync += register.eq(chain[-1])
            chain.append(register)
        return chain[cycles]


def _delayed(m: Module, result: Value, cycles: int, value: Signal) -> object:
    """The statement that gives ``value`` the result, ``cycles`` registers in front of its own."""
    for number in range(cycles):
        register = Signal.like(value, name=f"{value.name}_early_{number}")
        m.d.sync += register.eq(result)
        result = register
    return value.eq(result)


__all__ = ["LoopPipeline"]

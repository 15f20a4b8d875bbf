"""FabricPe: a PE of a fabric, from its context memory to its link registers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, ResetSignal, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.word_units import WordAlu
from hlsgen.rtl_templates.fabric.choice import chosen
from hlsgen.rtl_templates.fabric.late_pipeline import LatePipeline
from hlsgen.rtl_templates.fabric.pe_decoder import PeDecoder
from hlsgen.rtl_templates.fabric.rotating_registers import RotatingRegisters
from hlsgen.rtl_templates.fabric.run_bus import (
    RunSignature,
    WriteSignature,
    drained_word,
    marked_word,
    own_run,
    own_write,
)
from hlsgen.rtl_templates.fabric.shape import PeShape
from hlsgen.rtl_templates.shared_unit import SharedUnit


class FabricPe(SharedUnit):
    """One cell of the grid, as docs/grid.md, "PE", says.

    Members: ``run`` (In): from loop control. ``write`` (In): contexts, see ContextMemory. ``in_<link>`` (In), ``out_<link>``
    (Out): marked words; the outgoing ones are registers. ``memory_<side>`` (In): words that the tiles of the cell read.
    ``sources`` (Out), beside tiles: words of the sources of ``memory`` in the order of their codes. ``drain_in``
    (In), ``drain_out`` (Out, a register): the drain chain, where the shape has one.

    **Timing**: a word that arrives in cycle t leaves on a link in cycle t + 1; operators as their latencies say. Cycles are those of ``own_run``.
    **Cost**: choices are AND-OR trees of one bit per source, decoded a cycle ahead: about half a LUT per source and bit; a register per bit of
    a link, of the drain chain and of Selections; and what its units cost.
    **Semantics**: ``hlsgen.fabric.configuration.PeContext``.
    """

    unit_name = "pe"

    def __init__(self, shape: PeShape) -> None:
        self.shape = shape
        marked = marked_word(shape.word_bits)
        ports: dict[str, Any] = {
            "run": In(RunSignature(shape.run)),
            "write": In(WriteSignature()),
        }
        ports |= {f"in_{link}": In(marked) for link in shape.arriving}
        ports |= {f"out_{link}": Out(marked) for link in shape.leaving}
        if shape.memories:
            ports |= {memory: In(marked) for memory in shape.memories}
            ports["sources"] = Out(data.ArrayLayout(shape.word_bits, len(shape.of("memory"))))
        if shape.drain:
            ports["drain_in"] = In(drained_word(shape.accumulator_bits))
            ports["drain_out"] = Out(drained_word(shape.accumulator_bits))
        super().__init__(ports)

    @property
    def key(self) -> Hashable:
        return self.shape

    @property
    def kept_apart(self) -> bool:
        """Where it has registers of its own for what loop control says."""
        return not self.shape.run.streams

    def circuit(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        self._run = run = own_run(m, self.run)
        m.submodules.decoder = decoder = PeDecoder(shape)
        wiring.connect(m, run, decoder.run)
        wiring.connect(m, own_write(m, self.write, shape.run), decoder.write)
        issued = decoder.issued
        words, marks = self._arriving()
        late: LatePipeline | None = None
        reset = Signal(reset_less=True, name="reset")
        if shape.late:
            m.submodules.late = late = LatePipeline(
                shape.late,
                shape.late_latency,
                shape.word_bits,
                shape.accumulator_bits,
                steady=not shape.run.streams,
            )
            words["late"] = late.late
        registers: RotatingRegisters | None = None
        if shape.run.registers:
            registers = RotatingRegisters(shape.run.registers, shape.word_bits)
            m.submodules.registers = registers
            words |= {"register_a": registers.a, "register_b": registers.b}
        for k, name in enumerate(shape.of("memory")):
            m.d.comb += self.sources[k].eq(words[name])
        words["constant"] = issued.constant
        a, b = (Signal(shape.word_bits, name=f"operand_{name}") for name in "ab")
        low_bits = Cat(words[name][0] for name in shape.of("predicate"))
        predicate = Signal(name="predicate")
        m.d.comb += [
            a.eq(self._operand(issued.a, [words[name] for name in shape.of("a")])),
            b.eq(self._operand(issued.b, [words[name] for name in shape.of("b")])),
            predicate.eq(issued.predicate_always | (issued.predicate & low_bits).any()),
        ]
        if shape.fast:
            m.submodules.alu = alu = WordAlu(shape.fast, shape.word_bits)
            words["result"] = self._started(m, alu, a, b, predicate, issued.fast)
        if late is not None:
            self._started(m, late, a, b, predicate, issued.late)
            m.d.comb += [late.enable.eq(run.enable), late.clear.eq(run.clear)]
            if (
                shape.accumulates
            ):  # its registers are many: the reset of the whole circuit ends here
                m.d.sync += reset.eq(ResetSignal())
                m.d.comb += late.reset.eq(reset)
            if shape.accumulates:
                of_a = [marks.get(name, Const(0, 2)) for name in shape.of("a")]
                first, last = self._operand(issued.a, of_a)
                m.d.comb += [
                    late.begin.eq(issued.begin | (issued.begin_mark & first)),
                    late.drain.eq(issued.drain | (issued.drain_mark & last)),
                ]
        self._send(m, decoder, registers, words, marks)
        if shape.drain:
            self._drain(m, late)
        return m

    def _operand(self, selection: Value, values: list[Value]) -> Value:
        """The source that is chosen; the only one where there is one and nothing replaces it, for an idle unit does not look at it."""
        if len(values) == 1 and not self.shape.replaces:
            return values[0]
        return chosen(selection, values)

    def _arriving(self) -> tuple[dict[str, Value], dict[str, Value]]:
        """Words and (first, last) marks by the names of the sources that come from outside."""
        ports = {name: getattr(self, f"in_{name}") for name in self.shape.arriving}
        ports |= {name: getattr(self, name) for name in self.shape.memories}
        words = {name: Value.cast(port.word) for name, port in ports.items()}
        marks: dict[str, Value] = {name: Cat(port.first, port.last) for name, port in ports.items()}
        return words, marks

    def _started(
        self, m: Module, unit: Any, a: Value, b: Value, predicate: Value, controls: Any
    ) -> Value:
        m.d.comb += [
            unit.a.eq(a),
            unit.b.eq(b),
            unit.predicate.eq(predicate),
            unit.controls.eq(controls),
        ]
        return Value.cast(unit.result if isinstance(unit, WordAlu) else unit.late)

    def _send(
        self,
        m: Module,
        decoder: PeDecoder,
        registers: RotatingRegisters | None,
        words: dict[str, Value],
        marks: dict[str, Value],
    ) -> None:
        """The crossbars: link registers and the register file's write port."""
        shape, run, issued = self.shape, self._run, decoder.issued
        for link in shape.leaving:
            whole = [Cat(words[name], marks.get(name, Const(0, 2))) for name in shape.of(link)]
            register = Signal(len(whole[0]), reset_less=True, name=f"register_{link}")
            m.d.comb += getattr(self, f"out_{link}").eq(register)
            selection = Value.cast(issued[f"link_{link}"])
            # Of one source, nothing is sent through the flip-flops' synchronous reset, which costs nothing.
            single = len(whole) == 1
            with m.If(run.enable):
                m.d.sync += register.eq(whole[0] if single else chosen(selection, whole))
            with m.If(run.clear | (run.enable & ~selection[0] if single else 0)):
                m.d.sync += register.eq(0)
        if registers is not None:
            m.d.comb += [
                registers.fetch.eq(run.fetch),
                registers.enable.eq(run.enable),
                registers.rotation.eq(run.rotation),
                registers.read_a.eq(decoder.read_a),
                registers.read_b.eq(decoder.read_b),
                registers.write.eq(decoder.register),
                registers.store.eq(issued.register.any()),
                registers.data.eq(
                    chosen(issued.register, [words[name] for name in shape.of("register")])
                ),
            ]

    def _drain(self, m: Module, late: LatePipeline | None) -> None:
        """One register of the drain chain; a cell without accumulator only passes on."""
        word = Signal(self.shape.accumulator_bits, reset_less=True, name="drained_word")
        valid = Signal(name="drained_valid")
        with m.If(self._run.enable):
            m.d.sync += [word.eq(self.drain_in.word), valid.eq(self.drain_in.valid)]
            if late is not None and self.shape.accumulates:
                with m.If(late.drained):
                    m.d.sync += [word.eq(late.accumulated), valid.eq(1)]
        with m.If(self._run.clear):
            m.d.sync += valid.eq(0)
        m.d.comb += [self.drain_out.word.eq(word), self.drain_out.valid.eq(valid)]

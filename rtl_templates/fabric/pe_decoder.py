"""PeDecoder: turns the contexts of a PE into the selections and control lines of its datapath."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.word_units import WORD_UNITS, control_lines
from hlsgen.rtl_templates.fabric.context_memory import ContextMemory, issue
from hlsgen.rtl_templates.fabric.line_taps import LineTaps
from hlsgen.rtl_templates.fabric.run_bus import RunSignature, WriteSignature
from hlsgen.rtl_templates.fabric.shape import PeShape

from hlsgen.algebra.modes import INITIAL, WHEN


def control_layout(operators: Sequence[str]) -> data.StructLayout:
    """The control lines of some operators."""
    return data.StructLayout({line: 1 for line in control_lines(operators)})


class Selections(data.StructLayout):
    """What the datapath of a PE does in one cycle: one bit per choice, all zero for nothing.

    ``a``, ``b``, ``predicate``, ``link_<name>``, ``register``: their sources; ``predicate_always``: it is true anyway; ``fast``, ``late``:
    control lines; ``begin``, ``drain``: start anew, drain; ``begin_mark``, ``drain_mark``: where operand a carries the mark.
    """

    def __init__(self, shape: PeShape) -> None:
        members: dict[str, Any] = {
            "a": len(shape.of("a")),
            "b": len(shape.of("b")),
            "constant": shape.word_bits,
            "predicate": len(shape.of("predicate")),
            "predicate_always": 1,
        }
        if shape.fast:
            members["fast"] = control_layout(shape.fast)
        if shape.late:
            members["late"] = control_layout(shape.late)
        for name in ("begin", "drain"):
            if shape.accumulates:
                members |= {name: 1, f"{name}_mark": 1}
        for link in shape.leaving:
            members[f"link_{link}"] = len(shape.of(link))
        if shape.run.registers:
            members["register"] = len(shape.of("register"))
        super().__init__(members)


class PeDecoder(wiring.Component):
    """Context memory and decoder.

    Members: ``run``, ``write`` (In). ``issued`` (Out, registers): the selections of this cycle. ``rotation``, ``read_a``, ``read_b``,
    ``register`` (Out): of the coming context, logical indices of the register file, where there is one.

    **Timing**: decoded in the cycle before issue, so that neither line taps nor codes lengthen the datapath.
    **Cost**: a ContextMemory, and a register and a comparison with a constant per bit of Selections.
    **Semantics**: the fields of PeShape; nothing where the unit was not written.
    """

    def __init__(self, shape: PeShape) -> None:
        self.shape = shape
        ports: dict[str, Any] = {
            "run": In(RunSignature(shape.run)),
            "write": In(WriteSignature()),
            "issued": Out(Selections(shape)),
        }
        if shape.run.registers:
            index = range(shape.run.registers)
            ports |= {name: Out(index) for name in ("read_a", "read_b", "register")}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        m.submodules.contexts = contexts = ContextMemory(shape.run, shape.fields)
        wiring.connect(m, wiring.flipped(self.run), contexts.run)
        wiring.connect(m, wiring.flipped(self.write), contexts.write)
        m.submodules.taps = self._taps = LineTaps(shape.run)
        wiring.connect(m, wiring.flipped(self.run), self._taps.run)
        self._coming = contexts.coming
        coming: dict[str, Value] = {
            **self._operands(),
            **self._predicate(),
            "constant": self._field("constant"),
        }
        for name, operators in (("fast", shape.fast), ("late", shape.late)):
            if operators:
                coming[name] = self._controls(operators)
        if shape.accumulates:
            coming |= {**self._when("clear", "begin"), **self._when("drain", "drain")}
        for link in shape.leaving:
            coming[f"link_{link}"] = self._crossbar(f"link_{link}", link)
        if shape.run.registers:
            coming["register"] = self._crossbar("register", "register")
            m.d.comb += [
                self.read_a.eq(self._field("read_a")),
                self.read_b.eq(self._field("read_b")),
                self.register.eq(self._field("register_index")),
            ]
        issued = issue(m, Selections(shape), coming, self.run.fetch, contexts.known)
        m.d.comb += self.issued.eq(issued)
        return m

    def _field(self, name: str) -> Value:
        """A field of the coming context; 0 where the contexts have no such field."""
        present = any(name == field.name for field in self.shape.fields)
        return Value.cast(self._coming[name]) if present else Const(0, 1)

    def _tap(self, name: str) -> Value:
        """The line tap of the fields ``<name>_line`` and ``<name>_stage``."""
        line, stage = self._field(f"{name}_line"), self._field(f"{name}_stage")
        return self._taps.tap(line, stage)

    def _operands(self) -> dict[str, Value]:
        initial, at_start = self._field("initial"), self._tap("initial")
        operands: dict[str, Value] = {}
        for name in ("a", "b"):
            constant = at_start & (initial == INITIAL.index(f"{name}_constant"))
            zero = at_start & (initial == INITIAL.index(f"{name}_zero"))
            names = self.shape.of(name)
            chosen = [self._field(name) == k for k in range(len(names))]
            if not self.shape.replaces:
                operands[name] = Cat(chosen)
                continue
            kept = [bit & ~(constant | zero) for bit in chosen]
            if names[0] == "constant":
                kept[0] = kept[0] | constant
            operands[name] = Cat(kept)
        return operands

    def _predicate(self) -> dict[str, Value]:
        """Code 0: true; then the sources; then the line tap."""
        code, sources = self._field("predicate"), len(self.shape.of("predicate"))
        return {
            "predicate": Cat(code == 1 + k for k in range(sources)),
            "predicate_always": (code == 0) | (code == 1 + sources) & self._tap("predicate"),
        }

    def _controls(self, operators: Sequence[str]) -> Value:
        code = self._field("operator")
        names = [name for name, _ in self.shape.operators]
        lines = []
        for line in control_lines(operators):
            raising = [name for name in operators if line in WORD_UNITS[name]]
            lines.append(Cat(code == 1 + names.index(name) for name in raising).any())
        return Cat(lines)

    def _when(self, field: str, name: str) -> dict[str, Value]:
        code = self._field(field)
        line = self._tap("initial" if field == "clear" else field)
        return {
            name: (code == WHEN.index("always")) | (code == WHEN.index("line")) & line,
            f"{name}_mark": code == WHEN.index("mark"),
        }

    def _crossbar(self, field: str, multiplexer: str) -> Value:
        """Code 0: nothing; then the sources."""
        code = self._field(field)
        return Cat(code == 1 + k for k in range(len(self.shape.of(multiplexer))))

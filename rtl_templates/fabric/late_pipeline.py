"""LatePipeline: the operators of a PE that take more than one cycle, and its accumulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.word_units import WordAlu, accumulates, control_lines


class LatePipeline(wiring.Component):
    """Operators of one latency L > 1, one started per enabled cycle.

    Parameters: ``operators``: names; ``latency`` L; ``bits`` of words; ``accumulator_bits`` where an operator accumulates. ``steady``: a run is never
    held up, so that registers of products need not wait.

    Members (In): ``enable``, ``clear`` of the run; ``a``, ``b``, ``predicate``, ``controls`` of the operator that starts;
    ``reset``: the accumulator becomes 0; ``begin``: an accumulating operator starts anew; ``drain``: its result is to be drained. (Out): ``late``: see docs/grid.md,
    0 in cycles with nothing to show; ``accumulated``: the new value of the accumulator, right where ``drained`` is high: in
    cycle t + L - 1 of an operator that executed with ``drain`` in cycle t. The last three only where an operator accumulates.

    **Timing**: L - 1 registers between operands and ``late``: of the product (that of L = 2), before it of the operands, and the
    rest behind the product.
    **Cost**: one multiplier, one accumulator with one adder, for those operators that need them.
    **Semantics**: the word operators of the same names.
    """

    def __init__(
        self,
        operators: Sequence[str],
        latency: int,
        bits: int,
        accumulator_bits: int,
        *,
        steady: bool,
    ) -> None:
        if latency < 2:
            raise ValueError(f"expected a latency of at least 2 cycles, found {latency}")
        self.operators, self.latency = tuple(operators), latency
        self.bits, self.accumulator_bits, self.steady = bits, accumulator_bits, steady
        self.lines = control_lines(operators)
        ports: dict[str, Any] = {
            "enable": In(1),
            "clear": In(1),
            "a": In(bits),
            "b": In(bits),
            "predicate": In(1),
            "controls": In(data.StructLayout({line: 1 for line in self.lines})),
            "late": Out(bits),
        }
        if "accumulate" in self.lines:
            ports |= {
                "reset": In(1),
                "begin": In(1),
                "drain": In(1),
                "drained": Out(1),
                "accumulated": Out(accumulator_bits),
            }
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        word: Value = Const(0, self.bits)
        others = [name for name in self.operators if not _special(name)]
        if others:
            m.submodules.alu = alu = WordAlu(others, self.bits)
            m.d.comb += [alu.a.eq(self.a), alu.b.eq(self.b), alu.predicate.eq(self.predicate)]
            for line in alu.lines:
                m.d.comb += alu.controls[line].eq(self.controls[line])
            word = word | self._delayed(m, alu.result, "word")
        product: Value = Const(0, self.bits)
        if "product" in self.lines:
            product = self._product(m)
            if "multiply" in self.operators:
                word = word | product[: self.bits]
        if "accumulate" not in self.lines:
            m.d.comb += self.late.eq(word)
            return m
        executes = self._delayed(m, self.controls["accumulate"] & self.predicate, "executes")
        begin = self._delayed(m, self.begin, "begin", reset=False)
        drain = self._delayed(m, self.drain, "drain", reset=False)
        accumulator = Signal(signed(self.accumulator_bits), reset_less=True, name="accumulator")
        new = Signal(signed(self.accumulator_bits), name="new")
        m.d.comb += new.eq(self._accumulated(m, accumulator, begin, product))
        with m.If(self.enable & executes):
            m.d.sync += accumulator.eq(new)
        with m.If(self.reset):
            m.d.sync += accumulator.eq(0)
        m.d.comb += [
            self.late.eq(Mux(executes, new, word)),
            self.accumulated.eq(new),
            self.drained.eq(executes & drain),
        ]
        return m

    def _accumulated(self, m: Module, kept: Signal, begin: Value, product: Value) -> Value:
        """The accumulator after the operator at the end of the pipeline."""
        total = Mux(begin, 0, kept) + product.as_signed()
        if "peak" not in self.lines:
            return total
        operand = self._delayed(m, self.a, "operand", reset=False).as_signed()
        peak = Mux(begin | (operand > kept), operand, kept)
        if "product" not in self.lines:
            return peak
        return Mux(self._delayed(m, self.controls["peak"], "is_peak", reset=False), peak, total)

    def _product(self, m: Module) -> Value:
        """a * b at the end of the pipeline, 0 where no operator multiplies."""
        a: Value = self.a.as_signed()
        b: Value = self.b.as_signed()
        depth = self.latency - 1
        multiplies = self.controls["product"] & self.predicate
        if depth > 1:
            a = self._register(m, a, "multiplicand", None)
            b = self._register(m, b, "multiplier", None)
            multiplies = self._register(m, multiplies, "multiplies", Const(1))
            depth -= 1
        width = min(2 * self.bits, max(self.bits, self.accumulator_bits))
        if self.steady and "multiply" not in self.operators:
            # Only the accumulator sees it, where it is of use: plain registers, which move into the multiplier.
            product = (a * b)[:width].as_signed()
            for k in range(depth):
                register = Signal.like(product, name=f"product_{k}", reset_less=True)
                m.d.sync += register.eq(product)
                product = register
            return product
        # Cleared through the flip-flops' synchronous reset, which costs nothing.
        product = self._register(m, (a * b)[:width].as_signed(), "product", multiplies)
        for k in range(1, depth):
            product = self._register(m, product, f"product_{k}", Const(1))
        return product

    def _delayed(self, m: Module, value: Value, name: str, *, reset: bool = True) -> Value:
        for k in range(self.latency - 1):
            value = self._register(m, value, f"{name}_{k}", Const(1) if reset else None)
        return value

    def _register(self, m: Module, value: Value, name: str, valid: Value | None) -> Signal:
        """A pipeline register; with ``valid``: 0 after ``clear`` and where ``valid`` was low."""
        register = Signal(value.shape(), name=name, reset_less=True)
        with m.If(self.enable):
            m.d.sync += register.eq(value)
        if valid is not None:
            with m.If(self.clear | (self.enable & ~valid)):
                m.d.sync += register.eq(0)
        return register


def _special(name: str) -> bool:
    """Whether the operator has hardware of its own here."""
    return accumulates(name) or name == "multiply"

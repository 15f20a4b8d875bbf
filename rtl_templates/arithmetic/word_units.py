"""The hardware partner of every word operator, under the operator's name, and the unit that computes those of one cycle.

Operators share hardware: a partner is the set of *control lines* that it raises, and a WordAlu has only what its operators'
lines ask for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

WORD_UNITS: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(lines.split())
    for name, lines in (
        ("move", "both only_a"),
        ("add", "sum"),
        ("subtract", "sum subtract"),
        ("multiply", "product"),
        ("and", "both"),
        ("or", "both only_a only_b"),
        ("xor", "only_a only_b"),
        ("shift_left", "left"),
        ("shift_right", "right arithmetic"),
        ("shift_right_logical", "right"),
        ("minimum", "both smaller subtract"),
        ("maximum", "both larger subtract"),
        ("equal", "equal"),
        ("not_equal", "differ"),
        ("less", "less subtract"),
        ("less_equal", "less equal subtract"),
        ("less_unsigned", "less subtract unsigned"),
        ("select", "chosen"),
        ("multiply_accumulate", "product accumulate"),
        ("maximum_accumulate", "peak accumulate"),
    )
}
"""Control lines of every operator.

``both`` ``only_a`` ``only_b``: the result has the bits that are set in both operands, in a only, in b only (and, or, xor and the
choice between a and b in one function of five inputs); ``smaller`` ``larger`` ``chosen``: the choice is made by the comparison, the
predicate; ``sum``, ``subtract``: the adder; ``left`` ``right`` ``arithmetic``: the shifter; ``equal`` ``differ`` ``less`` ``unsigned``:
comparisons; ``product``: the multiplier; ``accumulate``: its sum, or (``peak``) the maximum of a, is kept by LatePipeline.
"""

_ADDING = frozenset(("sum", "smaller", "larger", "less"))
_LOGIC = frozenset(("both", "only_a", "only_b", "chosen"))
_COMPARING = frozenset(("equal", "differ", "less"))


def control_lines(operators: Collection[str]) -> tuple[str, ...]:
    """The control lines of any of the operators, in alphabetical order."""
    return tuple(sorted({line for name in operators for line in WORD_UNITS[name]}))


def accumulates(operator: str) -> bool:
    """Whether the operator keeps state."""
    return "accumulate" in WORD_UNITS[operator]


class WordAlu(wiring.Component):
    """Word operators, combinational.

    Parameters: ``operators``: names, none that accumulates; ``bits`` of words.

    Members: ``a``, ``b``, ``predicate`` (In); ``controls`` (In): the control lines of the operator, by name; ``result`` (Out).

    **Timing**: combinational. With no control line raised the result is 0.
    **Cost**: one adder for sums and comparisons, one right shifter for all shifts; nothing for operators that are not there.
    **Semantics**: the word operators of the same names; 0 where ``predicate`` is 0, except that select chooses by it.
    """

    def __init__(self, operators: Collection[str], bits: int) -> None:
        for name in operators:
            if name not in WORD_UNITS or accumulates(name):
                raise ValueError(f"expected word operators without state, found {name!r}")
        self.operators, self.bits = tuple(operators), bits
        self.lines = control_lines(operators)
        super().__init__(
            {
                "a": In(bits),
                "b": In(bits),
                "predicate": In(1),
                "controls": In(data.StructLayout({line: 1 for line in self.lines})),
                "result": Out(bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        lines, on = set(self.lines), self._line
        terms: list[Value] = []
        less: Value = Const(0, 1)
        if lines & _ADDING:
            total = self._total(m)
            less = total[self.bits]
            if "sum" in lines:
                terms.append(_gated(total[: self.bits], on("sum") & self.predicate))
        if lines & _LOGIC:
            terms.append(self._logic(m, less))
        if lines & {"left", "right"}:
            terms.append(self._shifted(m))
        if lines & _COMPARING:
            same = Signal(name="same")
            m.d.comb += same.eq(self.a == self.b)
            flag = on("less") & less | on("equal") & same | on("differ") & ~same
            terms.append(flag & self.predicate)
        if "product" in lines:
            product = (self.a * self.b)[: self.bits]
            terms.append(_gated(product, on("product") & self.predicate))
        result: Value = Const(0, self.bits)
        for term in terms:
            result = result | term
        m.d.comb += self.result.eq(result)
        return m

    def _line(self, name: str) -> Value:
        return Value.cast(self.controls[name]) if name in self.lines else Const(0, 1)

    def _shared(self, name: str, users: Collection[str]) -> Value:
        """A line, constant where all or none of the operators that raise one of ``users`` raise it."""
        raised = {name in WORD_UNITS[o] for o in self.operators if WORD_UNITS[o] & frozenset(users)}
        return self._line(name) if len(raised) > 1 else Const(int(raised == {True}), 1)

    def _total(self, m: Module) -> Signal:
        """a + b or a - b with one bit more, which tells whether a < b."""
        total = Signal(self.bits + 1, name="total")
        subtract = self._shared("subtract", _ADDING)
        is_signed = ~self._shared("unsigned", _ADDING)
        a = Cat(self.a, self.a[-1] & is_signed)
        b = Cat(self.b, self.b[-1] & is_signed)
        # The carry enters through a bit below the lowest: one adder, whatever the tool.
        x, y = Cat(Const(1, 1), a), Cat(subtract, b ^ subtract.replicate(self.bits + 1))
        m.d.comb += total.eq((x + y)[1:])
        return total

    def _logic(self, m: Module, less: Value) -> Value:
        on, true = self._line, self.predicate
        both, only_a, only_b = Signal(name="both"), Signal(name="only_a"), Signal(name="only_b")
        smaller, larger = on("smaller") & true, on("larger") & true
        m.d.comb += [
            both.eq(on("both") & true | on("chosen")),
            only_a.eq((on("only_a") | on("chosen")) & true | Mux(less, smaller, larger)),
            only_b.eq(on("only_b") & true | on("chosen") & ~true | Mux(less, larger, smaller)),
        ]
        a, b = self.a, self.b
        return _gated(a & b, both) | _gated(a & ~b, only_a) | _gated(~a & b, only_b)

    def _shifted(self, m: Module) -> Value:
        bits, on = self.bits, self._line
        levels = (bits - 1).bit_length()
        left, right = on("left"), on("right")
        # More than the levels can shift: nothing is left but the sign.
        beyond = Signal(name="beyond")
        m.d.comb += beyond.eq(self.b[levels:].any() if levels < bits else 0)
        word: Value = self.a
        if "left" in self.lines:
            word = Mux(self._shared("left", ("left", "right")), self.a[::-1], self.a)
        sign = on("arithmetic") & self.a[-1]
        for k in range(levels):
            amount = 1 << k
            fill = sign.replicate(min(amount, bits))
            shifted = Signal(bits, name=f"shifted_{amount}")
            m.d.comb += shifted.eq(Mux(self.b[k], Cat(word[amount:], fill)[:bits], word))
            word = shifted
        # Whether the amount is beyond is known late: it only gates the result.
        kept, signs = Signal(name="kept"), Signal(name="signs")
        m.d.comb += [
            kept.eq(self.predicate & ~beyond),
            signs.eq(self.predicate & beyond & right & sign),
        ]
        return _gated(word, right & kept) | _gated(word[::-1], left & kept) | signs.replicate(bits)


def _gated(value: Value, gate: Value) -> Value:
    """The value where the gate is 1, else 0."""
    return value & gate.replicate(len(value))

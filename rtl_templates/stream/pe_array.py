"""The PE array: rows of accumulators, each fed by lanes of multipliers through an adder tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.differences import Differences
from hlsgen.rtl_templates.arithmetic.multiplier import Multiplier
from hlsgen.rtl_templates.arithmetic.shapes import bounds_of, number_of, shape_of
from hlsgen.rtl_templates.contract import ArrayStep, Contract, MultiplierKind

from hlsgen.algebra.types import ElementType, wrap
from hlsgen.algebra.unroll import Unroll


@dataclass(frozen=True)
class PeArrayParameters:
    """What a PE array is made of.

    ``unroll``: rows and lanes, i > 1 only where g == 1. ``operands``: (name, element) of every
    operand; one, or any number for step 'pass', whose results keep these names. ``accumulate``: False where every
    group is one step. ``init``: the value from which a group accumulates. ``terms``: products of a result, where both factors are bipolar.
    """

    operands: tuple[tuple[str, ElementType], ...]
    step: ArrayStep
    weight: ElementType | None = None
    accumulator: ElementType | None = None
    unroll: Unroll = field(default_factory=Unroll)
    init: int = 0
    accumulate: bool = True
    multiplier: MultiplierKind = "dsp"
    terms: int | None = None
    result: dict[str, ElementType] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.unroll.i > 1 and self.unroll.g > 1:
            raise ValueError(f"expected g or i to be 1, found {self.unroll}")
        if self.step == "pass":
            if self.unroll.lanes != 1 or self.unroll.o != 1:
                raise ValueError(f"expected o = 1 and one lane to pass, found {self}")
        elif len(self.operands) != 1 or self.accumulator is None:
            raise ValueError(f"expected one operand and an accumulator, found {self}")
        if (self.step == "multiply_accumulate") != (self.weight is not None):
            raise ValueError(f"expected weights exactly for multiply_accumulate, found {self}")
        if self.weight is None and self.unroll.o != 1:
            raise ValueError(f"expected o = 1 without weights, found {self.unroll.o}")
        if self.is_bipolar and self.terms is None:
            raise ValueError(f"expected the number of terms of bipolar factors, found {self}")
        passed = self.accumulator is None or self.step == "pass"
        result = dict(self.operands) if passed else {"acc": self.accumulator}
        object.__setattr__(self, "result", result)

    @property
    def is_bipolar(self) -> bool:
        """Whether signs are compared and counted, and nothing is multiplied."""
        return self.weight is not None and self.weight.bipolar and self.operands[0][1].bipolar

    @property
    def result_layout(self) -> data.StructLayout:
        """One result: ``acc``, or the operands that pass."""
        return data.StructLayout({name: shape_of(w) for name, w in self.result.items()})


class PeArray(wiring.Component):
    """Accumulates, for every group of steps, ``rows`` results of ``lanes`` terms per step.

    Members (In): ``valid``, ``last``: describe the step that enters: is there one, and is it the last of its group (the
    step after it begins the next group). One port per operand, named as the operand: ArrayLayout(element, x*g*ky*kx*i)
    in that index order. ``weights``: ArrayLayout(weight, g*o*ky*kx*i). (Out): ``result_valid``: a whole group is at the
    output in this cycle; ``results``: ArrayLayout(StructLayout of ``acc`` or of the operands, x*g*o).

    **Timing**: see ``contract``; a step is at the output ``latency`` cycles after it enters (0: in the same cycle). One
    step per cycle, no bubble between groups. Never stalls.
    **Cost**: rows*lanes multipliers (of bipolar factors: ``Differences`` for each row), rows accumulators. The accumulator returns to ``init`` at the last step, when its
    sum leaves, which costs no LUT; the multiplexer of a load at the first step would.
    **Semantics**: the loop nest of a dataflow process over its reduce loops.
    """

    def __init__(self, parameters: PeArrayParameters) -> None:
        self.parameters = p = parameters
        self.contract: Contract = contract.pe_array(
            step=p.step,
            rows=p.unroll.rows,
            lanes=p.unroll.lanes,
            accumulator_bits=p.accumulator.bits if p.accumulator else 0,
            factor_bits=(
                p.operands[0][1].twos_complement.bits,
                p.weight.twos_complement.bits if p.weight else 0,
            ),
            multiplier=p.multiplier,
            accumulate=p.accumulate,
            bipolar=p.is_bipolar,
        )
        u = p.unroll
        ports: dict[str, Any] = {"valid": In(1), "last": In(1)}
        for name, element in p.operands:
            ports[name] = In(data.ArrayLayout(shape_of(element), u.x * u.g * u.lanes))
        if p.weight is not None:
            ports["weights"] = In(data.ArrayLayout(shape_of(p.weight), u.g * u.o * u.lanes))
        ports["result_valid"] = Out(1)
        ports["results"] = Out(data.ArrayLayout(p.result_layout, u.rows))
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        p = self.parameters
        flags = self._flags(m)
        valid, last = flags[-1]
        m.d.comb += self.result_valid.eq(valid & last)
        if p.step == "pass":
            for row in range(p.unroll.rows):
                for name, _ in p.operands:
                    m.d.comb += self.results[row][name].eq(getattr(self, name)[row])
            return m
        assert p.accumulator is not None
        keeping = p.accumulate and p.step == "maximum"
        if keeping:
            first = self._first(m, *flags[-2])
        elif p.accumulate:
            cleared = self._cleared(m, *flags[-2])
        if p.is_bipolar:
            self._count(m, valid, cleared if p.accumulate else None, p.accumulator)
            return m
        shape, combine = shape_of(p.accumulator), _combining(p.step)
        for row, terms in enumerate(self._terms(m)):
            term = self._tree(m, terms, combine)
            if keeping:
                largest = self._largest(m, row, term, first, flags[-2][0])
                m.d.comb += self.results[row].acc.eq(largest)
                continue
            total = Signal(shape, name=f"total_{row}")
            m.d.comb += self.results[row].acc.eq(total)
            if not p.accumulate:
                m.d.comb += total.eq(combine(term, p.init))
                continue
            accumulator = Signal(shape, init=p.init, reset_less=True, name=f"accumulator_{row}")
            m.d.comb += total.eq(combine(accumulator, term))
            with m.If(valid):
                m.d.sync += accumulator.eq(total)
            with m.If(cleared):
                m.d.sync += accumulator.eq(p.init)
        return m

    def _count(self, m: Module, valid: Value, cleared: Value, accumulator: ElementType) -> None:
        """Sums of products of signs: the number of terms less twice the number of those that differ, whose lowest bit is known."""
        p = self.parameters
        assert p.terms is not None
        half, odd = divmod(p.init + p.terms, 2)
        shape = Shape(accumulator.bits - 1, True)
        start = wrap(half, shape.width)
        for row, count in enumerate(self._differences(m)):
            left = Signal(shape, name=f"left_{row}")
            m.d.comb += self.results[row].acc.eq(Cat(Const(odd, 1), left))
            if cleared is None:
                m.d.comb += left.eq(start - count)
                continue
            before = Signal(shape, init=start, reset_less=True, name=f"accumulator_{row}")
            m.d.comb += left.eq(before - count)
            with m.If(valid):
                m.d.sync += before.eq(left)
            with m.If(cleared):
                m.d.sync += before.eq(start)

    def _differences(self, m: Module) -> list[Value]:
        """Of every row how many of a step's signs differ."""
        u = self.parameters.unroll
        operands, weights = getattr(self, self.parameters.operands[0][0]), self.weights
        counts: list[Value] = []
        for pixel in range(u.x):
            for row in range(u.g * u.o):
                first = (pixel * u.g + row // u.o) * u.lanes
                m.submodules += (unit := Differences(u.lanes))
                m.d.comb += [
                    unit.a.eq(operands.as_value()[first : first + u.lanes]),
                    unit.b.eq(weights.as_value()[row * u.lanes : (row + 1) * u.lanes]),
                ]
                counts.append(unit.count)
        return counts

    def _cleared(self, m: Module, valid: Value, last: Value) -> Value:
        """Whether the accumulators return to where they begin, a cycle after the step to which ``valid`` and ``last`` belong, and after a
        reset: a register drives the synchronous resets of their flip-flops, for no wire from the reset of the design reaches so far in a cycle."""
        cleared = Signal(init=1, name="cleared")
        m.d.sync += cleared.eq(valid & last)
        return cleared

    def _first(self, m: Module, valid: Value, last: Value) -> Value:
        """Whether the step that ``valid`` and ``last`` describe is the first of its group."""
        first = Signal(init=1, name="first")
        with m.If(valid):
            m.d.sync += first.eq(last)
        return first

    def _largest(self, m: Module, row: int, term: Value, first: Value, valid: Value) -> Value:
        """The largest term of a group, a cycle after the step to which ``first`` and ``valid`` belong.

        The first term is taken as it is: one comparison in a cycle, and none between here and the drain.
        """
        p = self.parameters
        assert p.accumulator is not None
        largest = Signal(shape_of(p.accumulator), reset_less=True, name=f"largest_{row}")
        begin = term if p.init <= bounds_of(term.shape())[0] else _maximum(term, p.init)
        with m.If(valid):
            m.d.sync += largest.eq(Mux(first, begin, Mux(term > largest, term, largest)))
        return largest

    def _flags(self, m: Module) -> list[tuple[Value, Value]]:
        """``valid`` and ``last`` of the step that is so many cycles old."""
        flags: list[tuple[Value, Value]] = [(self.valid, self.last)]
        for k in range(self.contract.latency):
            valid_r = Signal(name=f"valid_{k}")
            last_r = Signal(reset_less=True, name=f"last_{k}")
            m.d.sync += [valid_r.eq(flags[-1][0]), last_r.eq(flags[-1][1])]
            flags.append((valid_r, last_r))
        return flags

    def _terms(self, m: Module) -> list[list[Value]]:
        """The registered terms of every row."""
        p, u = self.parameters, self.parameters.unroll
        given, factors = self._spread(m)
        operands = [number_of(p.operands[0][1], Value.cast(value)) for value in given]
        weights = [number_of(p.weight, Value.cast(value)) for value in factors] if p.weight else []
        rows: list[list[Value]] = []
        for x in range(u.x):
            for g in range(u.g):
                first = (x * u.g + g) * u.lanes
                for o in range(u.o):
                    terms = [operands[first + lane] for lane in range(u.lanes)]
                    if p.weight is not None:
                        at = (g * u.o + o) * u.lanes
                        terms = [
                            self._multiply(m, term, weights[at + k]) for k, term in enumerate(terms)
                        ]
                    else:
                        terms = [self._register(m, term) for term in terms]
                    rows.append(terms)
        return rows

    def _spread(self, m: Module) -> tuple[Any, Any]:
        """The operands and the weights, registered once more on the way to many multiplier blocks."""
        p = self.parameters
        operands, weights = getattr(self, p.operands[0][0]), getattr(self, "weights", None)
        if weights is None or not contract.spread_latency(
            p.multiplier, p.unroll.rows * p.unroll.lanes
        ):
            return operands, weights
        spread = []
        for name, given in (("operand", operands), ("weight", weights)):
            register = Signal(given.shape(), reset_less=True, name=f"{name}_spread")
            m.d.sync += register.eq(given)
            spread.append(register)
        return spread[0], spread[1]

    def _multiply(self, m: Module, operand: Value, weight: Value) -> Value:
        unit = Multiplier(operand.shape(), weight.shape(), kind=self.parameters.multiplier)
        m.submodules += unit
        m.d.comb += [unit.a.eq(operand), unit.b.eq(weight)]
        return unit.product

    def _register(self, m: Module, value: Value) -> Value:
        register = Signal(value.shape(), reset_less=True, name="register")
        m.d.sync += register.eq(value)
        return register

    def _tree(self, m: Module, terms: list[Value], combine: Callable[[Any, Any], Value]) -> Value:
        """The terms combined, a register per level; no wider than the accumulator, modulo which sums are exact."""
        assert self.parameters.accumulator is not None
        limit = self.parameters.accumulator.bits
        while len(terms) > 1:
            level = []
            for k in range(0, len(terms), 2):
                whole = combine(terms[k], terms[k + 1]) if k + 1 < len(terms) else terms[k]
                shape = Shape(min(len(whole), limit), whole.shape().signed)
                level.append(
                    self._register(
                        m,
                        whole[: shape.width].as_signed() if shape.signed else whole[: shape.width],
                    )
                )
            terms = level
        return terms[0]


def _combining(step: ArrayStep) -> Callable[[Any, Any], Value]:
    """How terms come together in the tree and in the accumulator."""
    match step:
        case "multiply_accumulate" | "add" | "pass":
            return _add
        case "maximum":
            return _maximum
        case _:
            assert_never(step)


def _add(a: Any, b: Any) -> Value:
    return a + b


def _maximum(a: Any, b: Any) -> Value:
    return Mux(a > b, a, b)

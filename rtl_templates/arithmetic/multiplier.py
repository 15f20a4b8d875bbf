"""Multipliers: registered ones for PE arrays, wide pipelined ones and digit-serial ones for requantisation."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.lut_product import LutProduct
from hlsgen.rtl_templates.arithmetic.shapes import bounds_of, product_shape, shape_holding
from hlsgen.rtl_templates.contract import MultiplierKind
from hlsgen.rtl_templates.shared_unit import SharedUnit


def shift_and_add(m: Module, a: Any, b: Any) -> Value:
    """``a * b``, combinational, as a sum of partial products, which no tool maps to a multiplier block.

    The sums are kept as they are: yosys would else merge them into carry-save adders, which have
    twice the LUTs where there are carry chains.
    """
    b = Value.cast(b)
    terms: list[Value] = [Mux(b[k], a, 0) << k for k in range(len(b))]
    negative = b.shape().signed  # the weight of the last term
    if negative and len(terms) == 1:
        return -terms[0]
    while len(terms) > 1:
        level: list[Value] = []
        for k in range(0, len(terms) - 1, 2):
            final = k + 2 == len(terms)
            total = terms[k] - terms[k + 1] if negative and final else terms[k] + terms[k + 1]
            negative = negative and not final
            kept = Signal(total.shape(), attrs={"keep": 1}, name="kept")
            m.d.comb += kept.eq(total)
            level.append(kept)
        terms = level + ([terms[-1]] if len(terms) % 2 else [])
    return terms[0]


def product(m: Module, kind: MultiplierKind, a: Any, b: Any) -> Value:
    """``a * b``, combinational, in the chosen kind of multiplier."""
    return a * b if kind == "dsp" else shift_and_add(m, a, b)


class Multiplier(SharedUnit):
    """``a * b`` with an input register and a product register.

    Parameters: the shapes of both operands; ``kind``: 'dsp' (left to the tool) or 'lut' (``LutProduct``).

    **Timing**: the product of the operands at an edge is out after ``contract.multiplier_latency`` edges; one per edge. Nothing
    is reset or held, so that the registers can move into a multiplier block.
    **Cost**: one multiplier block ('dsp'), or that of ``LutProduct``.
    **Semantics**: scalar operator Multiply.
    """

    unit_name = "multiplier"

    def __init__(self, a: Any, b: Any, *, kind: MultiplierKind = "dsp") -> None:
        self.kind = kind
        self.shape = product_shape(a, b)
        super().__init__({"a": In(a), "b": In(b), "product": Out(self.shape)})

    @property
    def key(self) -> Hashable:
        return (self.a.shape(), self.b.shape(), self.kind)

    def circuit(self, platform: Any) -> Module:
        m = Module()
        a = Signal.like(self.a, name="a_r", reset_less=True)
        b = Signal.like(self.b, name="b_r", reset_less=True)
        m.d.sync += [a.eq(self.a), b.eq(self.b)]
        if self.kind == "lut":
            m.submodules.product = unit = LutProduct(a.shape(), b.shape())
            m.d.comb += [unit.a.eq(a), unit.b.eq(b), self.product.eq(unit.product)]
            return m
        result = Signal(self.shape, reset_less=True, name="result")
        m.d.sync += result.eq(product(m, self.kind, a, b))
        m.d.comb += self.product.eq(result)
        return m


def digits_of(shape: Any) -> int:
    """Digits into which a factor of an Amaranth shape is cut."""
    cast = Shape.cast(shape)
    return contract.digits(cast.width, cast.signed)


def _digits(value: Value) -> list[tuple[int, Value]]:
    """(position, digit) pairs whose sum of digit << position is the value; only the last may be signed."""
    count = digits_of(value.shape())
    step = contract.DIGIT_BITS
    cut = [(k * step, value[k * step : (k + 1) * step]) for k in range(count - 1)]
    last = value[(count - 1) * step :]
    return [*cut, ((count - 1) * step, last.as_signed() if value.shape().signed else last)]


class WideProduct(wiring.Component):
    """``a * m + r`` in multipliers of at most 18 x 18 bits, added in a pipelined tree.

    Parameters: shapes of the factors and of ``r`` (None: no ``r``); ``kind`` of multiplier.

    **Timing**: latency ``contract.product_latency``; ``r`` is taken one cycle after ``a`` and ``m``. Never stalls.
    **Cost**: ``digits(a) * digits(m)`` multiplier blocks.
    """

    def __init__(self, a: Any, m: Any, r: Any = None, *, kind: MultiplierKind = "dsp") -> None:
        self.kind = kind
        self.shape = product_shape(a, m)
        if r is not None:
            low, high = map(sum, zip(bounds_of(self.shape), bounds_of(r), strict=True))
            self.shape = shape_holding(low, high)
        pairs = digits_of(a) * digits_of(m)
        self.latency = contract.product_latency(pairs, int(r is not None), 1)
        self.has_addend = r is not None
        super().__init__(
            {"a": In(a), "m": In(m), "result": Out(self.shape)}
            | ({"r": In(r)} if r is not None else {})
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        a_digits, m_digits = _digits(Value.cast(self.a)), _digits(Value.cast(self.m))
        terms: list[Value] = []
        for at_a, x in a_digits:
            for at_m, y in m_digits:
                part = Signal(product_shape(x.shape(), y.shape()), reset_less=True, name="part")
                m.d.sync += part.eq(product(m, self.kind, x, y))
                terms.append(part << (at_a + at_m))
        if self.has_addend:
            terms.insert(1, Value.cast(self.r))
        while len(terms) > 1:
            level: list[Value] = []
            for k in range(0, len(terms), 2):
                pair = terms[k : k + 2]
                total = sum(pair[1:], pair[0])
                stage = Signal(total.shape(), reset_less=True, name="stage")
                m.d.sync += stage.eq(total)
                level.append(stage)
            terms = level
        m.d.comb += self.result.eq(terms[0])
        return m


class SerialProduct(wiring.Component):
    """``a * m`` in ``interval`` cycles, a digit of ``m`` (unsigned) per cycle, lowest first; LUTs only.

    **Timing**: ``m`` is taken when ``start`` is high, ``a`` must hold still in the ``interval - 1`` cycles after; ``result`` is
    right in the cycle ``interval + 1`` after ``start`` and only then. A start ends any product under way.
    **Cost**: about ``bits(a) * (digit + 1) + bits(m)`` LUTs; digit = ``contract.serial_digit_bits``.
    """

    def __init__(self, a: Any, m: Any, *, interval: int) -> None:
        if interval < 2:
            raise ValueError(f"expected an interval of at least 2 cycles, found {interval}")
        if Shape.cast(m).signed:
            raise ValueError("expected an unsigned multiplier m, found a signed one")
        self.interval = interval
        self.digit = contract.serial_digit_bits(Shape.cast(m).width, interval)
        low = self.digit * (interval - 1)
        a_shape = Shape.cast(a)
        self.shape = Shape(a_shape.width + low, a_shape.signed)
        super().__init__({"start": In(1), "a": In(a), "m": In(m), "result": Out(self.shape)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        a_shape = Value.cast(self.a).shape()
        digits = Signal(self.digit * (self.interval - 1), reset_less=True, name="digits")
        whole_shape = Shape(a_shape.width + self.digit, a_shape.signed)
        partial = Signal(whole_shape, reset_less=True, name="partial")
        begun = Signal(name="begun")
        m.d.sync += [
            begun.eq(self.start),
            digits.eq(Mux(self.start, self.m, digits >> self.digit)),
            partial.eq(shift_and_add(m, self.a, digits[: self.digit])),
        ]
        # Upper part of the product so far: between 0 and a, so that it has a's shape.
        upper = Signal(a_shape, reset_less=True, name="upper")
        lower = Signal(self.digit * (self.interval - 1), reset_less=True, name="lower")
        total = Signal(whole_shape, name="total")
        m.d.comb += total.eq(upper + partial)
        m.d.sync += [
            upper.eq(total >> self.digit),
            lower.eq(Cat(lower[self.digit :], total[: self.digit])),
        ]
        with m.If(begun):
            m.d.sync += upper.eq(0)
        whole = Cat(lower, upper)
        m.d.comb += self.result.eq(whole.as_signed() if a_shape.signed else whole)
        return m


def saturate(value: Value, low: int, high: int) -> Value:
    """``value`` clamped to [low, high], combinational: a look at its upper bits before any comparison."""
    have, inner = value.shape(), shape_holding(low, high)
    within = bounds_of(inner)
    if within[0] <= bounds_of(have)[0] and bounds_of(have)[1] <= within[1]:
        fits, kept, sign = Const(1, 1), value, Const(0, 1)
    else:
        sign = value[-1] if have.signed else Const(0, 1)
        kept_bits = min(inner.width - (inner.signed and not have.signed), have.width - 1)
        if have.signed and inner.signed:
            upper, kept = value[kept_bits - 1 :], value[:kept_bits].as_signed()
            fits = ~upper.any() | upper.all()
        else:
            upper, kept = value[kept_bits:], value[:kept_bits]
            fits = ~upper.any()
    above, below = ~fits & ~sign, ~fits & sign
    least, most = bounds_of(kept.shape())
    if high < most:
        above = above | (fits & (kept > high))
    if low > least:
        below = below | (fits & (kept < low))
    return Mux(below, Const(low, inner), Mux(above, Const(high, inner), kept))

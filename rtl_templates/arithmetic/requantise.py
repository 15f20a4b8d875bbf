"""Units that bring wide accumulators, or sums of two scaled operands, back to few bits, exactly."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from hlsgen.rtl_templates.arithmetic.multiplier import (
    SerialProduct,
    WideProduct,
    saturate,
)
from hlsgen.rtl_templates.arithmetic.scalar_unit import ScalarUnit
from hlsgen.rtl_templates.arithmetic.shapes import shape_holding, shape_of


class RequantiseMultiplyShift(ScalarUnit):
    """clamp((m * acc + r) >> shift, low, high) of (acc, m, r).

    **Timing**: ``r`` is taken a cycle after ``acc`` and ``m``. With an interval above 1 the product is digit-serial.
    **Cost**: ``digits(acc) * digits(m)`` multiplier blocks at interval 1.
    **Semantics**: scalar operator RequantiseMultiplyShift.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        acc, factor, addend = (self.operand(k) for k in range(3))
        if self.interval > 1:
            serial = SerialProduct(acc.shape(), factor.shape(), interval=self.interval)
            m.submodules.product = serial
            total = Signal((serial.result + addend).shape(), reset_less=True, name="total")
            m.d.comb += [serial.start.eq(self.start), serial.a.eq(acc), serial.m.eq(factor)]
            late = Signal.like(addend, reset_less=True, name="late")  # it is held as long as acc
            m.d.sync += [late.eq(addend), total.eq(serial.result + late)]
        else:
            wide = WideProduct(acc.shape(), factor.shape(), addend.shape(), kind=self.multiplier)
            m.submodules.product = wide
            m.d.comb += [wide.a.eq(acc), wide.m.eq(factor), wide.r.eq(addend)]
            total = wide.result
        shifted = Value.cast(total) >> self.constants["shift"]
        result = Signal(shape_of(self.width), reset_less=True, name="result")
        m.d.sync += result.eq(saturate(shifted, self.constants["low"], self.constants["high"]))
        m.d.comb += self.result.eq(result)
        return m


class RequantiseFloat32(ScalarUnit):
    """clamp(RNE(f32(f32(acc) * m / 2**q)) + zero_point, low, high) of (acc, m), in integers.

    A tie is where the fraction of |acc| * m is within half a float32 ulp of one half: there the float32 product
    itself rounds onto the half integer, and then to even.

    **Timing**: stages: magnitude; product (``contract.product_latency``); tie; rounding; sign, zero point and clamp. ``m`` is
    taken a cycle after ``acc``.
    **Cost**: ``digits(|acc|) * digits(m)`` multiplier blocks at interval 1.
    **Semantics**: scalar operator RequantiseFloat32.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        acc, factor = self.operand(0), self.operand(1)
        magnitude = Signal(acc.shape().width, reset_less=True, name="magnitude")
        m.d.sync += magnitude.eq(abs(acc))
        negative = self._delayed(m, acc[-1] if acc.shape().signed else Const(0, 1))
        whole_product = Value.cast(self._product(m, magnitude, factor))
        q, zero = self.constants["q"], self.constants["zero_point"]
        low, high = self.constants["low"], self.constants["high"]
        limit = max(abs(low - zero), abs(high - zero)) + 1
        whole, huge = self._whole(whole_product[q:], limit)
        # fraction - half as a signed number of q bits is the fraction with its top bit inverted
        padded = Cat(whole_product, Const(0, max(0, q - len(whole_product))))
        distance = Cat(padded[: q - 1], ~padded[q - 1])
        below = distance[-1]
        tie = Signal(name="tie")
        m.d.comb += tie.eq(_within(m, distance, whole, q, len(whole)))
        up = Signal(reset_less=True, name="up")
        whole_r = Signal(len(whole), reset_less=True, name="whole")
        huge_r = Signal(reset_less=True, name="huge")
        m.d.sync += [
            up.eq(Mux(tie, whole[0], ~below & distance.any())),
            whole_r.eq(whole),
            huge_r.eq(huge),
        ]
        rounded = Signal(len(whole) + 1, reset_less=True, name="rounded")
        m.d.sync += rounded.eq(Mux(huge_r, limit, whole_r + up))
        signed_value = Mux(negative, -rounded, rounded) + zero
        result = Signal(shape_of(self.width), reset_less=True, name="result")
        m.d.sync += result.eq(saturate(Value.cast(signed_value), low, high))
        m.d.comb += self.result.eq(result)
        return m

    def _product(self, m: Module, magnitude: Value, factor: Value) -> Value:
        if self.interval > 1:
            serial = SerialProduct(magnitude.shape(), factor.shape(), interval=self.interval)
            m.submodules.product = serial
            begin = Signal(name="begin")
            m.d.sync += begin.eq(self.start)
            m.d.comb += [serial.start.eq(begin), serial.a.eq(magnitude), serial.m.eq(factor)]
            return serial.result
        wide = WideProduct(magnitude.shape(), factor.shape(), kind=self.multiplier)
        m.submodules.product = wide
        m.d.comb += [wide.a.eq(magnitude), wide.m.eq(factor)]
        return wide.result

    def _delayed(self, m: Module, sign: Value) -> Value:
        """The sign, as late as the rounded magnitude; a serial unit holds acc for all but the last five cycles."""
        for k in range(5 if self.interval > 1 else self.timing.latency - 1):
            register = Signal(reset_less=True, name=f"sign_{k}")
            m.d.sync += register.eq(sign)
            sign = register
        return sign

    @staticmethod
    def _whole(value: Value, limit: int) -> tuple[Value, Value]:
        """The integer part in as few bits as ``limit`` needs, and whether it exceeds them (then it saturates)."""
        bits = limit.bit_length()
        if len(value) <= bits:
            return Cat(value, Const(0, bits - len(value))), Const(0, 1)
        return value[:bits], value[bits:].any()


def _within(m: Module, distance: Value, whole: Value, q: int, bits: int) -> Value:
    """|distance| <= window, the window growing with the bit length of ``whole``; never below zero where it is 0.

    The window is 2**shift with shift = q - 25 + bit length, or 0 where that is not an integer. From one shift to the
    next, two facts change by a bit each: are all bits from ``shift`` up copies of the sign, are all below it zero.
    """
    sign, first = distance[-1], q - 25
    shifts = [shift for shift in range(first, first + bits + 1) if 0 <= shift < q - 1]
    result, nothing = Signal(name="result"), Signal(name="nothing")
    m.d.comb += nothing.eq(~distance.any())
    tie: dict[int, Value] = {}
    if shifts:
        above = Signal(name="above")  # bits over the highest shift
        high, low = distance[shifts[-1] + 1 :], distance[: shifts[0]]
        m.d.comb += above.eq(Mux(sign, high.all(), ~high.any()))
        below: Value = ~low.any()
        copies: dict[int, Value] = {shifts[-1] + 1: above}
        for shift in reversed(shifts):
            copies[shift] = Signal(name=f"copies_{shift}")
            m.d.comb += copies[shift].eq(copies[shift + 1] & (distance[shift] == sign))
        for shift in shifts:
            exact = copies[shift + 1] & ~sign & distance[shift] & below
            tie[shift] = copies[shift] | exact
            zeros = Signal(name=f"zeros_{shift}")
            m.d.comb += zeros.eq(below & ~distance[shift])
            below = zeros
    for length in range(bits + 1):
        shift = first + length
        within = nothing if shift < 0 else tie.get(shift, Const(1, 1))
        if length == 0:
            m.d.comb += result.eq(within & ~sign)
        else:
            with m.If(whole[length - 1]):
                m.d.comb += result.eq(within)
    return result


class QuantisedAdd(ScalarUnit):
    """clamp((multiplier_a * a + multiplier_b * b + offset) >> shift, low, high), but y for each exception (a, b, y).

    Distributed arithmetic: each pair of bits of a and of b selects one of 16 constants, which are added in a tree.

    **Timing**: a stage per tree level, one for the clamp and the exceptions.
    **Cost**: no multiplier block; about 7 LUTs per bit of the sum for 8-bit operands.
    **Semantics**: scalar operator QuantisedAdd.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        a, b = self.operand(0), self.operand(1)
        pairs = -(-max(len(a), len(b)) // 2)
        terms = [self._selected(k, a, b) for k in range(pairs)]
        exceptional, replacement = self._exception(m, a, b)
        for _ in range(self.timing.latency - 1):
            level: list[tuple[Value, int, int]] = []
            for k in range(0, len(terms), 2):
                pair = terms[k : k + 2]
                low, high = sum(t[1] for t in pair), sum(t[2] for t in pair)
                stage = Signal(shape_holding(low, high), reset_less=True, name="stage")
                m.d.sync += stage.eq(sum((t[0] for t in pair[1:]), pair[0][0]))
                level.append((stage, low, high))
            terms = level
            late = Signal(reset_less=True, name="exceptional")
            value = Signal(replacement.shape(), reset_less=True, name="replacement")
            m.d.sync += [late.eq(exceptional), value.eq(replacement)]
            exceptional, replacement = late, value
        shifted = terms[0][0] >> self.constants["shift"]
        clamped = saturate(shifted, self.constants["low"], self.constants["high"])
        result = Signal(shape_of(self.width), reset_less=True, name="result")
        m.d.sync += result.eq(Mux(exceptional, replacement, clamped))
        m.d.comb += self.result.eq(result)
        return m

    def _selected(self, k: int, a: Value, b: Value) -> tuple[Value, int, int]:
        """Bits 2k and 2k+1 of both operands times their multipliers; with its smallest and largest value."""
        c = self.constants
        offset = c["offset"] if k == 0 else 0
        bits_a, bits_b = a[2 * k : 2 * k + 2], b[2 * k : 2 * k + 2]
        values = [
            c["multiplier_a"] * _weight(a, k, index % (1 << len(bits_a)))
            + c["multiplier_b"] * _weight(b, k, index >> len(bits_a))
            + offset
            for index in range(1 << (len(bits_a) + len(bits_b)))
        ]
        shape = shape_holding(min(values), max(values))
        chosen = Array(Const(v, shape) for v in values)[Cat(bits_a, bits_b)]
        return Value.cast(chosen), min(values), max(values)

    def _exception(self, m: Module, a: Value, b: Value) -> tuple[Value, Value]:
        """Whether (a, b) is an exception, and its result."""
        shape = shape_of(self.width)
        hit, value = Signal(name="hit"), Signal(shape, name="value")
        for at_a, at_b, y in self.constants.get("exceptions", ()):
            with m.If((a == at_a) & (b == at_b)):
                m.d.comb += [hit.eq(1), value.eq(y)]
        return hit, value


def _weight(operand: Value, k: int, bits: int) -> int:
    """The contribution of bits 2k, 2k+1 of an operand that are ``bits``, the sign bit counted negative."""
    total = 0
    for position in range(2 * k, min(2 * k + 2, len(operand))):
        if bits >> (position - 2 * k) & 1:
            negative = operand.shape().signed and position == len(operand) - 1
            total += -(1 << position) if negative else 1 << position
    return total

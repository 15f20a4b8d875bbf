"""Quotients and square roots, a bit a cycle: pipelines of subtractions (restoring division; see any text on digit recurrences)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from hlsgen.rtl_templates.arithmetic.scalar_unit import ScalarUnit
from hlsgen.rtl_templates.arithmetic.shapes import shape_of


class Divide(ScalarUnit):
    """The nearest integer to a / b, halves upwards, between two bounds.

    **Timing**: a cycle for the remainder, one for each bit of the result less ``low``, and one for the result.
    **Cost**: for each bit a subtraction as wide as b. **Semantics**: scalar operator Divide.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        a, b = self.operand(0), self.operand(1)
        low, high = self.constants["low"], self.constants["high"]
        bits = (high - low).bit_length()
        start = ((a - low * b) << 1) + b  # of which twice b is taken once for each unit above low
        wide = len(b) - b.shape().signed
        remainder: Value = Signal(start.shape(), reset_less=True, name="start")
        divisor: Value = Signal(unsigned(wide), reset_less=True, name="divisor")
        negative: Value = Signal(reset_less=True, name="negative")
        beyond: Value = Signal(reset_less=True, name="beyond")
        m.d.sync += [
            remainder.eq(start),
            divisor.eq(b[:wide]),
            negative.eq(Mux(b <= 0, a < 0, start < 0)),
            beyond.eq((b <= 0) | (start >= (b << (bits + 1)))),
        ]
        quotient: Value = Const(0, 0)
        rest = remainder[: wide + bits + 1]
        for k in reversed(range(bits)):
            part = rest[k + 1 :]
            taken = part >= divisor
            left = Mux(taken, part - divisor, part)[:wide]
            after = [
                Signal(value.shape(), reset_less=True, name=f"{name}_{k}")
                for name, value in (
                    ("rest", Cat(rest[: k + 1], left)),
                    ("divisor", divisor),
                    ("negative", negative),
                    ("beyond", beyond),
                    ("quotient", Cat(taken, quotient)),
                )
            ]
            before = [Cat(rest[: k + 1], left), divisor, negative, beyond, Cat(taken, quotient)]
            m.d.sync += [late.eq(early) for late, early in zip(after, before, strict=True)]
            rest, divisor, negative, beyond, quotient = after
        result = Signal(shape_of(self.width), reset_less=True, name="result")
        above = beyond | (quotient > high - low)
        m.d.sync += result.eq(Mux(negative, low, Mux(above, high, low + quotient)))
        m.d.comb += self.result.eq(result)
        return m


class SquareRoot(ScalarUnit):
    """floor(sqrt(x * 4**bits + offset)). **Timing**: a cycle for the radicand, and one for each bit of the result. **Cost**: for each a
    subtraction as wide as the root so far. **Semantics**: scalar operator SquareRoot."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        x = self.operand(0)
        bits = self.width.bits
        radicand = (Mux(x < 0, 0, x) << (2 * self.constants["bits"])) + self.constants["offset"]
        value: Value = Signal(unsigned(2 * bits), reset_less=True, name="radicand")
        m.d.sync += value.eq(radicand)
        rest: Value = Const(0, 0)
        root: Value = Const(0, 0)
        for k in reversed(range(bits)):
            pair = value[2 * k : 2 * k + 2]
            whole = Cat(pair, rest)
            trial = Cat(Const(1, 2), root)
            taken = whole >= trial
            left = Mux(taken, whole - trial, whole)[: bits - k + 1]
            before = [value[: 2 * k], left, Cat(taken, root)]
            after = [
                Signal(early.shape(), reset_less=True, name=f"{name}_{k}")
                for name, early in zip(("value", "rest", "root"), before, strict=True)
            ]
            m.d.sync += [late.eq(early) for late, early in zip(after, before, strict=True)]
            value, rest, root = after
        m.d.comb += self.result.eq(root)
        return m

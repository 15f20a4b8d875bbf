"""QONNX: quantisers of any number of bits, from reals to reals; ``passes.split_quant`` makes Quantize and Dequantize of them.

Meanings after the operator pages of QONNX 1.0 (Pappalardo et al., "QONNX: Representing Arbitrary-Precision Quantized Neural Networks", 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

import numpy as np

from hlsgen.algebra.types import BIPOLAR, ElementType, bounds
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, broadcast, require
from hlsgen.ops.quantise import QuantizeLinear, along
from hlsgen.ops.tensor_type import F32, AnyArray, Quantisation, TensorType

DOMAINS: Final = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
"""Of today's QONNX files, of what Brevitas exports by itself, and of files from before QONNX had its name."""
TO_NEAREST: Final = ("ROUND", "HALF_EVEN")
ROUNDING_MODES: Final = (*TO_NEAREST, "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
LARGEST_BITS: Final = 32


def integers_name(result: str) -> str:
    """The name of the integers that the result of a quantiser stands for."""
    return f"{result}_integers"


def rounded(xp: Any, x: AnyArray, mode: str) -> AnyArray:
    """Whole numbers near ``x``; UP and HALF_UP go away from zero, DOWN and HALF_DOWN towards it."""
    size, sign = xp.abs(x), xp.sign(x)
    match mode:
        case "CEIL":
            return xp.ceil(x)
        case "FLOOR":
            return xp.floor(x)
        case "UP":
            return sign * xp.ceil(size)
        case "DOWN":
            return sign * xp.floor(size)
        case "HALF_UP":
            return sign * xp.floor(size + 0.5)
        case "HALF_DOWN":
            return sign * xp.ceil(size - 0.5)
        case _:
            return xp.round(x)


def limits(bits: int, signed: bool, narrow: bool) -> tuple[int, int]:
    """The least and the greatest integer; narrow ones lack the least where they are signed, else the greatest."""
    low, high = bounds(bits, signed)
    return low + (narrow and signed), high - (narrow and not signed)


@dataclass(frozen=True)
class Quant(TensorOp):
    """(round(clamp(x / scale + zero_point)) - zero_point) * scale. Operands: x, scale, zero point, number of bits; a signed one of 1 bit is bipolar."""

    signed: bool = True
    narrow: bool = False
    rounding_mode: str = "ROUND"

    stands_for_integers = True
    bindings = tuple(
        OnnxBinding(
            op_type,
            (4, 4),
            domain,
            attributes={name: name for name in ("signed", "narrow", "rounding_mode")},
        )
        for domain in DOMAINS
        for op_type in ("Quant", "IntQuant")
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        mode = self.rounding_mode.upper()
        require(mode in ROUNDING_MODES, self, f"one of {', '.join(ROUNDING_MODES)}", mode)
        return replace(self, signed=bool(self.signed), narrow=bool(self.narrow), rounding_mode=mode)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, scale, zero, _ = inputs
        require(not x.is_integer, self, "a float operand", x)
        shape = broadcast(self, x.shape, scale.shape, zero.shape)
        require(shape == x.shape, self, f"a scale and zero point that fit {x}", scale)
        return TensorType(x.shape, F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, scale, zero, bits = arrays
        scaled = x / scale + zero
        count = int(np.asarray(bits).reshape(()))
        if count == 1 and self.signed:
            integers = xp.where(scaled >= 0, xp.ones_like(scaled), -xp.ones_like(scaled))
        else:
            low, high = limits(count, self.signed, self.narrow)
            integers = rounded(xp, xp.clip(scaled, low, high), self.rounding_mode)
        return (integers - zero) * scale

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x, one = TensorType((1, 3, 2), F32), TensorType((), F32)
        constants = {k: np.array(v, np.float32) for k, v in ((1, 0.37), (2, 0), (3, 3))}
        return tuple(
            Example(op, (x, one, one, one), constants)
            for op in (Quant(), Quant(narrow=True), Quant(False, rounding_mode="FLOOR"))
        )


@dataclass(frozen=True)
class BipolarQuant(TensorOp):
    """scale where x is 0 or more, else -scale. Operands: x, scale."""

    stands_for_integers = True
    bindings = tuple(OnnxBinding("BipolarQuant", (2, 2), domain) for domain in DOMAINS)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, scale = inputs
        require(not x.is_integer, self, "a float operand", x)
        require(
            broadcast(self, x.shape, scale.shape) == x.shape, self, f"a scale that fits {x}", scale
        )
        return TensorType(x.shape, F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, scale = arrays
        return xp.where(x >= 0, xp.ones_like(x), -xp.ones_like(x)) * scale

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x, one = TensorType((1, 3, 2), F32), TensorType((), F32)
        return (Example(BipolarQuant(), (x, one), {1: np.array(0.37, np.float32)}),)


@dataclass(frozen=True)
class Trunc(TensorOp):
    """round(integers / 2**(bits dropped)) * scale, where the integers are the nearest to x / scale. Operands: x, scale, zero point, numbers of
    bits before and after."""

    rounding_mode: str = "FLOOR"

    stands_for_integers = True
    bindings = tuple(
        OnnxBinding("Trunc", (5, 5), domain, attributes={"rounding_mode": "rounding_mode"})
        for domain in DOMAINS
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        mode = self.rounding_mode.upper()
        require(mode in ROUNDING_MODES, self, f"one of {', '.join(ROUNDING_MODES)}", mode)
        return replace(self, rounding_mode=mode)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, scale, zero, *_ = inputs
        require(not x.is_integer, self, "a float operand", x)
        shape = broadcast(self, x.shape, scale.shape, zero.shape)
        require(shape == x.shape, self, f"a scale and zero point that fit {x}", scale)
        return TensorType(x.shape, F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, scale, zero, before, after = arrays
        dropped = int(np.asarray(before).reshape(())) - int(np.asarray(after).reshape(()))
        integers = xp.round(x / scale + zero)
        return (rounded(xp, integers / 2.0**dropped, self.rounding_mode) - zero) * scale

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x, one = TensorType((1, 3, 2), F32), TensorType((), F32)
        constants = {k: np.array(v, np.float32) for k, v in ((1, 0.37), (2, 0), (3, 8), (4, 5))}
        return tuple(Example(op, (x, *(one,) * 4), constants) for op in (Trunc(), Trunc("ROUND")))


@dataclass(frozen=True)
class QuantizeRounded(QuantizeLinear):
    """round(clamp(x / scale + zero_point, low, high)): in any rounding mode, to any range, with the zero point inside."""

    low: int
    high: int
    rounding_mode: str

    bindings: ClassVar[tuple[OnnxBinding, ...]] = ()

    @property
    def bounds_of_result(self) -> tuple[int, int]:
        return self.low, self.high

    @property
    def to_nearest(self) -> bool:
        """A zero point inside the rounding changes which way halves go, so only 0 is the same as outside."""
        return self.rounding_mode in TO_NEAREST and not any(self.quantisation.zero_point)

    @property
    def is_plain(self) -> bool:
        """Whether it is QuantizeLinear."""
        return self.to_nearest and self.bounds_of_result == super().bounds_of_result

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        axis = self.quantisation.axis
        zero = along(xp, np.array(self.quantisation.zero_point, np.float32), x, axis)
        scaled = x / along(xp, self.quantisation.scales(), x, axis) + zero
        clipped = xp.clip(scaled, float(self.low), float(self.high))
        return xp.astype(rounded(xp, clipped, self.rounding_mode), xp.int32)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        q, x = Quantisation((0.37,), (1,)), TensorType((1, 2, 3), F32)
        element = ElementType(3, True)
        return tuple(
            Example(QuantizeRounded(q, element, -3, 3, mode), (x,), {}) for mode in ROUNDING_MODES
        )


@dataclass(frozen=True)
class QuantizeBipolar(QuantizeLinear):
    """1 where x is 0 or more, else -1; the scale says only what they stand for."""

    bindings: ClassVar[tuple[OnnxBinding, ...]] = ()

    @property
    def bounds_of_result(self) -> tuple[int, int]:
        return -1, 1

    @property
    def to_nearest(self) -> bool:
        return False

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        one = xp.ones_like(x)
        return xp.astype(xp.where(x >= 0, one, -one), xp.int32)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        q = Quantisation((0.37,), (0,))
        return (Example(QuantizeBipolar(q, BIPOLAR), (TensorType((1, 2, 3), F32),), {}),)

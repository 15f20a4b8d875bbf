"""QONNX's float formats of few bits (FP8 among them): every number is an integer in steps of the least one, so that sums are exact.

After the operator page of QONNX 1.0's FloatQuant, and P. Micikevicius et al., "FP8 Formats for Deep Learning", 2022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, broadcast, require
from hlsgen.ops.qonnx import DOMAINS, ROUNDING_MODES, rounded
from hlsgen.ops.quantise import QuantizeLinear, along
from hlsgen.ops.tensor_type import F32, AnyArray, Quantisation, TensorType

LARGEST_INTEGER_BITS = 34
"""Of the integers that stand for a format's numbers: what E5M2 with a bias of 16 needs."""


@dataclass(frozen=True)
class SmallFloat:
    """A float format: every number is an integer times ``step``."""

    exponent: int
    mantissa: int
    bias: int
    greatest: float

    @property
    def step(self) -> float:
        """The least number above 0."""
        return 2.0 ** (1 - self.bias - self.mantissa)

    @property
    def maximum(self) -> float:
        ones = 2.0 - 2.0**-self.mantissa
        return min(ones * 2.0 ** (2**self.exponent - 1 - self.bias), self.greatest)

    def nearest(self, xp: Any, x: AnyArray, mode: str) -> AnyArray:
        """The number of the format that ``x`` is rounded to, in float32 steps as QONNX computes it."""
        tiny = float(np.finfo(np.float32).tiny)
        x = xp.clip(x, -self.maximum, self.maximum)  # of infinities there are no steps
        binade = xp.floor(xp.log2(xp.abs(x) + tiny)) - self.mantissa
        spacing = xp.pow(
            xp.full_like(x, 2.0), xp.maximum(binade, xp.full_like(x, math.log2(self.step)))
        )
        return xp.clip(spacing * rounded(xp, x / spacing, mode), -self.maximum, self.maximum)


@dataclass(frozen=True)
class FloatQuant(TensorOp):
    """The nearest number of a small float format, times scale. Operands: x, scale, bits of exponent, bits of mantissa, exponent bias, greatest
    number. Formats end in their greatest number; without its bound, in all ones."""

    rounding_mode: str = "ROUND"

    stands_for_integers = True
    bindings = tuple(
        OnnxBinding(
            "FloatQuant",
            (6, 6),
            domain,
            attributes={"rounding_mode": "rounding_mode"},
            ignored={
                "has_inf": None,
                "has_nan": None,
                "has_subnormal": None,
                "signed": 1,
                "saturation": 1,
            },
        )
        for domain in DOMAINS
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        mode = self.rounding_mode.upper()
        require(mode in ROUNDING_MODES, self, f"one of {', '.join(ROUNDING_MODES)}", mode)
        return replace(self, rounding_mode=mode)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, scale = inputs[:2]
        require(not x.is_integer, self, "a float operand", x)
        require(
            broadcast(self, x.shape, scale.shape) == x.shape, self, f"a scale that fits {x}", scale
        )
        return TensorType(x.shape, F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, scale, *numbers = arrays
        exponent, mantissa, bias, greatest = (float(np.asarray(n).reshape(())) for n in numbers)
        form = SmallFloat(int(exponent), int(mantissa), int(bias), greatest)
        return form.nearest(xp, x / scale, self.rounding_mode) * scale

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x, one = TensorType((1, 3, 2), F32), TensorType((), F32)
        numbers = enumerate((0.37, 4, 3, 7, 448), 1)
        constants = {k: np.array(v, np.float32) for k, v in numbers}
        return (Example(FloatQuant(), (x, *(one,) * 5), constants),)


@dataclass(frozen=True)
class QuantizeSmallFloat(QuantizeLinear):
    """The integers, in steps of the least number, of the nearest numbers of a float format."""

    exponent: int
    mantissa: int
    bias: int
    greatest: float
    rounding_mode: str

    bindings: ClassVar[tuple[OnnxBinding, ...]] = ()

    @property
    def form(self) -> SmallFloat:
        return SmallFloat(self.exponent, self.mantissa, self.bias, self.greatest)

    @property
    def bounds_of_result(self) -> tuple[int, int]:
        greatest = int(self.form.maximum / self.form.step)
        return -greatest, greatest

    @property
    def to_nearest(self) -> bool:
        return False

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        scale = self.quantisation.scales() / np.float32(self.form.step)
        real = x / along(xp, scale, x, self.quantisation.axis)
        return xp.astype(self.form.nearest(xp, real, self.rounding_mode) / self.form.step, xp.int64)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        step = SmallFloat(4, 3, 7, 448.0).step
        op = QuantizeSmallFloat(
            Quantisation((0.37 * step,), (0,)), ElementType(19, True), 4, 3, 7, 448.0, "ROUND"
        )
        return (Example(op, (TensorType((1, 2, 3), F32),), {}),)

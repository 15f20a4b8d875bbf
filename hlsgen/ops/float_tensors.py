"""QuantizeLinear and DequantizeLinear between reals and tensors of floats of few bits (ONNX's FLOAT8* and FLOAT4E2M1).

After ONNX's operator pages of QuantizeLinear-19 and -23: the results are rounded to nearest, halves to even, and what is too large becomes the
greatest number, or where ``saturate`` is 0 an infinity or not a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from hlsgen.ops.float_format import FORMATS, rounded
from hlsgen.ops.op import Constants, Example, TensorOp, require
from hlsgen.ops.quantise import along, resolved_for
from hlsgen.ops.small_float import SmallFloat
from hlsgen.ops.tensor_type import F32, AnyArray, Element, Float, Quantisation, TensorType

_EXPONENT_BITS: Final[Mapping[Element, int]] = MappingProxyType(
    {"f8e4m3fn": 4, "f8e4m3fnuz": 4, "f8e5m2": 5, "f8e5m2fnuz": 5, "f4e2m1": 2}
)
SMALL_FLOATS: Final[Mapping[Element, SmallFloat]] = MappingProxyType(
    {
        element: SmallFloat(
            bits,
            FORMATS[element].precision - 1,
            1 - FORMATS[element].least,
            FORMATS[element].largest,
        )
        for element, bits in _EXPONENT_BITS.items()
        if isinstance(element, str)
    }
)
"""The float element types whose numbers are integers in steps of the least one."""


@dataclass(frozen=True)
class QuantizeFloat(TensorOp):
    """The nearest numbers of ``element`` to f32(x / scale)."""

    quantisation: Quantisation
    element: Float
    saturate: bool = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(not x.is_integer, self, "a float operand", x)
        resolved_for(self, x, self.quantisation)
        return TensorType(x.shape, self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        scaled = x / along(xp, self.quantisation.scales(), x, self.quantisation.axis)
        return rounded(xp, scaled, self.element, self.saturate)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        op = QuantizeFloat(Quantisation((0.37, 0.5), (0, 0), 1), "f8e4m3fn")
        return (Example(op, (TensorType((1, 2, 3), F32),), {}),)


@dataclass(frozen=True)
class DequantizeFloat(TensorOp):
    """f32(x * scale) of floats of few bits."""

    quantisation: Quantisation

    stands_for_integers = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(not x.is_integer, self, "an operand of floats of few bits", x)
        resolved_for(self, x, self.quantisation)
        return TensorType(x.shape, F32)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        return x * along(xp, self.quantisation.scales(), x, self.quantisation.axis)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        w = np.array([[0.5, -1.75, 448.0], [0.015625, 0.0, -3.0]], np.float32)
        op = DequantizeFloat(Quantisation((0.37, 0.5), (0, 0), 0))
        return (Example(op, (TensorType((2, 3), "f8e4m3fn"),), {0: w}),)

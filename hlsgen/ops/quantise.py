"""QuantizeLinear and DequantizeLinear: the borders between reals and the integers that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.op import Constants, Example, OnnxBinding, TensorOp, require
from hlsgen.ops.tensor_type import F32, AnyArray, Quantisation, TensorType

# axis and the type of integers are read with the scales; blocks and reals that are not float32 are refused
_DEQUANTIZE_IGNORED = {"axis": None, "block_size": 0, "output_dtype": 0}
_QUANTIZE_IGNORED = {**_DEQUANTIZE_IGNORED, "output_dtype": None, "saturate": None}


def along(xp: Any, values: Any, x: AnyArray, axis: int | None) -> AnyArray:
    """``values`` (one, or one per index of ``axis``) shaped to broadcast against ``x``."""
    array = xp.asarray(values, device=getattr(x, "device", None))
    if array.shape[0] == 1:
        return xp.reshape(array, ())
    shape = [1] * x.ndim
    shape[1 if axis is None else axis] = -1
    return xp.reshape(array, tuple(shape))


def resolved_for(op: TensorOp, x: TensorType, quantisation: Quantisation) -> Quantisation:
    """The quantisation with its axis resolved for the shape of ``x``."""
    if quantisation.per_tensor:
        return Quantisation(quantisation.scale, quantisation.zero_point)
    rank, axis = len(x.shape), 1 if quantisation.axis is None else quantisation.axis
    require(-rank <= axis < rank, op, f"an axis of rank {rank}", axis)
    count = len(quantisation.scale)
    require(x.shape[axis] == count, op, f"{x.shape[axis]} scales along axis {axis}", count)
    return Quantisation(quantisation.scale, quantisation.zero_point, axis % rank)


@dataclass(frozen=True)
class QuantizeLinear(TensorOp):
    """clamp(RNE(f32(x / scale)) + zero_point) to the range of ``element``."""

    quantisation: Quantisation
    element: ElementType

    place = "border"
    bindings: ClassVar[tuple[OnnxBinding, ...]] = (
        OnnxBinding(
            "QuantizeLinear", (1, 1), since=10, ignored=_QUANTIZE_IGNORED, quantisation=(1, 2)
        ),
        OnnxBinding(
            "QuantizeLinear",
            (1, 1),
            "com.microsoft",
            ignored=_QUANTIZE_IGNORED,
            quantisation=(1, 2),
        ),
    )

    @property
    def bounds_of_result(self) -> tuple[int, int]:
        """The least and the greatest integer it gives."""
        return self.element.minimum, self.element.maximum

    @property
    def to_nearest(self) -> bool:
        """Whether it rounds x / scale to the nearest integer, halves to even, and then adds the zero point."""
        return True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(not x.is_integer, self, "a float operand", x)
        return TensorType(x.shape, self.element, resolved_for(self, x, self.quantisation))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        quantisation, element = self.quantisation, self.element
        zero = along(xp, np.array(quantisation.zero_point, np.float32), x, quantisation.axis)
        scaled = x / along(xp, quantisation.scales(), x, quantisation.axis)
        low, high = element.minimum - zero, element.maximum - zero
        clipped = xp.minimum(xp.maximum(scaled, low), high)
        # what is not a number becomes the least integer, as ONNX Runtime's maximum makes it
        clipped = xp.where(xp.isnan(scaled), low + xp.zeros_like(scaled), clipped)
        wide = xp.int64 if element.bits > 32 else xp.int32
        return xp.astype(xp.round(clipped) + zero, wide)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        q = Quantisation((0.05,), (3,))
        return (Example(QuantizeLinear(q, S8), (TensorType((1, 2, 3), F32),), {}),)


@dataclass(frozen=True)
class DequantizeLinear(TensorOp):
    """f32((x - zero_point) * scale)."""

    quantisation: Quantisation

    place = "border"
    pointwise = True
    stands_for_integers = True
    bindings = (
        OnnxBinding(
            "DequantizeLinear", (1, 1), since=10, ignored=_DEQUANTIZE_IGNORED, quantisation=(1, 2)
        ),
        OnnxBinding(
            "DequantizeLinear",
            (1, 1),
            "com.microsoft",
            ignored=_DEQUANTIZE_IGNORED,
            quantisation=(1, 2),
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        (x,) = inputs
        require(x.is_integer, self, "an integer operand", x)
        resolved_for(self, x, self.quantisation)
        return TensorType(x.shape, F32)

    def resolved(self, x: TensorType) -> Quantisation:
        """The quantisation with its axis made explicit for an operand of this type."""
        return resolved_for(self, x, self.quantisation)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        quantisation = self.quantisation
        # int32 biases need 64 bits before the zero point is taken away; float64 holds them all
        zero = along(xp, np.array(quantisation.zero_point, np.float64), x, quantisation.axis)
        steps = xp.astype(xp.astype(x, xp.float64) - zero, xp.float32)
        return steps * along(xp, quantisation.scales(), x, quantisation.axis)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        q = Quantisation((0.05, 0.25), (3, 128), 1)
        return (Example(DequantizeLinear(q), (TensorType((1, 2, 3), U8),), {}),)

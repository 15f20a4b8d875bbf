"""Conversions between element types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.algebra.types import ElementType
from hlsgen.ops.activation import Identity
from hlsgen.ops.float_format import power_of_two, rounded
from hlsgen.ops.host import BOOL, HostOp
from hlsgen.ops.op import Constants, OnnxBinding, TensorOp
from hlsgen.ops.quantise import DequantizeLinear
from hlsgen.ops.tensor_type import F32, AnyArray, Element, Quantisation, TensorType


@dataclass(frozen=True)
class Cast(HostOp):
    """Values as another element type: floats to integers towards 0, integers modulo 2**bits, anything but 0 is true.

    Of integers to f32 it is a DequantizeLinear in steps of 1: it says that the integers are the values themselves. ``saturate`` is about
    floats of 8 bits: what is too large becomes the largest value, or else infinite or NaN. ``round_mode`` is about f8e8m0.
    """

    element: Element
    saturate: bool = True
    round_mode: str = "up"

    pointwise = True
    bindings: ClassVar[tuple[OnnxBinding, ...]] = (
        OnnxBinding(
            "Cast",
            (1, 1),
            since=6,
            elements={"to": "element"},
            attributes={"saturate": "saturate", "round_mode": "round_mode"},
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        source = inputs[0].element
        if source == self.element:
            return Identity()
        if self.element == F32 and isinstance(source, ElementType):
            return DequantizeLinear(Quantisation((1.0,), (0,)))
        return self

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        return TensorType(inputs[0].shape, self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        if self.element == BOOL:
            return x != 0
        real = xp.isdtype(x.dtype, "real floating")
        if isinstance(self.element, ElementType):
            return _integers(xp, x, self.element) if real else self._narrowed(xp, x)
        if self.element == "f8e8m0":
            return power_of_two(xp, x, self.round_mode)
        saturate = bool(self.saturate) and self.element.startswith("f8")
        return rounded(xp, x if real else xp.astype(x, xp.float64), self.element, saturate)

    def _narrowed(self, xp: Any, x: AnyArray) -> AnyArray:
        element = self.element
        assert isinstance(element, ElementType), "reals are rounded"
        return x if element.bits == 64 else element.decode(xp.astype(x, xp.int64))


def _integers(xp: Any, x: AnyArray, element: ElementType) -> AnyArray:
    """Reals towards 0, of which narrow types take the lowest bits."""
    if element.bits == 64:
        return xp.astype(xp.trunc(x), xp.uint64 if not element.signed else xp.int64)
    return element.decode(xp.astype(xp.trunc(x), xp.int64))


@dataclass(frozen=True)
class CastLike(TensorOp):
    """The first operand in the element type of the second; normalised to Cast."""

    saturate: bool = True
    round_mode: str = "up"

    bindings = (
        OnnxBinding(
            "CastLike",
            (2, 2),
            since=15,
            attributes={"saturate": "saturate", "round_mode": "round_mode"},
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        return CastOfTwo(inputs[1].element, self.saturate, self.round_mode)


@dataclass(frozen=True)
class CastOfTwo(Cast):
    """A Cast whose second operand only gave the element type."""

    bindings: ClassVar[tuple[OnnxBinding, ...]] = ()

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        return self

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x = arrays[0]
        if self.element == F32 and not xp.isdtype(x.dtype, "real floating"):
            return xp.astype(x, xp.float32)
        return super().evaluate(xp, x)

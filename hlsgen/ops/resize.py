"""Resize and Upsample: to the nearest element, or by linear interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from hlsgen.algebra.types import S8, U8
from hlsgen.errors import UnsupportedOp
from hlsgen.ops.activation import Identity
from hlsgen.ops.host import axis_of
from hlsgen.ops.move import ElementMove, Numbers, numbers
from hlsgen.ops.op import Example, OnnxBinding, TensorOp, require
from hlsgen.ops.resize_linear import Line, ResizeLinear
from hlsgen.ops.tensor_type import AnyArray, TensorType

Transformation = Literal[
    "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric", "asymmetric", "align_corners"
]
Nearest = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"]
_ATTRIBUTES = {
    "mode": "mode",
    "coordinate_transformation_mode": "transformation",
    "nearest_mode": "nearest",
    "axes": "axes",
    "keep_aspect_ratio_policy": "aspect",
    "antialias": "antialias",
}
# of other modes than these
_IGNORED = {
    "cubic_coeff_a": None,
    "exclude_outside": None,
    "extrapolation_value": None,
}
_NEAR = 1e-6
_MOST_PARTS = 64
_OLD = {"transformation": "asymmetric", "nearest": "simple"}


def _by_scales(name: str, since: int = 1, until: int = 10**6) -> OnnxBinding:
    """The forms whose scales are an input and whose places have no options."""
    return OnnxBinding(
        name,
        (1, 1),
        since=since,
        until=until,
        attributes={"mode": "mode"},
        inputs={"scales": 1},
        fixed=_OLD,
    )


@dataclass(frozen=True)
class Resize(TensorOp):
    """Each axis by its scale or to its size; normalised to ResizeNearest or ResizeLinear."""

    scales: tuple[float, ...] | float = ()
    sizes: Numbers = ()
    mode: str = "nearest"
    transformation: str = "half_pixel"
    nearest: Nearest = "round_prefer_floor"
    axes: Numbers = ()
    aspect: str = "stretch"
    antialias: bool = False

    bindings = (
        OnnxBinding(
            "Upsample",
            (1, 1),
            until=8,
            attributes={"mode": "mode", "scales": "scales"},
            fixed=_OLD,
        ),
        _by_scales("Upsample", since=9),
        _by_scales("Resize", until=10),
        OnnxBinding(
            "Resize",
            (1, 1),
            since=11,
            attributes=_ATTRIBUTES,
            inputs={"roi": 1, "scales": 2, "sizes": 3},
            ignored=_IGNORED,
        ),
    )
    roi: tuple[float, ...] | float = ()

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        shape = inputs[0].shape
        linear = self.mode in ("linear", "bilinear")
        known = (linear and not self.antialias) or self.mode == "nearest"
        if not known or self.transformation == "tf_crop_and_resize":
            antialias = " and antialias" if self.antialias else ""
            raise UnsupportedOp(
                self.name,
                "expected mode nearest, or linear without antialias, and no region, found "
                f"{self.mode} with {self.transformation}{antialias}",
                "Export the model with nearest or linear upsampling, or with a ConvTranspose in its place.",
            )
        scaled = self._scaled(shape)
        if not linear:
            places = [tuple(range(extent)) for extent in shape]
            for axis, (count, scale) in scaled.items():
                places[axis] = self._places(shape[axis], count, scale)
            return ResizeNearest(tuple(places))
        lines = {
            axis: self._line(shape[axis], count, scale)
            for axis, (count, scale) in scaled.items()
            if (count, float(scale)) != (shape[axis], 1.0)
        }
        given = tuple((n.extent, n.count, n.first, n.step, n.unit) for n in lines.values())
        return ResizeLinear(tuple(lines), given) if lines else Identity()

    def _scaled(self, shape: tuple[int, ...]) -> dict[int, tuple[int, np.float32]]:
        """How many places there are along each axis that is named, and its scale."""
        scales = self.scales if isinstance(self.scales, tuple) else (self.scales,)
        sizes = numbers(self.sizes)
        axes = numbers(self.axes) or tuple(range(len(shape)))
        given = len(sizes or scales) == len(axes)
        require(given, self, f"{len(axes)} scales or sizes", sizes or scales)
        require(self.aspect == "stretch", self, "keep_aspect_ratio_policy stretch", self.aspect)
        scaled = {}
        for k, axis in enumerate(axes):
            axis = axis_of(self, axis, len(shape))
            extent = shape[axis]
            count = sizes[k] if sizes else int(np.floor(np.float32(extent) * np.float32(scales[k])))
            scale = np.float32(scales[k] if scales else count / extent)
            possible = count > 0 and float(scale) > 0
            require(possible, self, "a result with elements", (count, float(scale)))
            scaled[axis] = count, scale
        return scaled

    def _line(self, extent: int, count: int, scale: np.float32) -> Line:
        """The places of a linear interpolation, as fractions."""
        exact = Fraction(count, extent)
        if abs(float(exact) - float(scale)) > _NEAR * float(scale):
            exact = Fraction(float(scale)).limit_denominator(_MOST_PARTS)
        near = abs(float(exact) - float(scale)) <= _NEAR * float(scale)
        require(near, self, f"scales that are fractions of at most {_MOST_PARTS}", float(scale))
        step, half = 1 / exact, Fraction(1, 2)
        first = step / 2 - half
        match self.transformation:
            case "half_pixel":
                pass
            case "pytorch_half_pixel":
                first = first if count > 1 else Fraction(0)
            case "half_pixel_symmetric":
                first += Fraction(extent, 2) - count * step / 2
            case "asymmetric":
                first = Fraction(0)
            case "align_corners":
                # of 2.4 results ONNX aligns the 2.4th with the corner, ONNX Runtime the second
                whole = exact * extent == count
                require(whole, self, "scales that give a whole number of results", float(scale))
                first, step = Fraction(0), Fraction(extent - 1, max(count - 1, 1))
            case _:
                require(False, self, "a transformation of ONNX", self.transformation)
        last = first + (count - 1) * step
        require(first > -1 and last < extent, self, "places within the operand", (first, last))
        return Line.of(extent, count, first, step)

    def _places(self, extent: int, count: int, scale: np.float32) -> tuple[int, ...]:
        """Where each of ``count`` results takes its element from, by ONNX Runtime's float32 steps."""
        at = np.arange(count, dtype=np.float32)
        half, one = np.float32(0.5), np.float32(1)
        match self.transformation:
            case "half_pixel":
                origin = (at + half) / scale - half
            case "pytorch_half_pixel":
                origin = (at + half) / scale - half if count > 1 else np.zeros(1, np.float32)
            case "half_pixel_symmetric":
                adjustment = np.float32(count) / (scale * np.float32(extent))
                offset = np.float32(extent) / np.float32(2) * (one - adjustment)
                origin = offset + (at + half) / scale - half
            case "asymmetric":
                origin = at / scale
            case "align_corners":
                origin = at * np.float32(extent - 1) / np.float32(max(count - 1, 1))
            case _:
                require(False, self, "a transformation of ONNX", self.transformation)
                origin = at
        nearest = self.nearest
        if nearest == "simple":
            nearest = "floor" if scale >= 1 else "ceil"
        rounded = {
            "round_prefer_floor": np.ceil(origin - half),
            "round_prefer_ceil": np.floor(origin + half),
            "floor": np.floor(origin),
            "ceil": np.ceil(origin),
        }[nearest]
        return tuple(int(place) for place in np.clip(rounded, 0, extent - 1))


@dataclass(frozen=True)
class ResizeNearest(ElementMove):
    """Along each axis the elements at ``places`` of that axis."""

    places: tuple[tuple[int, ...], ...]

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.places[0] == (0,)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        fits = len(self.places) == len(shape)
        require(fits, self, f"places of {len(self.places)} axes", list(shape))
        return tuple(len(places) for places in self.places)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        for axis, places in enumerate(self.places):
            if axis or places != (0,):  # the batch of one stands for all samples
                index = xp.asarray(np.array(places, np.int64), device=getattr(x, "device", None))
                x = xp.take(x, index, axis=axis)
        return x

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(shape: tuple[int, ...], *scales: float, **options: Any) -> Example:
            x = TensorType(shape, U8 if len(shape) == 3 else S8)
            return Example(Resize(scales, **options).normalised((x,)), (x,), {})

        return (
            case((1, 3, 2, 4), 1.0, 1.0, 2.0, 2.0, transformation="asymmetric"),
            case((1, 2, 3, 3), 1.0, 1.0, 3.0, 1.0),
            case((1, 2, 5), 1.0, 1.0, 2.0),
            case((1, 2, 4, 6), 1.0, 1.0, 0.5, 0.5, transformation="asymmetric", nearest="floor"),
        )

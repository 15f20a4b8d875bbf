"""Concat and Pad: tensors put together, and surrounded by a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from hlsgen.algebra.types import S8, U8
from hlsgen.ops.host import axes_of, axis_of, one_element
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.move import ElementMove, Numbers, numbers
from hlsgen.ops.op import (
    Constants,
    Example,
    IntegerForm,
    OnnxBinding,
    Place,
    TensorOp,
    require,
)
from hlsgen.ops.tensor_type import AnyArray, TensorType

Mode = Literal["constant", "reflect", "edge", "wrap"]


@dataclass(frozen=True)
class Concat(TensorOp):
    """The operands one after the other along ``axis``."""

    axis: int

    place: ClassVar[Place] = "hardware"
    moves_data = True
    bindings = (
        OnnxBinding("Concat", (1, 1 << 16), attributes={"axis": "axis"}),
        OnnxBinding(
            "QLinearConcat",
            (1, 1 << 16),
            "com.microsoft",
            attributes={"axis": "axis"},
            integers=IntegerForm((), result=(0, 1), repeated=2),
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        return Concat(axis_of(self, self.axis, len(inputs[0].shape)))

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        first, axis = inputs[0].shape, self.axis
        for x in inputs:
            same = len(x.shape) == len(first) and all(
                a == b for k, (a, b) in enumerate(zip(x.shape, first, strict=True)) if k != axis
            )
            require(same, self, f"operands like {list(first)} but along axis {axis}", x)
        extent = sum(x.shape[axis] for x in inputs)
        shape = (*first[:axis], extent, *first[axis + 1 :])
        return TensorType(shape, one_element(self, inputs))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        samples = max(array.shape[0] for array in arrays) if arrays[0].ndim else 1
        if self.axis == 0:
            return xp.concat(arrays, axis=0)
        whole = [xp.broadcast_to(a, (samples, *a.shape[1:])) for a in arrays]  # constants are one
        return xp.concat(whole, axis=self.axis)

    def lower(self, build: Lowering) -> None:
        """One process that reads the operand within which an element lies."""
        joined = build.join(self.axis)
        build.result(joined.channel, joined.position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(axis: int, *shapes: tuple[int, ...], constant: bool = False) -> Example:
            types = tuple(TensorType(shape, S8) for shape in shapes)
            random = np.random.default_rng(len(shapes))
            fixed = {1: random.integers(-128, 128, shapes[1])} if constant else {}
            return Example(Concat(axis), types, fixed)

        return (
            case(1, (1, 4, 3, 5), (1, 2, 3, 5)),
            case(1, (1, 3, 2, 2), (1, 1, 2, 2), (1, 2, 2, 2)),
            case(2, (1, 3, 2, 4), (1, 3, 5, 4)),
            case(3, (1, 2, 3, 4), (1, 2, 3, 1), (1, 2, 3, 2)),
            case(1, (1, 5), (1, 3)),
            case(2, (1, 3, 4), (1, 3, 2)),
            case(2, (1, 2, 3, 2, 2), (1, 2, 1, 2, 2)),
            case(1, (1, 4, 3, 3), (1, 2, 3, 3), constant=True),
        )


@dataclass(frozen=True)
class Pad(ElementMove):
    """The operand with ``before`` elements in front of and ``after`` behind it along each axis (below 0: left out); ``value`` around it, or what
    the mode says: its mirror image without or with its edge elements, its other end."""

    pads: Numbers
    value: float | int | tuple[float, ...] = 0
    axes: Numbers = ()
    mode: Mode = "constant"

    bindings = (
        OnnxBinding(
            "Pad",
            (1, 1),
            until=10,
            attributes={"pads": "pads", "value": "value", "mode": "mode"},
        ),
        OnnxBinding(
            "Pad",
            (1, 1),
            since=11,
            attributes={"mode": "mode"},
            inputs={"pads": 1, "value": 2, "axes": 3},
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        rank, pads = len(inputs[0].shape), numbers(self.pads)
        axes = numbers(self.axes) or tuple(range(rank))
        require(len(pads) == 2 * len(axes), self, f"{2 * len(axes)} pads", pads)
        axes_of(self, axes, rank)
        whole = [0] * (2 * rank)
        for k, axis in enumerate(axes):
            whole[axis % rank], whole[axis % rank + rank] = pads[k], pads[k + len(axes)]
        value = self.value if not isinstance(self.value, tuple) else (*self.value, 0)[0]
        return Pad(tuple(whole), value, (), self.mode)

    @property
    def before(self) -> tuple[int, ...]:
        pads = numbers(self.pads)
        return pads[: len(pads) // 2]

    @property
    def after(self) -> tuple[int, ...]:
        pads = numbers(self.pads)
        return pads[len(pads) // 2 :]

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.before[:1] == self.after[:1] == (0,)

    def commuted(self, function: Callable[[float], Any], integer: bool) -> Pad:
        """The operator on what ``function`` makes of every element."""
        if self.mode != "constant":
            return self
        value = function(float(self.number))
        return replace(self, value=int(value) if integer else float(value))

    @property
    def number(self) -> float | int:
        """The value around the operand."""
        assert not isinstance(self.value, tuple), "normalised before"
        return self.value

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        extents = tuple(
            n + before + after
            for n, before, after in zip(shape, self.before, self.after, strict=True)
        )
        require(min(extents) > 0, self, "a result with elements", list(extents))
        if self.mode == "reflect":
            pads = max((*self.before, *self.after, 0))
            fits = all(
                max(b, a) < n for n, b, a in zip(shape, self.before, self.after, strict=True)
            )
            require(fits, self, "pads smaller than the operand", pads)
        return extents

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        for axis, (before, after) in enumerate(zip(self.before, self.after, strict=True)):
            if before or after:
                x = self._along(xp, x, axis, before, after)
        return x

    def _along(self, xp: Any, x: AnyArray, axis: int, before: int, after: int) -> AnyArray:
        """The operand padded along one axis."""
        extent, device = x.shape[axis], getattr(x, "device", None)
        places = np.arange(-before, extent + after)
        inside = (places >= 0) & (places < extent)
        if self.mode == "constant":
            places = np.clip(places, 0, extent - 1)
        else:
            places = _places(self.mode, places, extent)
            inside = np.ones(len(places), bool)
        taken = xp.take(x, xp.asarray(places.astype(np.int64), device=device), axis=axis)
        shape = [1] * x.ndim
        shape[axis] = -1
        mask = xp.reshape(xp.asarray(inside, device=device), tuple(shape))
        value = xp.asarray(self.number, dtype=x.dtype, device=device)
        return taken if inside.all() else xp.where(mask, taken, value)

    def lower(self, build: Lowering) -> None:
        """Of a constant one process whose reads outside give the value; else the same stream in another order."""
        if self.mode != "constant":
            super().lower(build)
            return
        padded = build.surround(self.before, self.after, int(self.number))
        build.result(padded.channel, padded.position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x, u = TensorType((1, 3, 4, 5), S8), TensorType((1, 2, 3, 4), U8)
        return (
            Example(Pad((0, 0, 1, 2, 0, 0, 2, 0), -7), (x,), {}),
            Example(Pad((0, 2, 0, 0, 0, 1, 0, 1), 5), (x,), {}),
            Example(Pad((0, 0, -1, 1, 0, 0, 2, -1), 9), (u,), {}),
            Example(Pad((0, 2, 0, 3), 3), (TensorType((1, 6), S8),), {}),
            Example(Pad((0, 0, 2, 0, 0, 1)), (TensorType((1, 2, 5), S8),), {}),
            Example(Pad((0, 0, 1, 0, 0, 0, 1, 0), 0, (), "reflect"), (x,), {}),
            Example(Pad((0, 0, 0, 2, 0, 0, 0, 1), 0, (), "edge"), (u,), {}),
        )


def _places(mode: str, places: np.ndarray, extent: int) -> np.ndarray:
    """Where a place outside of 0 to extent - 1 takes its element from."""
    if mode == "edge":
        return np.clip(places, 0, extent - 1)
    if mode == "wrap":
        return places % extent
    period = max(2 * (extent - 1), 1)
    return (extent - 1) - np.abs((extent - 1) - places % period)

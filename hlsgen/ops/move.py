"""Operators whose result is elements of one operand in another order, some left out or repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from hlsgen.algebra.types import S8, U8
from hlsgen.ops.host import axes_of, axis_of
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, OnnxBinding, Place, TensorOp, require
from hlsgen.ops.tensor_type import AnyArray, TensorType

Numbers = int | tuple[int, ...]


def numbers(values: Numbers) -> tuple[int, ...]:
    """A constant operand of one axis, which exporters also write as one number."""
    return (values,) if isinstance(values, int) else values


class ElementMove(TensorOp):
    """An operator that takes elements by place alone. Its circuit is a copy in the order of the result, made where somebody needs that order."""

    place: ClassVar[Place] = "hardware"
    moves_data = True

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the result for an operand of ``shape``; raises TypeMismatch."""
        raise NotImplementedError

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x = inputs[0]
        return TensorType(self.shape_of(x.shape), x.element, moved_quantisation(x))

    def lower(self, build: Lowering) -> None:
        """No hardware: elements of the same stream, seen in another order."""
        source = build.placed_operand(0)
        build.result(source.channel, np.asarray(self.evaluate(np, source.position)))


def moved_quantisation(x: TensorType) -> Any:
    """The quantisation of elements that are moved: along an axis it would no longer mean the same."""
    return x.quantisation if x.quantisation is not None and x.quantisation.per_tensor else None


@dataclass(frozen=True)
class Slice(ElementMove):
    """Along each of ``axes`` the elements from ``starts`` on, every ``steps``-th, ``counts`` of them; as in ONNX until normalised, by ``ends``."""

    starts: Numbers
    ends: Numbers
    axes: Numbers = ()
    steps: Numbers = ()
    counts: tuple[int, ...] = ()

    bindings = (
        OnnxBinding(
            "Slice",
            (1, 1),
            until=9,
            attributes={"starts": "starts", "ends": "ends", "axes": "axes"},
        ),
        OnnxBinding(
            "Slice", (1, 1), since=10, inputs={"starts": 1, "ends": 2, "axes": 3, "steps": 4}
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        shape, starts, ends = inputs[0].shape, numbers(self.starts), numbers(self.ends)
        axes = numbers(self.axes) or tuple(range(len(starts)))
        steps = numbers(self.steps) or (1,) * len(starts)
        same = len(starts) == len(ends) == len(axes) == len(steps)
        require(same, self, "as many starts, ends, axes and steps", (starts, ends, axes, steps))
        require(0 not in steps, self, "steps other than 0", steps)
        axes_of(self, axes, len(shape))
        axes = tuple(axis % len(shape) for axis in axes)
        parts = [
            range(shape[axis])[slice(start, end, step)]
            for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
        ]
        counts = tuple(len(part) for part in parts)
        require(0 not in counts, self, "a result with elements", f"none of {list(shape)}")
        return Slice(tuple(part.start for part in parts), (), axes, steps, counts)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return 0 not in numbers(self.axes)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        extents = list(shape)
        for axis, count in zip(numbers(self.axes), self.counts, strict=True):
            extents[axis] = count
        return tuple(extents)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        index = [slice(None)] * x.ndim
        parts = zip(
            numbers(self.axes), numbers(self.starts), numbers(self.steps), self.counts, strict=True
        )
        for axis, start, step, count in parts:
            last = start + step * (count - 1)
            if step < 0:  # array API libraries need not have steps below 0
                x = xp.flip(x, axis=axis)
                start, last, step = x.shape[axis] - 1 - start, x.shape[axis] - 1 - last, -step
            index[axis] = slice(start, last + 1, step)
        return x[tuple(index)]

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(shape: tuple[int, ...], *parts: tuple[int, int, int, int]) -> Example:
            axes, starts, ends, steps = zip(*parts, strict=True)
            x = TensorType(shape, S8)
            op = Slice(starts, ends, axes, steps).normalised((x,))
            return Example(op, (x,), {})

        return (
            case((1, 6, 4, 5), (1, 2, 5, 1)),
            case((1, 3, 6, 5), (2, 1, 6, 2), (3, 0, 4, 1)),
            case((1, 3, 4, 5), (1, -1, -9, -1), (3, 4, 0, -2)),
            case((1, 9), (1, 7, 1, -2)),
            case((1, 4, 7), (-1, 2, 99, 1)),
        )


@dataclass(frozen=True)
class Split(TensorOp):
    """Result number ``result`` of the parts along ``axis``, of ``sizes`` or of ``count`` nearly equal ones; normalised to Slice."""

    axis: int = 0
    sizes: Numbers = ()
    count: int = 0
    result: int = 0
    results: int = 0

    bindings = (
        OnnxBinding("Split", (1, 1), until=12, attributes={"axis": "axis", "split": "sizes"}),
        OnnxBinding(
            "Split",
            (1, 1),
            since=13,
            attributes={"axis": "axis", "num_outputs": "count"},
            inputs={"sizes": 1},
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        shape = inputs[0].shape
        axis = axis_of(self, self.axis, len(shape))
        sizes, count = numbers(self.sizes), self.count or self.results
        if not sizes:
            require(count > 0, self, "sizes of the parts, or their number", "neither")
            size = -(-shape[axis] // count)
            sizes = tuple(min(size, shape[axis] - k * size) for k in range(count))
        fits = sum(sizes) == shape[axis] and min(sizes) >= 0 and self.result < len(sizes)
        require(fits, self, f"parts of {shape[axis]} elements in all", sizes)
        start = sum(sizes[: self.result])
        end = start + sizes[self.result]
        return Slice((start,), (end,), (axis,), (1,)).normalised(inputs)


@dataclass(frozen=True)
class Expand(ElementMove):
    """The operand broadcast to ``shape`` (ONNX's rule: both ways)."""

    shape: Numbers

    bindings = (OnnxBinding("Expand", (1, 1), since=8, inputs={"shape": 1}),)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        rank = len(inputs[0].shape)
        return len(numbers(self.shape)) <= rank and self.shape_of(inputs[0].shape)[:1] == (1,)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        try:
            return tuple(np.broadcast_shapes(shape, numbers(self.shape)))
        except ValueError:
            require(False, self, f"a shape that {list(shape)} broadcasts to", self.shape)
            raise

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        return xp.broadcast_to(x, tuple(np.broadcast_shapes(x.shape, numbers(self.shape))))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (
            Example(Expand((1, 3, 4, 5)), (TensorType((1, 3, 1, 1), S8),), {}),
            Example(Expand((2, 1)), (TensorType((1, 3, 1, 5), U8),), {}),
        )


@dataclass(frozen=True)
class Tile(ElementMove):
    """The operand ``repeats`` times along each axis."""

    repeats: Numbers

    bindings = (OnnxBinding("Tile", (1, 1), since=6, inputs={"repeats": 1}),)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return numbers(self.repeats)[:1] == (1,)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        repeats = numbers(self.repeats)
        fits = len(repeats) == len(shape) and all(r >= 1 for r in repeats)
        require(fits, self, f"{len(shape)} repeats of at least 1", repeats)
        return tuple(extent * count for extent, count in zip(shape, repeats, strict=True))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.tile(arrays[0], numbers(self.repeats))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (
            Example(Tile((1, 2, 1, 1)), (TensorType((1, 3, 2, 4), S8),), {}),
            Example(Tile((1, 1, 2, 3)), (TensorType((1, 2, 3, 2), S8),), {}),
            Example(Tile((1, 3)), (TensorType((1, 5), U8),), {}),
        )


ChannelOrder = Literal["DCR", "CRD"]


@dataclass(frozen=True)
class DepthToSpace(ElementMove):
    """Channels become blocks of ``block`` x ``block`` pixels; channels count (row, column, depth) or, CRD, (depth, row, column)."""

    block: int
    mode: ChannelOrder = "DCR"

    bindings = (
        OnnxBinding("DepthToSpace", (1, 1), attributes={"blocksize": "block", "mode": "mode"}),
    )

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        blocks = self.block * self.block
        fits = len(shape) == 4 and self.block >= 1 and shape[1] % max(blocks, 1) == 0
        require(fits, self, f"(N, C, H, W) with a multiple of {blocks} channels", list(shape))
        n, c, h, w = shape
        return n, c // blocks, h * self.block, w * self.block

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        n, b, (_, c, h, w) = x.shape[0], self.block, self.shape_of(x.shape)
        if self.mode == "DCR":
            parts = xp.reshape(x, (n, b, b, c, h // b, w // b))
            moved = xp.permute_dims(parts, (0, 3, 4, 1, 5, 2))
        else:
            parts = xp.reshape(x, (n, c, b, b, h // b, w // b))
            moved = xp.permute_dims(parts, (0, 1, 4, 2, 5, 3))
        return xp.reshape(moved, (n, c, h, w))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x = TensorType((1, 12, 2, 3), S8)
        return Example(DepthToSpace(2), (x,), {}), Example(DepthToSpace(2, "CRD"), (x,), {})


@dataclass(frozen=True)
class SpaceToDepth(ElementMove):
    """Blocks of ``block`` x ``block`` pixels become channels, which count (row, column, depth)."""

    block: int

    bindings = (OnnxBinding("SpaceToDepth", (1, 1), attributes={"blocksize": "block"}),)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        b = self.block
        fits = len(shape) == 4 and b >= 1 and shape[2] % b == 0 and shape[3] % b == 0
        require(fits, self, f"(N, C, H, W) with whole blocks of {b} x {b}", list(shape))
        n, c, h, w = shape
        return n, c * b * b, h // b, w // b

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        n, b, (_, c, h, w) = x.shape[0], self.block, self.shape_of(x.shape)
        parts = xp.reshape(x, (n, c // (b * b), h, b, w, b))
        return xp.reshape(xp.permute_dims(parts, (0, 3, 5, 1, 2, 4)), (n, c, h, w))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        return (Example(SpaceToDepth(2), (TensorType((1, 3, 4, 6), S8),), {}),)


@dataclass(frozen=True)
class Take(ElementMove):
    """Along ``axis`` the elements at ``places``, which have ``shape``: a Gather whose indices are constant."""

    places: tuple[int, ...]
    shape: tuple[int, ...]
    axis: int

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis != 0

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        inside = all(0 <= place < shape[self.axis] for place in self.places)
        require(inside, self, f"indices below {shape[self.axis]}", self.places[:8])
        return (*shape[: self.axis], *self.shape, *shape[self.axis + 1 :])

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        places = xp.asarray(np.array(self.places, np.int64), device=getattr(x, "device", None))
        taken = xp.take(x, places, axis=self.axis)
        return xp.reshape(taken, (*x.shape[: self.axis], *self.shape, *x.shape[self.axis + 1 :]))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        x = TensorType((1, 6, 2, 3), S8)
        return (
            Example(Take((1, 3, 5), (3,), 1), (x,), {}),
            Example(Take((1,), (), 2), (x,), {}),
            Example(Take((0, 1, 2, 0, 1, 2), (2, 3), 3), (x,), {}),
        )


@dataclass(frozen=True)
class Gather(TensorOp):
    """Elements along ``axis`` at the places that the second operand gives; normalised to Take where that is constant."""

    axis: int = 0

    place: ClassVar[Place] = "host"
    bindings = (OnnxBinding("Gather", (2, 2), attributes={"axis": "axis"}),)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return False

    def with_constants(
        self, inputs: tuple[TensorType, ...], constants: Constants
    ) -> TensorOp | None:
        x, index = inputs
        known = constants[1]
        if known is None:
            return None
        axis = axis_of(self, self.axis, len(x.shape))
        places = tuple(int(p) + x.shape[axis] * (int(p) < 0) for p in known.reshape(-1))
        return Take(places, index.shape, axis)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, index = inputs
        axis = axis_of(self, self.axis, len(x.shape))
        require(index.is_integer, self, "integer indices", index)
        return TensorType((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, index = arrays
        axis = self.axis % x.ndim
        flat = xp.reshape(xp.astype(index, xp.int64), (-1,))
        flat = xp.where(flat < 0, flat + x.shape[axis], flat)
        taken = xp.take(x, flat, axis=axis)
        return xp.reshape(taken, (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))

"""Operators about shapes, and tensors that are made from a shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.ops.host import S64, HostOp, axis_of, one_element
from hlsgen.ops.limits import check_shape
from hlsgen.ops.op import Constants, OnnxBinding, TensorOp, require
from hlsgen.ops.tensor_type import F32, AnyArray, Element, TensorType, storage


class FromTypes(HostOp):
    """An operator whose result follows from the type of its operand."""

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        shapes = tuple(TensorType(tuple(array.shape), F32) for array in arrays)
        return xp.asarray(self.from_types(shapes), device=getattr(arrays[0], "device", None))


@dataclass(frozen=True)
class Shape(FromTypes):
    """The extents from axis ``start`` up to ``end``."""

    start: int = 0
    end: int | None = None

    bindings = (OnnxBinding("Shape", (1, 1), attributes={"start": "start", "end": "end"}),)

    def from_types(self, inputs: tuple[TensorType, ...]) -> np.ndarray:
        return np.array(inputs[0].shape[self.start : self.end], np.int64)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        return TensorType(self.from_types(inputs).shape, S64)


@dataclass(frozen=True)
class Size(FromTypes):
    """How many elements there are."""

    bindings = (OnnxBinding("Size", (1, 1)),)

    def from_types(self, inputs: tuple[TensorType, ...]) -> np.ndarray:
        return np.array(inputs[0].size, np.int64)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        return TensorType((), S64)


@dataclass(frozen=True)
class ConstantOfShape(HostOp):
    """A tensor of the shape that the operand gives, of one value: ``value`` is its element type's text and the value."""

    shape: tuple[int, ...]
    value: tuple[str | float | int, ...] = (F32, 0.0)

    bindings = (
        OnnxBinding(
            "ConstantOfShape",
            (0, 0),
            since=9,
            attributes={"value": "value"},
            inputs={"shape": 0},
        ),
    )

    @property
    def element(self) -> Element:
        return element_named(str(self.value[0]))

    def from_types(self, inputs: tuple[TensorType, ...]) -> np.ndarray:
        check_shape(self.shape, self.name)
        return np.full(self.shape, self.value[1], storage(self.element))

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require(len(self.value) == 2, self, "one value", self.value[1:])
        return TensorType(self.shape, self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.asarray(self.from_types(()))


def element_named(text: str) -> Element:
    """The element type of a text form."""
    from typing import cast

    return ElementType.parse(text) if text[0] in "su" else cast("Element", text)


@dataclass(frozen=True)
class Range(HostOp):
    """start, start + step, ... up to but not including limit; operands are three scalars."""

    asks_values = True
    bindings = (OnnxBinding("Range", (3, 3), since=11),)

    def count(self, start: Any, limit: Any, step: Any) -> int:
        """How many elements there are."""
        require(step != 0, self, "a step that is not 0", step)
        return max(0, ceil((float(limit) - float(start)) / float(step)))

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        known = [array for array in constants if array is not None and array.size == 1]
        require(len(known) == 3, self, "constant bounds", "computed ones")
        count = self.count(*(array.item() for array in known))
        return TensorType((count,), one_element(self, inputs))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        start, _, step = arrays
        count = self.count(*(float(array) for array in arrays))
        steps = xp.arange(count, device=getattr(start, "device", None))
        return xp.reshape(start, (1,)) + xp.astype(steps, step.dtype) * xp.reshape(step, (1,))


@dataclass(frozen=True)
class EyeLike(HostOp):
    """Ones on diagonal ``offset`` of a matrix of the operand's shape; of ``element``, or the operand's type."""

    offset: int = 0
    element: Element | None = None

    bindings = (
        OnnxBinding(
            "EyeLike", (1, 1), since=9, attributes={"k": "offset"}, elements={"dtype": "element"}
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require(len(inputs[0].shape) == 2, self, "a matrix", inputs[0])
        return TensorType(inputs[0].shape, self.element or inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        return xp.eye(*x.shape, k=self.offset, device=getattr(x, "device", None))


@dataclass(frozen=True)
class Trilu(HostOp):
    """The upper (or lower) triangle of matrices from diagonal ``offset`` on, 0 elsewhere."""

    upper: bool = True
    offset: int | tuple[int, ...] = 0

    bindings = (
        OnnxBinding("Trilu", (1, 1), since=14, attributes={"upper": "upper"}, inputs={"offset": 1}),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        offset = self.offset if isinstance(self.offset, int) else self.offset[0]
        return replace(self, offset=offset)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require(len(inputs[0].shape) >= 2, self, "matrices", inputs[0])
        return TensorType(inputs[0].shape, inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        cut = xp.triu if self.upper else xp.tril
        return cut(arrays[0], k=self.offset)


@dataclass(frozen=True)
class CumSum(HostOp):
    """Sums (or of CumProd products) of all elements up to each along ``axis``; without itself where ``exclusive``, from the end
    where ``reverse``."""

    axis: int | tuple[int, ...]
    exclusive: bool = False
    reverse: bool = False

    bindings = (
        OnnxBinding(
            "CumSum",
            (1, 1),
            since=11,
            attributes={"exclusive": "exclusive", "reverse": "reverse"},
            inputs={"axis": 1},
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        axis = self.axis if isinstance(self.axis, int) else self.axis[0]
        return replace(self, axis=axis_of(self, axis, len(inputs[0].shape)))

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        return TensorType(inputs[0].shape, inputs[0].element)

    def accumulated(self, xp: Any, x: AnyArray) -> AnyArray:
        """All elements up to each, with those before the first left out for ``exclusive``."""
        return xp.cumulative_sum(x, axis=self.axis, include_initial=bool(self.exclusive))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        assert isinstance(self.axis, int), "normalised before"
        x = xp.flip(x, axis=self.axis) if self.reverse else x
        inner = (slice(None),) * self.axis + (slice(0, x.shape[self.axis]),)
        result = self.accumulated(xp, x)[inner]
        return xp.flip(result, axis=self.axis) if self.reverse else result


@dataclass(frozen=True)
class CumProd(CumSum):
    """Products of all elements up to each."""

    bindings = (
        OnnxBinding(
            "CumProd",
            (1, 1),
            since=26,
            attributes={"exclusive": "exclusive", "reverse": "reverse"},
            inputs={"axis": 1},
        ),
    )

    def accumulated(self, xp: Any, x: AnyArray) -> AnyArray:
        return xp.cumulative_prod(x, axis=self.axis, include_initial=bool(self.exclusive))


@dataclass(frozen=True)
class OneHot(HostOp):
    """Along a new ``axis`` of extent ``depth``: values[1] at the index, values[0] elsewhere; indices may count from the end."""

    depth: int | float | tuple[int | float, ...]
    axis: int = -1

    bindings = (
        OnnxBinding("OneHot", (2, 2), since=9, attributes={"axis": "axis"}, inputs={"depth": 1}),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        depth = self.depth[0] if isinstance(self.depth, tuple) else self.depth
        return OneHot(int(depth), axis_of(self, self.axis, len(inputs[0].shape) + 1))

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        indices, values = inputs
        assert isinstance(self.depth, int), "normalised before"
        require(values.shape == (2,), self, "two values", values)
        shape = list(indices.shape)
        shape.insert(self.axis, self.depth)
        return TensorType(tuple(shape), values.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        indices, values = arrays
        device = getattr(indices, "device", None)
        places = xp.arange(self.depth, device=device)
        shape = [1] * (indices.ndim + 1)
        shape[self.axis] = -1
        index = xp.astype(indices, xp.int64)
        index = xp.expand_dims(xp.where(index < 0, index + self.depth, index), axis=self.axis)
        return xp.where(index == xp.reshape(places, tuple(shape)), values[1], values[0])

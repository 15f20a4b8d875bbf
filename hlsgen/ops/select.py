"""The greatest and least along an axis: where they are, and the k first of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hlsgen.ops.host import S64, HostOp, axis_of, require_float
from hlsgen.ops.op import (
    Constants,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    require,
)
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import AnyArray, TensorType

MOST_TAKEN = 16
"""Elements of a TopK inside a circuit, each of which takes processes of its own."""
_ATTRIBUTES = {"axis": "axis", "keepdims": "keep", "select_last_index": "last"}


@dataclass(frozen=True)
class ArgMax(HostOp):
    """Where the greatest element along ``axis`` is: the first, or with ``last`` the last of equal ones."""

    axis: int = 0
    keep: bool = True
    last: bool = False

    bindings = (OnnxBinding("ArgMax", (1, 1), attributes=_ATTRIBUTES),)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis % len(inputs[0].shape) != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        shape = list(inputs[0].shape)
        axis = axis_of(self, self.axis, len(shape))
        require(shape[axis] > 0, self, "an axis with elements", shape)
        shape[axis : axis + 1] = [1] if self.keep else []
        return TensorType(tuple(shape), S64)

    def best(self, xp: Any, x: AnyArray) -> AnyArray:
        """The first of the greatest."""
        return xp.argmax(x, axis=self.axis, keepdims=bool(self.keep))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        if not self.last:
            return self.best(xp, x)
        return x.shape[self.axis] - 1 - self.best(xp, xp.flip(x, axis=self.axis))


@dataclass(frozen=True)
class ArgMin(ArgMax):
    """Where the least element along ``axis`` is."""

    bindings = (OnnxBinding("ArgMin", (1, 1), attributes=_ATTRIBUTES),)

    def best(self, xp: Any, x: AnyArray) -> AnyArray:
        return xp.argmin(x, axis=self.axis, keepdims=bool(self.keep))


@dataclass(frozen=True)
class TopK(HostOp):
    """The ``count`` greatest (or least) along ``axis``, in order; of equal ones the first come first. Results: values, positions."""

    count: int | tuple[int, ...]
    axis: int = -1
    largest: bool = True
    sorted: bool = True
    result: int = 0

    bindings = (
        OnnxBinding("TopK", (1, 1), until=9, attributes={"axis": "axis", "k": "count"}),
        OnnxBinding(
            "TopK",
            (1, 1),
            since=10,
            attributes={"axis": "axis", "largest": "largest", "sorted": "sorted"},
            inputs={"count": 1},
        ),
    )

    def normalised(self, inputs: tuple[TensorType, ...]) -> TopK:
        count = self.count if isinstance(self.count, int) else self.count[0]
        return TopK(count, self.axis, self.largest, self.sorted, self.result)

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return self.axis % len(inputs[0].shape) != 0

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        shape = list(inputs[0].shape)
        axis = axis_of(self, self.axis, len(shape))
        assert isinstance(self.count, int), "normalised before"
        require(0 <= self.count <= shape[axis], self, f"at most {shape[axis]} elements", self.count)
        shape[axis] = self.count
        return TensorType(tuple(shape), S64 if self.result else inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        axis, last = self.axis % x.ndim, x.shape[self.axis] - 1
        if (
            self.largest
        ):  # a stable descending order: the ascending one of the reversed axis, reversed
            order = xp.flip(
                last - xp.argsort(xp.flip(x, axis=axis), axis=axis, stable=True), axis=axis
            )
        else:
            order = xp.argsort(x, axis=axis, stable=True)
        order = order[(slice(None),) * axis + (slice(0, self.count),)]
        return order if self.result else xp.take_along_axis(x, order, axis=axis)

    def untaken(self, x: TensorType) -> Reason | None:
        """Why elements of the integers ``x`` cannot be taken one after the other; None where they can (``TopToInteger``)."""
        axis = self.axis % len(x.shape)
        if not isinstance(self.count, int) or not 1 <= self.count <= MOST_TAKEN:
            return Reason(f"it takes {self.count} elements, more than {MOST_TAKEN} or none")
        return Reason(f"it is along axis {axis} of {x}") if axis == 0 else None

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        if self.result:
            return Reason("places of a TopK stay on the host")
        return self.untaken(inputs[0].type) or super().quantised(build, inputs, output)


@dataclass(frozen=True)
class Hardmax(HostOp):
    """1 where the first greatest element along ``axis`` is, else 0; before opset 13 (``flatten``) along all axes from ``axis`` on."""

    axis: int = -1
    flatten: bool = False

    bindings = (
        OnnxBinding(
            "Hardmax",
            (1, 1),
            until=12,
            attributes={"axis": "axis"},
            fixed={"axis": 1, "flatten": True},
        ),
        OnnxBinding("Hardmax", (1, 1), since=13, attributes={"axis": "axis"}),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        axis_of(self, self.axis, len(inputs[0].shape))
        return TensorType(inputs[0].shape, inputs[0].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        (x,) = arrays
        axis = self.axis % x.ndim
        flat = xp.reshape(x, (*x.shape[:axis], -1)) if self.flatten else x
        axis = axis if not self.flatten else flat.ndim - 1
        first = xp.argmax(flat, axis=axis, keepdims=True)
        shape = [1] * flat.ndim
        shape[axis] = -1
        places = xp.arange(flat.shape[axis], device=getattr(x, "device", None))
        return xp.reshape(xp.astype(xp.reshape(places, tuple(shape)) == first, x.dtype), x.shape)

"""Elements taken from, and put at, places that another operand gives."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from hlsgen.ops.host import HostOp, axis_of, one_element, wide, wrapped
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import AnyArray, Element, TensorType

Combining = Literal["none", "add", "mul", "max", "min"]


def _places(xp: Any, index: AnyArray, extent: int) -> AnyArray:
    """Indices as int64, those below 0 counted from the end."""
    index = xp.astype(index, xp.int64)
    return xp.where(index < 0, index + extent, index)


@dataclass(frozen=True)
class GatherElements(HostOp):
    """result[i][j] = x[index[i][j]][j] for ``axis`` 0, and likewise along others."""

    axis: int = 0

    bindings = (OnnxBinding("GatherElements", (2, 2), since=11, attributes={"axis": "axis"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, index = inputs
        axis_of(self, self.axis, len(x.shape))
        require(len(index.shape) == len(x.shape), self, f"indices of rank {len(x.shape)}", index)
        return TensorType(index.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, index = arrays
        axis = self.axis % x.ndim
        inside = tuple(slice(None) if k == axis else slice(0, n) for k, n in enumerate(index.shape))
        return xp.take_along_axis(x[inside], _places(xp, index, x.shape[axis]), axis=axis)


@dataclass(frozen=True)
class GatherND(HostOp):
    """The last axis of the indices names a place in x, behind ``batch`` axes that both have."""

    batch: int = 0

    bindings = (OnnxBinding("GatherND", (2, 2), since=11, attributes={"batch_dims": "batch"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, index = inputs
        fits = len(index.shape) > self.batch <= len(x.shape)
        require(fits, self, f"operands of more than {self.batch} axes", f"{x} and {index}")
        depth = index.shape[-1]
        require(depth <= len(x.shape) - self.batch, self, "an index of fewer axes than x", depth)
        return TensorType((*index.shape[:-1], *x.shape[self.batch + depth :]), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, index = arrays
        count, depth = prod(x.shape[: self.batch]), index.shape[-1]
        named = x.shape[self.batch : self.batch + depth]
        rest = x.shape[self.batch + depth :]
        rows = xp.reshape(x, (count * prod(named), *rest))
        flat = _flat(xp, xp.reshape(index, (count, -1, depth)), named)
        base = xp.arange(count, device=getattr(x, "device", None))[:, None] * prod(named)
        taken = xp.take(rows, xp.reshape(flat + base, (-1,)), axis=0)
        return xp.reshape(taken, (*index.shape[:-1], *rest))


def _flat(xp: Any, index: AnyArray, extents: tuple[int, ...]) -> AnyArray:
    """Row-major places of indices whose last axis has one number for each extent."""
    total = xp.zeros(index.shape[:-1], dtype=xp.int64, device=getattr(index, "device", None))
    for k, extent in enumerate(extents):
        total = total * extent + _places(xp, index[..., k], extent)
    return total


def _put(
    xp: Any, flat: AnyArray, places: AnyArray, updates: AnyArray, reduction: str, element: Element
) -> AnyArray:
    """``flat`` with updates at places, one after the other, each combined with what is there."""
    result = xp.asarray(flat, copy=True)
    for k in range(int(places.shape[0])):
        place = int(places[k])
        old, new = result[place], updates[k]
        if reduction in ("add", "mul"):
            a, b = wide(xp, old, element), wide(xp, new, element)
            new = xp.astype(
                wrapped(xp, a + b if reduction == "add" else a * b, element), flat.dtype
            )
        elif reduction != "none":
            new = xp.maximum(old, new) if reduction == "max" else xp.minimum(old, new)
        result[place] = new
    return result


@dataclass(frozen=True)
class ScatterElements(HostOp):
    """x with updates at x[index[i][j]][j] for ``axis`` 0, and likewise along others."""

    axis: int = 0
    reduction: Combining = "none"

    bindings = (
        OnnxBinding("Scatter", (3, 3), since=9, until=10, attributes={"axis": "axis"}),
        OnnxBinding(
            "ScatterElements",
            (3, 3),
            since=11,
            attributes={"axis": "axis", "reduction": "reduction"},
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, index, updates = inputs
        axis_of(self, self.axis, len(x.shape))
        require(index.shape == updates.shape, self, f"updates {list(index.shape)}", updates)
        require(len(index.shape) == len(x.shape), self, f"indices of rank {len(x.shape)}", index)
        return TensorType(x.shape, one_element(self, (x, updates)))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, index, updates = arrays
        axis, device = self.axis % x.ndim, getattr(x, "device", None)
        total = xp.zeros(index.shape, dtype=xp.int64, device=device)
        for k, extent in enumerate(x.shape):
            shape = [1] * x.ndim
            shape[k] = -1
            own = xp.reshape(xp.arange(index.shape[k], device=device), tuple(shape))
            place = _places(xp, index, extent) if k == axis else own
            total = total * extent + place
        flat, places = xp.reshape(x, (-1,)), xp.reshape(total, (-1,))
        element = _element_of(x)
        done = _put(xp, flat, places, xp.reshape(updates, (-1,)), self.reduction, element)
        return xp.reshape(done, x.shape)


@dataclass(frozen=True)
class ScatterND(HostOp):
    """x with updates at the places that the last axis of the indices names."""

    reduction: Combining = "none"

    bindings = (OnnxBinding("ScatterND", (3, 3), since=11, attributes={"reduction": "reduction"}),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, index, updates = inputs
        require(len(index.shape) >= 1, self, "indices of at least one axis", index)
        depth = index.shape[-1]
        expected = (*index.shape[:-1], *x.shape[depth:])
        fits = depth <= len(x.shape) and updates.shape == expected
        require(fits, self, f"updates {list(expected)}", updates)
        return TensorType(x.shape, one_element(self, (x, updates)))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, index, updates = arrays
        depth = index.shape[-1]
        rest = x.shape[depth:]
        rows = xp.reshape(x, (prod(x.shape[:depth]), *rest))
        places = xp.reshape(_flat(xp, index, x.shape[:depth]), (-1,))
        parts = xp.reshape(updates, (-1, *rest))
        return xp.reshape(_put(xp, rows, places, parts, self.reduction, _element_of(x)), x.shape)


def _element_of(x: AnyArray) -> Element:
    """The element type whose sums wrap as those of the array's own type."""
    from hlsgen.algebra.types import ElementType

    name = str(x.dtype).rpartition(".")[2]
    if name.startswith("float"):
        return "f32"
    return ElementType(int(name.lstrip("uint")), not name.startswith("u"))


@dataclass(frozen=True)
class ReverseSequence(HostOp):
    """Along ``time`` the first elements of each sample of ``batch``, as many as its length, in reverse order."""

    time: int = 0
    batch: int = 1

    bindings = (
        OnnxBinding(
            "ReverseSequence",
            (2, 2),
            since=10,
            attributes={"time_axis": "time", "batch_axis": "batch"},
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, lengths = inputs
        require({self.time, self.batch} == {0, 1}, self, "axes 0 and 1", (self.time, self.batch))
        require(len(x.shape) >= 2, self, "an operand of two axes", x)
        require(lengths.shape == (x.shape[self.batch],), self, "a length a sample", lengths)
        return TensorType(x.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, lengths = arrays
        device = getattr(x, "device", None)
        steps = xp.arange(x.shape[self.time], device=device)
        places = xp.where(
            steps[:, None] < lengths[None, :], lengths[None, :] - 1 - steps[:, None], steps[:, None]
        )
        places = places if self.time == 0 else xp.permute_dims(places, (1, 0))
        shape = (*places.shape, *(1,) * (x.ndim - 2))
        index = xp.broadcast_to(xp.reshape(places, shape), x.shape)
        return xp.take_along_axis(x, index, axis=self.time)

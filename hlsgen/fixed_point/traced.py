"""Operators whose meaning is a program in array-API names, taken apart by running that program on names of values instead of arrays.

``Traced`` stands for an array that is computed, and NumPy arrays for constants; what is done to either alone is done at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hlsgen.fixed_point.parts import Parts
from hlsgen.ops.activation import Clip
from hlsgen.ops.add import Add
from hlsgen.ops.arithmetic import Sub
from hlsgen.ops.functions import Abs, Exp, Log, Neg, Reciprocal, Sigmoid, Sqrt, Tanh
from hlsgen.ops.join import Concat
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.move import Slice
from hlsgen.ops.multiply import Mul
from hlsgen.ops.op import TensorOp
from hlsgen.ops.reduce import ReduceMax, ReduceMean, ReduceSum
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.transpose import Transpose


class NotTraced(Exception):
    """A meaning asks of an array what has no operator; its text completes a reason."""


class Traced:
    """A computed array of reals: the name of its value."""

    __array_ufunc__ = None  # NumPy leaves arithmetic with it to it
    dtype = np.dtype(np.float32)
    device = None

    def __init__(self, parts: Parts, name: str) -> None:
        self.parts, self.name = parts, name
        self.shape = parts.shape(name)
        self.ndim = len(self.shape)

    def _with(self, op: TensorOp, *values: Any) -> Traced:
        names = [v.name if isinstance(v, Traced) else v for v in values]
        return Traced(self.parts, self.parts(op, *names))

    def __add__(self, other: Any) -> Traced:
        return self if self._lost_in(other) else self._with(Add(), self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Traced:
        return self if self._lost_in(other) else self._with(Sub(), self, other)

    def __rsub__(self, other: Any) -> Traced:
        return self._with(Sub(), other, self)

    def __mul__(self, other: Any) -> Any:
        if _is_zero(other):
            return np.zeros(np.broadcast_shapes(self.shape, np.shape(other)), np.float32)
        return self._with(Mul(), self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Traced:
        if isinstance(other, Traced):
            return self * other._with(Reciprocal(), other)
        return self._with(Mul(), self, 1.0 / np.asarray(other, np.float64))

    def __rtruediv__(self, other: Any) -> Traced:
        one = bool(np.all(np.asarray(other) == 1))
        if one and (x := self._logistic_operand()) is not None:
            return self._with(Sigmoid(), x)
        inverse = self._with(Reciprocal(), self)
        return inverse if np.all(np.asarray(other) == 1) else inverse * other

    def _logistic_operand(self) -> str | None:
        """x where this is 1 + exp(-x): the quotients would have a far larger range than the whole."""
        build = self.parts.build
        total = build.producer(self.name)
        if total is None or not isinstance(total.op, Add):
            return None
        exponentials = [build.producer(v) for v in total.inputs if v not in build.constants]
        ones = [build.constants[v] for v in total.inputs if v in build.constants]
        if len(ones) != 1 or np.any(ones[0] != 1) or exponentials[0] is None:
            return None
        before = build.producer(exponentials[0].inputs[0])
        logistic = isinstance(exponentials[0].op, Exp) and before and isinstance(before.op, Neg)
        return before.inputs[0] if before is not None and logistic else None

    def _compared(self, other: Any) -> Any:
        raise NotTraced("a comparison of what is computed")

    __lt__ = __le__ = __gt__ = __ge__ = _compared

    def _lost_in(self, other: Any) -> bool:
        """Whether ``other`` is zeros that do not make this larger."""
        return _is_zero(other) and np.broadcast_shapes(self.shape, np.shape(other)) == self.shape

    def __neg__(self) -> Traced:
        return self._with(Neg(), self)

    def __getitem__(self, index: Any) -> Traced:
        parts = list(index) if isinstance(index, tuple) else [index]
        if any(part is None for part in parts):
            raise NotTraced("a new axis by index")
        if Ellipsis in parts:
            at = parts.index(Ellipsis)
            parts[at : at + 1] = [slice(None)] * (self.ndim - len(parts) + 1)
        parts += [slice(None)] * (self.ndim - len(parts))
        value, shape = self, []
        for axis, part in enumerate(parts):
            whole = range(self.shape[axis])
            taken = whole[part] if isinstance(part, slice) else whole[part : part + 1 or None]
            if len(taken) != len(whole):
                op = Slice((taken.start,), (taken.stop,), (axis,), (taken.step,))
                value = value._with(op, value)
            shape += [len(taken)] if isinstance(part, slice) else []
        return _reshaped(value, tuple(shape))


def _is_zero(other: Any) -> bool:
    return not isinstance(other, Traced) and not np.any(other)


def _reshaped(value: Traced, shape: tuple[int, ...]) -> Traced:
    return value if shape == value.shape else value._with(Reshape(shape), value)


class Namespace:
    """The functions of the array API that meanings use, on traced arrays; those of NumPy on others."""

    float32, float64, int64 = np.float32, np.float64, np.int64

    def __getattr__(self, name: str) -> Any:
        def plain(*values: Any, **options: Any) -> Any:
            if any(isinstance(value, Traced) for value in values):
                raise NotTraced(f"the function {name}")
            return getattr(np, name)(*values, **options)

        return plain

    @staticmethod
    def apply(op: TensorOp, x: Any) -> Any:
        """An operator of one element as a node."""
        return x._with(op, x) if isinstance(x, Traced) else op.evaluate(np, x)

    @staticmethod
    def _one(op: TensorOp, function: Any, x: Any) -> Any:
        return x._with(op, x) if isinstance(x, Traced) else function(x)

    def exp(self, x: Any) -> Any:
        return self._one(Exp(), np.exp, x)

    def tanh(self, x: Any) -> Any:
        return self._one(Tanh(), np.tanh, x)

    def sqrt(self, x: Any) -> Any:
        return self._one(Sqrt(), np.sqrt, x)

    def log(self, x: Any) -> Any:
        return self._one(Log(), np.log, x)

    def abs(self, x: Any) -> Any:
        return self._one(Abs(), np.abs, x)

    def clip(self, x: Any, low: float | None = None, high: float | None = None) -> Any:
        return self._one(Clip(low, high), lambda a: np.clip(a, low, high), x)

    def astype(self, x: Any, kind: Any) -> Any:
        return x if isinstance(x, Traced) else x.astype(kind)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        if not any(isinstance(v, Traced) for v in (condition, a, b)):
            return np.where(condition, a, b)
        if isinstance(condition, Traced):
            raise NotTraced("a choice by what is computed")
        mask = np.asarray(condition, np.float32)
        if np.all(mask == 1) or np.all(mask == 0):
            return a if np.all(mask == 1) else b
        return a * mask + b * (1 - mask)

    def matmul(self, a: Any, b: Any) -> Any:
        traced = next((v for v in (a, b) if isinstance(v, Traced)), None)
        return np.matmul(a, b) if traced is None else traced._with(MatMul(), a, b)

    def permute_dims(self, x: Any, axes: Sequence[int]) -> Any:
        return self._one(Transpose(tuple(axes)), lambda a: np.transpose(a, axes), x)

    def matrix_transpose(self, x: Any) -> Any:
        order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
        return self.permute_dims(x, order)

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return self._one(Reshape(tuple(shape)), lambda a: np.reshape(a, shape), x)

    def concat(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        traced = next((v for v in arrays if isinstance(v, Traced)), None)
        if traced is None:
            return np.concatenate(arrays, axis=axis)
        return traced._with(Concat(axis), *arrays) if len(arrays) > 1 else traced

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        first = arrays[0]
        at = axis % (first.ndim + 1)
        shape = (*first.shape[:at], 1, *first.shape[at:])
        return self.concat([self.reshape(array, shape) for array in arrays], axis=at)

    def _reduced(self, op: Any, function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
        if not isinstance(x, Traced):
            return function(x, axis=axis, keepdims=keepdims)
        axes = (axis,) if isinstance(axis, int) else tuple(axis or range(x.ndim))
        return x._with(op(axes, keepdims), x)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(ReduceSum, np.sum, x, axis, keepdims)

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(ReduceMean, np.mean, x, axis, keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(ReduceMax, np.max, x, axis, keepdims)


def taken_apart(parts: Parts, op: TensorOp, values: tuple[str, ...]) -> str:
    """The value of an operator by the steps of its own meaning; raises NotTraced."""
    return named(op.evaluate(Namespace(), *traced(parts, values)))


def traced(parts: Parts, values: Sequence[str]) -> list[Any]:
    """Values as operands of a meaning: arrays of constants, names of what is computed."""
    constants = parts.build.constants
    return [constants[v] if v in constants else Traced(parts, v) for v in values]


def named(result: Any) -> str:
    """The name of what a meaning gives; raises NotTraced for a constant."""
    if not isinstance(result, Traced):
        raise NotTraced("a result that is constant")
    return result.name

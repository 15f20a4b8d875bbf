"""Losses of classifications: the negative logarithm of the target's probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hlsgen.ops.host import HostOp, require_float
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import AnyArray, TensorType

_ATTRIBUTES = {"reduction": "reduction", "ignore_index": "ignored"}


@dataclass(frozen=True)
class NegativeLogLikelihoodLoss(HostOp):
    """Operands x (N, C, ...), targets (N, ...) and perhaps weights (C,): -weight[target] * x[target], of all or their weighted mean or sum.

    Targets that equal ``ignored`` count nothing.
    """

    reduction: Literal["none", "mean", "sum"] = "mean"
    ignored: int | None = None
    result: int = 0

    bindings = (OnnxBinding("NegativeLogLikelihoodLoss", (2, 3), since=12, attributes=_ATTRIBUTES),)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, target, *weights = inputs
        require_float(self, x, *weights)
        expected = (x.shape[0], *x.shape[2:])
        require(target.shape == expected, self, f"targets {list(expected)}", target)
        if self.result:
            return TensorType(x.shape, x.element)
        return TensorType(expected if self.reduction == "none" else (), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, target, *weights = arrays
        target = xp.astype(target, xp.int64)
        counted = target == target if self.ignored is None else target != self.ignored
        inside = xp.where(counted, target, xp.zeros_like(target))
        chosen = xp.take_along_axis(x, xp.expand_dims(inside, axis=1), axis=1)[:, 0, ...]
        weight = xp.astype(counted, x.dtype)
        if weights:
            taken = xp.take(weights[0], xp.reshape(inside, (-1,)), axis=0)
            weight = weight * xp.reshape(taken, target.shape)
        loss = -chosen * weight
        if self.reduction == "none":
            return loss
        return xp.sum(loss) / (xp.sum(weight) if self.reduction == "mean" else 1)


@dataclass(frozen=True)
class SoftmaxCrossEntropyLoss(NegativeLogLikelihoodLoss):
    """The same of log(softmax(x)) along axis 1, which is the second result."""

    bindings = (OnnxBinding("SoftmaxCrossEntropyLoss", (2, 3), since=12, attributes=_ATTRIBUTES),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        shifted = arrays[0] - xp.max(arrays[0], axis=1, keepdims=True)
        logarithm = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
        return logarithm if self.result else super().evaluate(xp, logarithm, *arrays[1:])

"""Operators with a state that goes from step to step: linear attention and causal convolution (ONNX opset 27)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

from hlsgen.ops.host import HostOp, at_positions, require_float
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class LinearAttention(HostOp):
    """Operands q, k, v (N, steps, heads*size), past state (N, heads, k, v), decay and beta; those after v may be missing.

    Step by step: state = state * exp(decay) + k v^T, y = scale * q state. Rules with "delta" write beta * (v - k state) instead of v; rules
    with "gated" decay. A head of k serves as many of q as there are more of those. Results: y, the last state.
    """

    q_heads: int
    k_heads: int
    rule: Literal["linear", "gated", "delta", "gated_delta"] = "gated_delta"
    scale: float = 0.0
    absent: tuple[int, ...] = ()
    result: int = 0

    bindings = (
        OnnxBinding(
            "LinearAttention",
            (3, 6),
            since=27,
            attributes={
                "q_num_heads": "q_heads",
                "kv_num_heads": "k_heads",
                "update_rule": "rule",
                "scale": "scale",
            },
            ignored={"chunk_size": None},
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        q, k, v, past, decay, beta = at_positions(inputs, self.absent, 6)
        require_float(self, q, k, v)
        ranks = {len(type.shape) for type in (q, k, v)}
        require(ranks == {3}, self, "operands (N, steps, heads*size)", f"{q}, {k}, {v}")
        heads = self.k_heads >= 1 and self.q_heads % self.k_heads == 0
        require(heads, self, f"a multiple of {self.k_heads} heads", self.q_heads)
        require((decay is not None) == ("gated" in self.rule), self, "decay where gated", self.rule)
        require((beta is not None) == ("delta" in self.rule), self, "beta for delta", self.rule)
        sizes = q.shape[2] // self.q_heads, v.shape[2] // self.k_heads
        if self.result:
            state = (q.shape[0], self.k_heads, *sizes)
            return TensorType(state, (past or q).element)
        return TensorType((*q.shape[:2], self.q_heads * sizes[1]), q.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        q, k, v, state, decay, beta = at_positions(arrays, self.absent, 6)
        q = xp.reshape(q, (*q.shape[:2], self.q_heads, -1))
        k, v = (xp.reshape(a, (*a.shape[:2], self.k_heads, -1)) for a in (k, v))
        if decay is not None:
            decay = xp.reshape(decay, (*decay.shape[:2], self.k_heads, -1))
        if state is None:
            shape = (q.shape[0], self.k_heads, k.shape[3], v.shape[3])
            state = xp.zeros(shape, dtype=q.dtype, device=getattr(q, "device", None))
        rate, repeats = self.scale or 1 / sqrt(k.shape[3]), self.q_heads // self.k_heads
        rows = []
        for step in range(q.shape[1]):
            key, value = k[:, step, :, :, None], v[:, step, :, None, :]
            if decay is not None:
                state = state * xp.exp(decay[:, step, :, :, None])
            if beta is not None:
                past = xp.sum(state * key, axis=2, keepdims=True)
                value = beta[:, step, :, None, None] * (value - past)
            state = state + key * value
            read = xp.repeat(state, repeats, axis=1)
            rows.append(rate * xp.sum(q[:, step, :, :, None] * read, axis=2))
        if self.result:
            return state
        y = xp.stack(rows, axis=1)
        return xp.reshape(y, (*y.shape[:2], -1))


@dataclass(frozen=True)
class CausalConvWithState(HostOp):
    """Operands x (N, C, steps), w (C, 1, k), bias (C,) and the last k - 1 elements before x; those after w may be missing.

    Each channel by itself; ``activation`` silu multiplies by the sigmoid. Results: y, the last k - 1 elements.
    """

    activation: Literal["none", "silu", "swish"] = "none"
    absent: tuple[int, ...] = ()
    result: int = 0

    bindings = (
        OnnxBinding(
            "CausalConvWithState", (2, 4), since=27, attributes={"activation": "activation"}
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, w = inputs[:2]
        require_float(self, *inputs)
        fits = len(x.shape) == len(w.shape) == 3 and w.shape[:2] == (x.shape[1], 1)
        require(fits, self, "operands (N, C, steps) and (C, 1, k)", f"{x} and {w}")
        if self.result:
            return TensorType((*x.shape[:2], w.shape[2] - 1), x.element)
        return TensorType(x.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, w, bias, past = at_positions(arrays, self.absent, 4)
        steps, reach = x.shape[2], w.shape[2]
        if past is None:
            shape = (*x.shape[:2], reach - 1)
            past = xp.zeros(shape, dtype=x.dtype, device=getattr(x, "device", None))
        whole = xp.concat([past, x], axis=2)
        if self.result:
            return whole[:, :, whole.shape[2] - (reach - 1) :]
        y: Any = 0
        for k in range(reach):
            y = y + whole[:, :, k : k + steps] * xp.reshape(w[:, 0, k], (1, -1, 1))
        y = y if bias is None else y + xp.reshape(bias, (1, -1, 1))
        return y if self.activation == "none" else y / (1 + xp.exp(-y))

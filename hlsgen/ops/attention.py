"""Attention: Softmax(scale * Q K^T + bias) V, for several heads, with a cache of earlier keys and values (ONNX opset 23 to 25)."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from hlsgen.ops.host import HostOp, at_positions, require_float
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import AnyArray, TensorType

_MINUS_INFINITY = float("-inf")


@dataclass(frozen=True)
class Attention(HostOp):
    """Operands: q, k, v, mask, past keys, past values, lengths of keys; those after v may be missing.

    They are (N, heads, steps, size), or (N, steps, heads*size) with both counts of heads given. A head of k serves as many of q as there
    are more of those. Masks: truth values, or reals that are added; ``causal`` and the windows mask what comes later, or lies further
    away, counted with the past. Results: y, all keys, all values, and the products of q and k at the stage that ``stage`` says (0: scaled, 1:
    after softcap, 2: masked, 3: after Softmax). A row in which everything is masked gives 0.
    """

    causal: bool = False
    q_heads: int = 0
    k_heads: int = 0
    scale: float = 0.0
    softcap: float = 0.0
    stage: int = 0
    left_window: int = -1
    right_window: int = -1
    absent: tuple[int, ...] = ()
    result: int = 0

    bindings = (
        OnnxBinding(
            "Attention",
            (3, 7),
            since=23,
            attributes={
                "is_causal": "causal",
                "q_num_heads": "q_heads",
                "kv_num_heads": "k_heads",
                "scale": "scale",
                "softcap": "softcap",
                "qk_matmul_output_mode": "stage",
                "left_window_size": "left_window",
                "right_window_size": "right_window",
            },
            ignored={"softmax_precision": None},
        ),
    )

    def _split_shape(self, type: TensorType, heads: int) -> tuple[int, ...]:
        """(N, heads, steps, size) of an operand."""
        shape = type.shape
        if len(shape) == 4:
            return shape
        fits = len(shape) == 3 and heads >= 1 and shape[2] % heads == 0
        require(fits, self, f"an operand (N, steps, {heads} heads of one size)", type)
        return (shape[0], heads, shape[1], shape[2] // heads)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        q, k, v, mask, past_k, past_v, _ = at_positions(inputs, self.absent, 7)
        require_float(self, q, k, v)
        queries = self._split_shape(q, self.q_heads)
        keys, values = self._split_shape(k, self.k_heads), self._split_shape(v, self.k_heads)
        require(queries[1] % keys[1] == 0, self, f"a multiple of {keys[1]} heads", queries[1])
        require(queries[3] == keys[3], self, f"keys of {queries[3]} elements", keys[3])
        require((past_k is None) == (past_v is None), self, "past keys and values", "one of both")
        before = 0 if past_k is None else past_k.shape[2]
        steps = keys[2] + before
        if mask is not None:
            require(mask.shape[-1] <= steps, self, f"a mask of at most {steps} keys", mask)
        shapes = (
            (*queries[:3], values[3])
            if len(q.shape) == 4
            else (queries[0], queries[2], queries[1] * values[3]),
            (*keys[:2], steps, keys[3]),
            (*values[:2], steps, values[3]),
            (*queries[:3], steps),
        )
        return TensorType(shapes[self.result], (q, k, v, q)[self.result].element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        q, k, v, mask, past_k, past_v, lengths = at_positions(arrays, self.absent, 7)
        flat = q.ndim == 3
        q = _split(xp, q, self.q_heads)
        k, v = _split(xp, k, self.k_heads), _split(xp, v, self.k_heads)
        before = 0 if past_k is None else past_k.shape[2]
        k = k if past_k is None else xp.concat([past_k, k], axis=2)
        v = v if past_v is None else xp.concat([past_v, v], axis=2)
        if self.result in (1, 2):
            return k if self.result == 1 else v
        repeats = q.shape[1] // k.shape[1]
        k, v = xp.repeat(k, repeats, axis=1), xp.repeat(v, repeats, axis=1)
        rate = sqrt(self.scale or 1 / sqrt(q.shape[3]))
        product = xp.matmul(q * rate, xp.matrix_transpose(k) * rate)
        stages = [product]
        if self.softcap > 0:
            product = xp.tanh(product / self.softcap) * self.softcap
        stages.append(product)
        allowed, bias = self._bias(xp, product, mask, lengths, before)
        masked = xp.where(allowed, product + bias, xp.full_like(product, _MINUS_INFINITY))
        stages += [masked, _weights(xp, masked, allowed & (bias != _MINUS_INFINITY))]
        if self.result == 3:
            return stages[self.stage]
        y = xp.matmul(stages[3], v)
        if not flat:
            return y
        return xp.reshape(xp.permute_dims(y, (0, 2, 1, 3)), (y.shape[0], y.shape[2], -1))

    def _bias(
        self,
        xp: Any,
        product: AnyArray,
        mask: AnyArray | None,
        lengths: AnyArray | None,
        before: int,
    ) -> tuple[AnyArray, AnyArray]:
        """Which keys each query may attend to, and what is added to their products."""
        device = getattr(product, "device", None)
        queries, keys = product.shape[-2:]
        key = xp.reshape(xp.arange(keys, device=device), (1, 1, 1, keys))
        query = xp.reshape(xp.arange(queries, device=device), (1, 1, queries, 1)) + before
        if lengths is not None:
            lengths = xp.reshape(lengths, (-1, 1, 1, 1))
            query = query + lengths - queries
        allowed = key < lengths if lengths is not None else key >= 0
        if self.causal:
            allowed = allowed & (key <= query)
        if self.left_window >= 0:
            allowed = allowed & (query - key <= self.left_window)
        if self.right_window >= 0:
            allowed = allowed & (key - query <= self.right_window)
        bias = xp.zeros_like(product)
        if mask is not None and mask.shape[-1] < keys:
            truth = not xp.isdtype(mask.dtype, "real floating")
            shape = (*mask.shape[:-1], keys - mask.shape[-1])
            rest = xp.full(shape, 0 if truth else _MINUS_INFINITY, dtype=mask.dtype, device=device)
            mask = xp.concat([mask, rest], axis=-1)
        if mask is not None and xp.isdtype(mask.dtype, "real floating"):
            bias = bias + mask
        elif mask is not None:
            allowed = allowed & (mask != 0)
        return xp.broadcast_to(allowed, product.shape), bias


def _split(xp: Any, x: AnyArray, heads: int) -> AnyArray:
    """(N, steps, heads*size) as (N, heads, steps, size)."""
    if x.ndim == 4:
        return x
    return xp.permute_dims(xp.reshape(x, (*x.shape[:2], heads, -1)), (0, 2, 1, 3))


def _weights(xp: Any, x: AnyArray, allowed: AnyArray) -> AnyArray:
    """Softmax along the last axis; 0 in rows in which nothing is allowed."""
    some = xp.any(allowed, axis=-1, keepdims=True)
    safe = xp.where(some, x, xp.zeros_like(x))
    powers = xp.exp(safe - xp.max(safe, axis=-1, keepdims=True))
    weights = powers / xp.sum(powers, axis=-1, keepdims=True)
    return xp.where(some, weights, xp.zeros_like(weights))


@dataclass(frozen=True)
class RotaryEmbedding(HostOp):
    """Pairs of elements turned by angles whose cosines and sines are operands: x, cos, sin, and perhaps positions in those.

    Pairs lie side by side (``interleaved``) or half the turned elements apart. ``turned`` elements of each head are turned (0: all).
    """

    interleaved: bool = False
    heads: int = 0
    turned: int = 0

    bindings = (
        OnnxBinding(
            "RotaryEmbedding",
            (3, 4),
            since=23,
            attributes={
                "interleaved": "interleaved",
                "num_heads": "heads",
                "rotary_embedding_dim": "turned",
            },
        ),
    )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x = inputs[0]
        require_float(self, x)
        fits = len(x.shape) == 4 or (len(x.shape) == 3 and self.heads >= 1)
        require(fits, self, "an operand of 4 axes, or of 3 and num_heads", x)
        return TensorType(x.shape, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, cosine, sine, *positions = arrays
        split = _split(xp, x, self.heads)
        turned = self.turned or split.shape[3]
        if positions:
            places = xp.reshape(xp.astype(positions[0], xp.int64), (-1,))
            shape = (*positions[0].shape, -1)
            cosine, sine = (xp.reshape(xp.take(a, places, axis=0), shape) for a in (cosine, sine))
        cosine, sine = xp.expand_dims(cosine, axis=1), xp.expand_dims(sine, axis=1)
        half = turned // 2
        if self.interleaved:
            a, b = split[..., 0:turned:2], split[..., 1:turned:2]
        else:
            a, b = split[..., :half], split[..., half:turned]
        real, imaginary = cosine * a - sine * b, sine * a + cosine * b
        if self.interleaved:
            pairs = xp.stack([real, imaginary], axis=-1)
            done = xp.reshape(pairs, (*split.shape[:3], turned))
        else:
            done = xp.concat([real, imaginary], axis=-1)
        whole = xp.concat([done, split[..., turned:]], axis=-1)
        return whole if x.ndim == 4 else xp.reshape(xp.permute_dims(whole, (0, 2, 1, 3)), x.shape)

"""Transposed convolution: on integers the convolution that computes all outputs of one stride at once, and a change of order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from hlsgen.ops.accumulate import (
    integer_bias,
    integer_weights,
    requantised_sums,
    unless_weighted,
)
from hlsgen.ops.conv import Conv
from hlsgen.ops.interleave import Interleave
from hlsgen.ops.op import (
    Constants,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import AnyArray, Quantisation, TensorType
from hlsgen.ops.window import require_map


@dataclass(frozen=True)
class ConvTranspose(TensorOp):
    """Operands: x (N, C, *space), w (C, M/groups, *kernel), optional bias (M,).

    Along each axis out[i * stride - pad + k * dilation] takes x[i] * w[k] up; what lies outside the result is left out.
    """

    kernel: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    groups: int = 1
    auto_pad: str = "NOTSET"
    output_padding: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()

    weighted = True
    bindings = (
        OnnxBinding(
            "ConvTranspose",
            (2, 3),
            attributes={
                "kernel_shape": "kernel",
                "strides": "strides",
                "pads": "pads",
                "dilations": "dilations",
                "group": "groups",
                "auto_pad": "auto_pad",
                "output_padding": "output_padding",
                "output_shape": "output_shape",
            },
        ),
    )

    @property
    def weight_axis(self) -> int:
        return 1

    def with_bias(self, rank: int) -> TensorOp | Reason:
        return self if self.groups == 1 else Reason("a transposed convolution of groups")

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        x, w = inputs[:2]
        require_map(self.name, x)
        require(len(w.shape) == len(x.shape), self, f"weights of rank {len(x.shape)}", w)
        kernel, rank = w.shape[2:], len(x.shape) - 2
        require(self.kernel in ((), kernel), self, f"kernel_shape {kernel}", self.kernel)
        ones = (1,) * rank
        op = replace(
            self,
            kernel=kernel,
            strides=self.strides or ones,
            dilations=self.dilations or ones,
            output_padding=self.output_padding or (0,) * rank,
            pads=self.pads or (0, 0) * rank,
            auto_pad="NOTSET",
            output_shape=(),
        )
        fields = (op.strides, op.dilations, op.output_padding)
        require(all(len(f) == rank for f in fields), self, f"{rank} strides and dilations", fields)
        require(len(op.pads) == 2 * rank, self, f"{2 * rank} pads", op.pads)
        if self.auto_pad == "VALID":
            return replace(op, pads=(0, 0) * rank)
        if not self.output_shape and self.auto_pad == "NOTSET":
            return op
        whole = self.output_shape[-rank:] or tuple(
            n * s for n, s in zip(x.shape[2:], op.strides, strict=True)
        )
        spare = [n - m for n, m in zip(op._unpadded(x.shape[2:]), whole, strict=True)]
        total = [max(0, n) for n in spare]
        small = [t // 2 for t in total]
        large = [t - t // 2 for t in total]
        first, last = (small, large) if self.auto_pad == "SAME_UPPER" else (large, small)
        more = tuple(o + max(0, -n) for o, n in zip(op.output_padding, spare, strict=True))
        return replace(op, pads=(*first, *last), output_padding=more)

    def _unpadded(self, space: Sequence[int]) -> list[int]:
        return [
            s * (n - 1) + (k - 1) * d + 1 + o
            for n, k, s, d, o in zip(
                space, self.kernel, self.strides, self.dilations, self.output_padding, strict=True
            )
        ]

    def extents(self, space: Sequence[int]) -> tuple[int, ...]:
        """Spatial extents of the result."""
        rank = len(self.kernel)
        whole = self._unpadded(space)
        return tuple(n - self.pads[k] - self.pads[k + rank] for k, n in enumerate(whole))

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, w, *biases = inputs
        require(x.shape[1] == w.shape[0], self, f"{w.shape[0]} input channels", x.shape[1])
        require(w.shape[0] % self.groups == 0, self, f"a multiple of {self.groups} inputs", w)
        outputs = w.shape[1] * self.groups
        for bias in biases:
            require(bias.shape == (outputs,), self, f"bias of {outputs}", bias)
        extents = self.extents(x.shape[2:])
        require(min(extents) > 0, self, "a result that is not empty", list(extents))
        return TensorType((x.shape[0], outputs, *extents), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, w, *biases = arrays
        samples, space, groups = x.shape[0], tuple(x.shape[2:]), self.groups
        inner, outputs = w.shape[0] // groups, w.shape[1]
        whole = self._unpadded(space)
        out = xp.zeros(
            (samples, groups * outputs, *whole), dtype=x.dtype, device=getattr(x, "device", None)
        )
        data = xp.reshape(x, (samples, groups, inner, -1))
        for index in product(*(range(k) for k in self.kernel)):
            taps = xp.reshape(w[(slice(None), slice(None), *index)], (groups, inner, outputs))
            terms = xp.matmul(xp.matrix_transpose(taps), data)
            cut = tuple(
                slice(k * d, k * d + (n - 1) * s + 1, s)
                for k, d, s, n in zip(index, self.dilations, self.strides, space, strict=True)
            )
            at = (slice(None), slice(None), *cut)
            out[at] = out[at] + xp.reshape(terms, (samples, groups * outputs, *space))
        inside = tuple(
            slice(self.pads[k], self.pads[k] + n) for k, n in enumerate(self.extents(space))
        )
        out = out[(slice(None), slice(None), *inside)]
        for bias in biases:
            out = out + xp.reshape(bias, (1, -1, *(1,) * len(space)))
        return out

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        x, w, *biases = inputs
        if failed := unless_weighted(x, w, axis=1):
            return failed
        weights = _dense(integer_weights(w, axis=1), self.groups)
        w = _repeated(w, self.groups)
        bias = integer_bias(x, w, biases[0] if biases else None, weights.shape[1])
        if isinstance(bias, Reason):
            return bias
        space = x.type.shape[2:]
        extents = self.extents(space)
        phases, window = self._phases(weights, space, extents)
        zero = x.quantisation.zero_point[0]
        op = Conv(*window, input_zero=zero)
        count = prod(self.strides)
        bias = bias.for_outputs(weights.shape[1], count)
        source = _repeated(w, count)
        value = requantised_sums(build, op, x.name, phases, bias, x, source, output)
        if count == 1 or isinstance(value, Reason):
            return value
        return build.node(Interleave(self.strides, extents), [value])

    def _phases(
        self, weights: np.ndarray, space: Sequence[int], extents: Sequence[int]
    ) -> tuple[
        np.ndarray,
        tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]],
    ]:
        """The weights (phases * M, C, *kernel) and the window of the convolution that computes result s * q + r as channel r of place q.

        x[q + e] meets w[k] where s * e = r + pad - k * dilation.
        """
        rank = len(self.kernel)
        axes: list[dict[tuple[int, int], int]] = []
        kernel, begins, ends = [], [], []
        for a in range(rank):
            s, d, p = self.strides[a], self.dilations[a], self.pads[a]
            taps = {
                (r, (r + p - k * d) // s): k
                for r in range(s)
                for k in range(self.kernel[a])
                if (r + p - k * d) % s == 0
            }
            places = -(-extents[a] // s)
            first = min(0, *(e for _, e in taps))
            last = max(0, *(e for _, e in taps))
            axes.append({(r, e - first): k for (r, e), k in taps.items()})
            kernel.append(last - first + 1)
            begins.append(-first)
            ends.append(max(0, places - 1 + last - (space[a] - 1)))
        inner, outputs = weights.shape[:2]
        phases = np.zeros((*self.strides, outputs, inner, *kernel), np.int64)
        for chosen in product(*(axis.items() for axis in axes)):
            at = tuple(r for (r, _), _ in chosen)
            place = tuple(e for (_, e), _ in chosen)
            every = (slice(None), slice(None))
            goal: Any = (*at, *every, *place)
            tap: Any = (*every, *(k for _, k in chosen))
            phases[goal] = weights[tap].T
        ones = (1,) * rank
        window = (tuple(kernel), ones, (*begins, *ends), ones)
        return phases.reshape(-1, inner, *kernel), window


def _dense(weights: np.ndarray, groups: int) -> np.ndarray:
    """Weights (C, M/groups, *kernel) as (C, M, *kernel), 0 between groups."""
    inner, outputs = weights.shape[0] // groups, weights.shape[1]
    dense = np.zeros((weights.shape[0], groups * outputs, *weights.shape[2:]), np.int64)
    for g in range(groups):
        rows = slice(g * inner, (g + 1) * inner)
        dense[rows, g * outputs : (g + 1) * outputs] = weights[rows]
    return dense


def _repeated(w: QuantisedValue, count: int) -> QuantisedValue:
    """The weights with ``count`` times their scales per channel."""
    old = w.quantisation
    if old.per_tensor:
        return w
    return replace(
        w, quantisation=Quantisation(old.scale * count, old.zero_point * count, old.axis)
    )

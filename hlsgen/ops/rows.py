"""Products of computed rows with constant matrices: one row is a Gemm, many are a 1x1 convolution over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from hlsgen.ops.accumulate import Bias, requantised_sums
from hlsgen.ops.conv import Conv
from hlsgen.ops.op import NodeBuilder, QuantisedOutput, QuantisedValue, TensorOp
from hlsgen.ops.reason import Reason
from hlsgen.ops.reshape import Reshape
from hlsgen.ops.tensor_type import Quantisation
from hlsgen.ops.transpose import Transpose


@dataclass(frozen=True, eq=False)
class Matrices:
    """Constant matrices, one for each of G batches or one for all: ``weights`` (G, N, K) and ``bias`` (N,);
    ``source``: what they were made of, with its scales, one or one for each of N outputs."""

    weights: np.ndarray
    bias: Bias
    source: QuantisedValue

    @property
    def scaled(self) -> QuantisedValue:
        """The source with scales for G * N outputs."""
        old = self.source.quantisation
        if old.per_tensor:
            return self.source
        count = len(self.weights)
        axis = Quantisation(old.scale * count, old.zero_point * count, old.axis)
        return replace(self.source, quantisation=axis)


def moved(
    build: NodeBuilder, value: str, permutation: tuple[int, ...], shape: Sequence[int]
) -> str:
    """``value`` of ``shape``, transposed."""
    straight = permutation == tuple(range(len(shape)))
    return value if straight else build.node(Transpose(permutation), [value])


def reshaped(build: NodeBuilder, value: str, before: Sequence[int], after: tuple[int, ...]) -> str:
    """``value`` of shape ``before`` as one of shape ``after``."""
    return value if tuple(before) == after else build.node(Reshape(after), [value])


def rows_by_matrix(
    build: NodeBuilder,
    x: QuantisedValue,
    matrices: Matrices,
    output: QuantisedOutput,
    result: tuple[int, ...],
    one_row: TensorOp,
) -> str | Reason:
    """x (*batch, T, K) times the transposed matrices, requantised, of shape ``result`` (*batch, T, N).

    The matrices are one for all batches; or x has one batch for all matrices; or both have equally many.
    ``one_row``: the operator that takes a single row (1, K), weights (N, K) and a bias.
    """
    groups, outputs, inner = matrices.weights.shape
    shape = x.type.shape
    batch, rows = prod(shape[:-2]), shape[-2]
    if groups == 1:
        batch, rows = 1, batch * rows
        if rows == 1:
            return _one_row(build, x, matrices, output, result, one_row)
    value = reshaped(build, x.name, shape, (1, batch, rows, inner))
    value = build.node(Transpose((0, 1, 3, 2)), [value])
    before = (1, batch, inner, rows)
    product = _convolved(build, value, before, x, matrices, output)
    if isinstance(product, Reason):
        return product
    value = reshaped(build, product, (1, groups * outputs, rows), (1, groups, outputs, rows))
    value = build.node(Transpose((0, 1, 3, 2)), [value])
    return reshaped(build, value, (1, groups, rows, outputs), result)


def matrix_by_columns(
    build: NodeBuilder,
    matrices: Matrices,
    x: QuantisedValue,
    output: QuantisedOutput,
    result: tuple[int, ...],
) -> str | Reason:
    """The matrices times x (*batch, K, C), requantised, of shape ``result`` (*batch, N, C); batches as in ``rows_by_matrix``."""
    groups, outputs, inner = matrices.weights.shape
    shape = x.type.shape
    batch, columns = prod(shape[:-2]), shape[-1]
    whole = (1, batch, inner, columns)
    value = reshaped(build, x.name, shape, whole)
    if groups == 1 and batch > 1:
        value = build.node(Transpose((0, 2, 1, 3)), [value])
        value = reshaped(build, value, (1, inner, batch, columns), (1, 1, inner, batch * columns))
        product = _convolved(build, value, (1, 1, inner, batch * columns), x, matrices, output)
        if isinstance(product, Reason):
            return product
        apart = (1, outputs, batch, columns)
        value = reshaped(build, product, (1, outputs, batch * columns), apart)
        value = build.node(Transpose((0, 2, 1, 3)), [value])
        return reshaped(build, value, (1, batch, outputs, columns), result)
    product = _convolved(build, value, whole, x, matrices, output)
    if isinstance(product, Reason):
        return product
    return reshaped(build, product, (1, groups * outputs, columns), result)


def _one_row(
    build: NodeBuilder,
    x: QuantisedValue,
    matrices: Matrices,
    output: QuantisedOutput,
    result: tuple[int, ...],
    one_row: TensorOp,
) -> str | Reason:
    inner = matrices.weights.shape[-1]
    row = reshaped(build, x.name, x.type.shape, (1, inner))
    weights = matrices.weights[0]
    value = _summed(build, one_row, row, x, matrices, weights, output)
    if isinstance(value, Reason):
        return value
    return reshaped(build, value, (1, len(weights)), result)


def _convolved(
    build: NodeBuilder,
    value: str,
    shape: tuple[int, int, int, int],
    x: QuantisedValue,
    matrices: Matrices,
    output: QuantisedOutput,
) -> str | Reason:
    """``value`` of ``shape`` (1, batch, K, rows) as (1, G * N, rows)."""
    groups, outputs, inner = matrices.weights.shape
    _, batch, _, rows = shape
    flat = reshaped(build, value, shape, (1, batch * inner, rows))
    zero = x.quantisation.zero_point[0]
    op = Conv((1,), (1,), (0, 0), (1,), groups=batch, input_zero=zero)
    weights = matrices.weights.reshape(groups * outputs, inner, 1)
    return _summed(build, op, flat, x, matrices, weights, output)


def _summed(
    build: NodeBuilder,
    op: TensorOp,
    value: str,
    x: QuantisedValue,
    matrices: Matrices,
    weights: np.ndarray,
    output: QuantisedOutput,
) -> str | Reason:
    bias = matrices.bias.for_outputs(
        matrices.weights.shape[1], len(weights) // matrices.weights.shape[1]
    )
    return requantised_sums(build, op, value, weights, bias, x, matrices.scaled, output)

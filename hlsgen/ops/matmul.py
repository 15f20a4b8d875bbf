"""Matrix products of any rank: ONNX MatMul on floats; on integers a Gemm or a convolution where one operand is constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from hlsgen.ops.accumulate import integer_bias, integer_weights
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.matrix_product import product_of_two
from hlsgen.ops.op import (
    Constants,
    IntegerForm,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    broadcast,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.rows import Matrices, matrix_by_columns, rows_by_matrix
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class MatMul(TensorOp):
    """Operands a (*batch, T, K), b (*batch, K, N), and a bias (N,) that a pass may have added. Batches broadcast."""

    weighted = True
    bindings = (
        OnnxBinding("MatMul", (2, 2)),
        OnnxBinding(
            "QLinearMatMul",
            (2, 2),
            since=10,
            integers=IntegerForm(((0, 1, 2), (3, 4, 5)), result=(6, 7)),
        ),
        OnnxBinding(
            "MatMulInteger",
            (2, 2),
            since=10,
            integers=IntegerForm(((0, None, 2), (1, None, 3)), result=None),
        ),
    )

    @property
    def weight_axis(self) -> int:
        return -1

    def result_axis(self, rank: int) -> int:
        return rank - 1

    def with_bias(self, rank: int) -> TensorOp | Reason:
        return Gemm() if rank == 2 else self

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        x, w = inputs[:2]
        return len(x.shape) >= len(w.shape) and (len(x.shape) > 2 or x.shape[:1] == (1,))

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, w, *biases = inputs
        fits = len(x.shape) >= 2 and len(w.shape) >= 2 and x.shape[-1] == w.shape[-2]
        require(fits, self, "matrices whose inner extents agree", f"{x} and {w}")
        batch = broadcast(self, x.shape[:-2], w.shape[:-2])
        for bias in biases:
            require(bias.shape == w.shape[-1:], self, f"a bias of {w.shape[-1]}", bias)
        return TensorType((*batch, x.shape[-2], w.shape[-1]), x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        product = xp.matmul(*arrays[:2])
        return product + arrays[2] if len(arrays) == 3 else product

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        a, b, *biases = inputs
        if a.constant is None and b.constant is None and not biases:
            return product_of_two(build, a, b, output)
        swapped = b.constant is None
        x, w = (b, a) if swapped else (a, b)
        rank = len(w.type.shape)
        axis = rank - 2 if swapped else rank - 1
        failed = unless(
            (w.constant is not None, "both operands are computed"),
            (w.type.is_integer, "the constant operand is real, not quantised"),
            (x.quantisation.per_tensor, "the input is quantised per channel"),
            (not (swapped and biases), "a bias behind a constant first operand"),
            (
                w.quantisation.per_tensor or w.quantisation.axis == axis,
                f"the constant operand is quantised along axis {w.quantisation.axis}, not its outputs",
            ),
        )
        if failed is not None:
            return failed
        batch, matrices = prod(x.type.shape[:-2]), prod(w.type.shape[:-2])
        shape = np.broadcast_shapes(x.type.shape[:-2], w.type.shape[:-2])
        if not (matrices == 1 or (batch in (1, matrices) and prod(shape) == matrices)):
            return Reason(f"the batches {x.type} and {w.type} broadcast in part")
        weights = integer_weights(w, axis)
        weights = weights.reshape(-1, *weights.shape[-2:])
        weights = weights if swapped else weights.transpose(0, 2, 1)
        bias = integer_bias(x, w, biases[0] if biases else None, weights.shape[1])
        if isinstance(bias, Reason):
            return bias
        constant = Matrices(weights, bias, w)
        result = (*shape, a.type.shape[-2], b.type.shape[-1])
        if swapped:
            return matrix_by_columns(build, constant, x, output, result)
        one_row = Gemm(transpose_b=True, input_zero=x.quantisation.zero_point[0])
        return rows_by_matrix(build, x, constant, output, result, one_row)

"""Matrix products with constant weights and a bias: ONNX Gemm on floats, exact accumulators on integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.accumulate import (
    accumulator_type,
    integer_bias,
    integer_weights,
    unless_weighted,
)
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import (
    Constants,
    Example,
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
from hlsgen.ops.rows import Matrices, rows_by_matrix
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.ops.transpose import Transpose
from hlsgen.ops.window import Window

_ATTRIBUTES = {"transA": "transpose_a", "transB": "transpose_b", "alpha": "alpha"}


@dataclass(frozen=True)
class Gemm(TensorOp):
    """Operands: x (N, K), w (K, M) or with ``transpose_b`` (M, K), optional bias that broadcasts to (N, M).

    On integers always with ``transpose_b``, ``alpha`` = ``beta`` = 1 and bias (M,): sum((x - input_zero) * w) + bias, exactly.
    """

    transpose_a: bool = False
    transpose_b: bool = False
    alpha: float = 1.0
    beta: float = 1.0
    input_zero: int = 0

    place = "hardware"
    accumulates = True
    weighted = True
    bindings = (
        OnnxBinding("Gemm", (2, 3), attributes={**_ATTRIBUTES, "beta": "beta"}),
        OnnxBinding(
            "QGemm",
            (2, 3),
            "com.microsoft",
            attributes=_ATTRIBUTES,
            integers=IntegerForm(((0, 1, 2), (3, 4, 5)), result=(7, 8), bias=6, factor="alpha"),
        ),
    )

    @property
    def weight_axis(self) -> int:
        return 0 if self.transpose_b else 1

    def with_bias(self, rank: int) -> TensorOp | Reason:
        return self if self.beta == 1.0 else Reason(f"beta = {self.beta:g} would multiply the sum")

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        return not self.transpose_a

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        x, w, *biases = inputs
        require(len(x.shape) == len(w.shape) == 2, self, "matrices", f"{x} and {w}")
        rows, inner = x.shape[::-1] if self.transpose_a else x.shape
        outputs, depth = w.shape if self.transpose_b else w.shape[::-1]
        require(inner == depth, self, f"{depth} columns", inner)
        for bias in biases:
            whole = broadcast(self, bias.shape, (rows, outputs))
            require(whole == (rows, outputs), self, f"a bias for {outputs} columns", bias)
        if not x.is_integer:
            return TensorType((rows, outputs), x.element)
        require(self.transpose_b and not self.transpose_a, self, "integer weights (M, K)", self)
        return TensorType(
            (rows, outputs), accumulator_type(self, x.integer, self.input_zero, constants)
        )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        x, w, *biases = arrays
        exact = x.dtype if xp.isdtype(x.dtype, "real floating") else xp.float64
        x, w = xp.astype(x, exact) - self.input_zero, xp.astype(w, exact)
        x = xp.matrix_transpose(x) if self.transpose_a else x
        w = xp.matrix_transpose(w) if self.transpose_b else w
        product = xp.matmul(x, w)
        if self.alpha != 1.0:
            product = product * self.alpha
        for values in biases:
            bias = xp.astype(values, exact)
            product = product + (bias if self.beta == 1.0 else bias * self.beta)
        return product

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        x, w, *biases = inputs
        axis = self.weight_axis
        failed = unless_weighted(x, w, axis) or unless(
            (self.alpha != 0, "alpha is 0"),
            (
                len(x.type.shape) == len(w.type.shape) == 2,
                f"the operands are not matrices: {x.type} and {w.type}",
            ),
        )
        if failed is not None:
            return failed
        weights = integer_weights(w, axis)
        weights = weights if self.transpose_b else weights.T
        if self.alpha != 1.0:  # a product of other scales, and perhaps of another sign
            weights = weights if self.alpha > 0 else -weights
            x = _times(x, abs(self.alpha))  # as QGemm multiplies its scales
        scaled = [_times(bias, self.beta) for bias in biases if self.beta != 0]
        plain = self.alpha == self.beta == 1.0
        bias = integer_bias(x, w, scaled[0] if scaled else None, weights.shape[0], disputed=plain)
        if isinstance(bias, Reason):
            return bias
        if bias.integers.size not in (1, weights.shape[0]):
            return Reason(
                f"the bias has {bias.integers.size} elements for {weights.shape[0]} columns"
            )
        if self.transpose_a:
            turned = build.node(Transpose((1, 0)), [x.name])
            shape = x.type.shape[::-1]
            x = QuantisedValue(
                turned, TensorType(shape, x.type.element), x.quantisation, x.constant
            )
        result = (x.type.shape[0], len(weights))
        one_row = Gemm(transpose_b=True, input_zero=x.quantisation.zero_point[0])
        return rows_by_matrix(build, x, Matrices(weights[None], bias, w), output, result, one_row)

    def lower(self, build: Lowering) -> None:
        """The convolution whose window is the whole operand: any order of its elements is an order of the weights."""
        operand = build.operand(0)
        weights = build.constant(1)
        require(build.type(0).shape[0] == 1, self, "one row (the batch)", build.type(0))
        bias = build.constant(2) if build.operands == 3 else np.zeros(len(weights), int)
        height, width, channels = build.channel_shape(operand.channel)
        streamed = np.empty_like(weights)
        streamed[:, operand.position.reshape(-1)] = weights
        build.result(
            build.convolve(
                operand.channel,
                streamed.reshape(1, len(weights), height, width, channels),
                Window((height, width), (1, 1), (0, 0, 0, 0), (1, 1)),
                (1, 1),
                self.input_zero,
                bias.reshape(-1),
            )
        )

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(k: int, m: int, zero: int, element: ElementType) -> Example:
            random = np.random.default_rng(k)
            types = (
                TensorType((1, k), element),
                TensorType((m, k), S8),
                TensorType((m,), ElementType(32, True)),
            )
            constants = {1: random.integers(-127, 128, (m, k)), 2: random.integers(-999, 999, m)}
            return Example(Gemm(transpose_b=True, input_zero=zero), types, constants)

        return case(16, 4, -128, S8), case(7, 3, 10, U8), case(1, 5, 0, S8)


def _times(value: QuantisedValue, factor: float) -> QuantisedValue:
    """The same integers, standing for ``factor`` times their reals; a negative factor turns the sign of constants."""
    old = value.quantisation
    scales = tuple(float(np.float32(s) * np.float32(abs(factor))) for s in old.scale)
    constant = value.constant
    if factor < 0 and constant is not None:
        zeros = old.zero_points()
        constant = 2 * zeros - constant.astype(np.int64) if value.type.is_integer else -constant
    return replace(value, quantisation=replace(old, scale=scales), constant=constant)

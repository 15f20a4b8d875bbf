"""Multiplication: floats, and the product of two quantised tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.ops.arithmetic import Pointwise
from hlsgen.ops.host import unbounded
from hlsgen.ops.op import (
    IntegerForm,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.step_function import StepFunction
from hlsgen.ops.tensor_type import AnyArray
from hlsgen.requantise.cells import find_pair_form


@dataclass(frozen=True)
class Mul(Pointwise):
    """a * b, with ONNX's broadcasting. A constant factor after a product with weights is folded into the weights' scales."""

    bindings = (
        OnnxBinding("Mul", (2, 2), since=7),
        OnnxBinding(
            "QLinearMul",
            (2, 2),
            "com.microsoft",
            integers=IntegerForm(((0, 1, 2), (3, 4, 5)), result=(6, 7)),
        ),
    )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = unbounded(xp, arrays)
        return a * b

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        """The steps of ONNX Runtime's QLinearMul (x86-64), proved for all pairs: clamp(RNE(f32(f32(product * scale) + zero point)))."""
        a, b = inputs
        same = a.type.element == b.type.element == output.element
        failed = unless(
            # otherwise ONNX Runtime multiplies floats, which is another form
            (same and output.element.bits <= 8, "operands and result are not of one 8-bit type"),
            (
                a.quantisation.per_tensor and b.quantisation.per_tensor,
                "an operand is quantised per channel",
            ),
            (a.constant is None and b.constant is None, "an operand is constant"),
            (len(a.type.shape) == len(b.type.shape), f"ranks differ: {a.type} and {b.type}"),
        )
        if failed is not None:
            return failed
        element = output.element
        entries = np.arange(element.minimum, element.maximum + 1)
        first, second = (entries - v.quantisation.zero_point[0] for v in inputs)
        scales = (a.quantisation.scale[0], b.quantisation.scale[0])
        truth = kernel_products(first[:, None], second[None, :], scales, output)
        form = find_pair_form(truth, first.astype(np.float64), second.astype(np.float64), "product")
        if isinstance(form, int):
            return Reason(
                f"{form:,} of {truth.size:,} pairs of its operands have no arithmetic form"
            )
        return StepFunction.of_pair(
            build, [a.name, b.name], (a.type.integer, b.type.integer), form, element, "integers"
        )


def kernel_products(
    a: np.ndarray, b: np.ndarray, scales: tuple[float, float], output: QuantisedOutput
) -> np.ndarray:
    """ONNX Runtime's QLinearMul (x86-64) of integers without their zero points, arrays that broadcast, to int64."""
    scale = np.float32(np.float32(scales[0]) * np.float32(scales[1])) / np.float32(output.scale)
    rounded = np.rint((a * b).astype(np.float32) * scale + np.float32(output.zero_point))
    return np.clip(rounded, output.low, output.high).astype(np.int64)

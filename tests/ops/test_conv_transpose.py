"""Transposed convolutions are ONNX Runtime's, to a step where it adds floats, in hardware and on reals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel

from hlsgen.ops.conv_transpose import ConvTranspose
from hlsgen.ops.tensor_type import F32, TensorType

CASES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((1, 3, 4, 5), (3, 4, 2, 2), {"strides": [2, 2]}),
    ((1, 3, 4, 5), (3, 4, 4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    (
        (1, 3, 4, 5),
        (3, 2, 3, 3),
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
    ),
    ((1, 3, 4, 5), (3, 2, 3, 3), {"strides": [2, 3], "pads": [0, 1, 2, 0]}),
    ((1, 3, 4, 5), (3, 2, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ((1, 3, 4, 5), (3, 2, 3, 3), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ((1, 3, 4, 5), (3, 2, 3, 3), {"strides": [2, 2], "output_shape": [8, 10]}),
    ((1, 4, 4, 5), (4, 2, 3, 3), {"group": 2, "strides": [2, 1]}),
    ((1, 4, 3, 3), (4, 1, 4, 4), {"group": 4, "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ((1, 3, 7), (3, 4, 4), {"strides": [2], "pads": [1, 1]}),
    ((1, 3, 7), (3, 4, 3), {"strides": [3], "dilations": [2]}),
    ((1, 3, 4, 4), (3, 2, 3, 3), {"strides": [2, 2], "dilations": [2, 2]}),
    ((1, 3, 4, 4), (3, 2, 3, 3), {}),
]


@pytest.mark.parametrize(("shape", "weights", "attributes"), CASES)
def test_a_transposed_convolution_computes_what_onnxruntime_does(
    shape: tuple[int, ...], weights: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    model = QuantisedModel(shape, "u8", seed=3)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    outputs = weights[1] * attributes.get("group", 1)
    bias = model.random.normal(size=outputs).astype(np.float32)
    operands = [value, model.weights(weights, weights[1], True, 1), model.constant(bias)]
    value = model.node("ConvTranspose", *operands, **attributes)
    reading = assert_reads(model.finish(model.quantize(value, 0.04, 110, "u8")), model.samples(10))
    assert reading.bound == 1 and reading.different <= 4, "more than ties"


def test_stride_one_needs_no_change_of_order() -> None:
    x, w = TensorType((1, 3, 4, 4), F32), TensorType((3, 2, 3, 3), F32)
    op = ConvTranspose().normalised((x, w))
    assert isinstance(op, ConvTranspose) and op.extents((4, 4)) == (6, 6)


def test_a_result_of_several_samples_is_that_of_each() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(2, 3, 4, 4)).astype(np.float32)
    w = random.normal(size=(3, 2, 3, 3)).astype(np.float32)
    types = TensorType((1, 3, 4, 4), F32), TensorType(w.shape, F32)
    op = ConvTranspose(strides=(2, 2)).normalised(types)
    both = op.evaluate(np, x, w)
    assert np.allclose(both, np.concatenate([op.evaluate(np, x[:1], w), op.evaluate(np, x[1:], w)]))

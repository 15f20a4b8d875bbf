"""Refusals of tensors of floats of 8 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from errors.messages import Case
from onnx import TensorProto, helper, numpy_helper
from support.float_models import layer

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.passes import to_integer


def integers_of(**options: Any) -> Case:
    return lambda folder: to_integer(read_model(layer(TensorProto.FLOAT8E4M3FN, **options)))


def zero_point_of_one(folder: Path) -> object:
    model = layer(TensorProto.FLOAT8E4M3FN)
    (zero,) = (tensor for tensor in model.graph.initializer if tensor.name == "zero")
    zero.CopyFrom(helper.make_tensor("zero", TensorProto.FLOAT8E4M3FN, (), [1.0]))
    return read_model(model)


def scale_of_half_precision(folder: Path) -> object:
    """Of the weights, which are constant."""
    model = layer(TensorProto.FLOAT8E4M3FN)
    node = next(n for n in model.graph.node if n.op_type == "DequantizeLinear")
    (scale,) = (tensor for tensor in model.graph.initializer if tensor.name == node.input[1])
    half = numpy_helper.to_array(scale).astype(np.float16)
    model.graph.initializer.append(numpy_helper.from_array(half, "half"))
    node.input[1] = "half"
    return read_model(model)


def float_cases() -> dict[str, Case]:
    weights = np.ones((6, 5), np.float32)
    weights[1, :2] = np.nan
    return {
        "results that are not numbers": integers_of(saturate=0),
        "weights that are not numbers": integers_of(weights=weights),
        "a zero point that is not 0": zero_point_of_one,
        "a scale of half precision": scale_of_half_precision,
    }

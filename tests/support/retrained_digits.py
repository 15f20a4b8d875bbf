"""The digits network with other weights, scales and zero points, by editing its file: quick, and of no use but to be computed."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from support.source_tree import ROOT

DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
SCORES_ZERO = -14


def other_digits(seed: int, larger: float = 1.0, **changed: np.ndarray) -> onnx.ModelProto:
    """Weights drawn anew, scales of weights and results by up to a half larger or smaller, the scores' zero point SCORES_ZERO. ``larger``: times
    the scales of the weights; ``changed``: initializers by name."""
    random, model = np.random.default_rng(seed), onnx.load(DIGITS)
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    edited: dict[str, np.ndarray] = {}
    for layer, before in (("conv1", "image"), ("conv2", "r1"), ("dense", "r2")):
        weights, scale = arrays[f"{layer}_weight_quantized"], arrays[f"{layer}_weight_scale"]
        drawn = random.integers(-127, 128, weights.shape)
        edited[f"{layer}_weight_quantized"] = drawn.astype(weights.dtype)
        factor = larger * random.uniform(0.7, 1.5, scale.shape)
        # A dead channel of the original has next to no scale.
        scales = (np.maximum(scale, 1e-3) * factor).astype(scale.dtype)
        edited[f"{layer}_weight_scale"] = scales
        steps = (scales * arrays[f"{before}_scale"]).astype(np.float32)
        edited[f"{layer}_bias_quantized_scale"] = steps
        bias = arrays[f"{layer}_bias_quantized"]
        edited[f"{layer}_bias_quantized"] = random.integers(-2000, 2000, bias.shape).astype(
            bias.dtype
        )
    edited["scores_zero_point"] = np.array(SCORES_ZERO, arrays["scores_zero_point"].dtype)
    for initializer in model.graph.initializer:
        values = changed.get(initializer.name, edited.get(initializer.name))
        if values is not None:
            given = values.astype(arrays[initializer.name].dtype)
            shaped = given.reshape(arrays[initializer.name].shape)
            initializer.CopyFrom(numpy_helper.from_array(shaped, initializer.name))
    return model

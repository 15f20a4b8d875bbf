"""Sessions of ONNX Runtime add products of bytes exactly, whatever the processor."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from onnx import helper, numpy_helper
from support.quantised_models import QuantisedModel

from hlsgen.artefact.declared import Session
from hlsgen.frontend.sessions import open_session
from hlsgen.frontend.unsigned_weights import with_unsigned_weights

RANDOM = np.random.default_rng(1)


def model(operator: str, constants: dict[str, np.ndarray], x: np.ndarray, y: type) -> Any:
    """One operator on x and constants in the order in which they are given."""
    types = [helper.np_dtype_to_tensor_dtype(np.dtype(kind)) for kind in (x.dtype, y)]
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", *constants], ["y"])],
        "bytes",
        [helper.make_tensor_value_info("x", types[0], x.shape)],
        [helper.make_tensor_value_info("y", types[1], None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("activations", [np.uint8, np.int8])
def test_sums_of_large_products_do_not_saturate(activations: type) -> None:
    high = np.iinfo(activations).max
    x = RANDOM.integers(high - 40, high, (4, 64)).astype(activations)
    w = RANDOM.integers(90, 127, (64, 8)).astype(np.int8)
    session = open_session(model("MatMulInteger", {"w": w}, x, np.int32), [], "default")
    assert np.array_equal(session.run(None, {"x": x})[0], x.astype(np.int64) @ w)


@pytest.mark.parametrize("session", get_args(Session))
@pytest.mark.parametrize("activations", [np.uint8, np.int8])
def test_quantised_convolutions_run_and_do_not_saturate(
    activations: type, session: Session
) -> None:
    high = np.iinfo(activations).max
    x = RANDOM.integers(high - 40, high, (1, 16, 3, 3)).astype(activations)
    w = RANDOM.integers(90, 127, (8, 16, 3, 3)).astype(np.int8)
    one, step = np.float32(1), np.float32(2**-14)
    constants = {
        "x_scale": np.array(one), "x_zero": np.array(0, activations), "w": w, "w_scale": np.array(step),
        "w_zero": np.array(0, np.int8), "y_scale": np.array(one), "y_zero": np.array(0, activations),
    }  # fmt: skip
    opened = open_session(model("QLinearConv", constants, x, activations), [], session)
    sums = np.einsum("nchw,ochw->no", x.astype(np.int64), w.astype(np.int64))
    expected = np.clip(np.rint(sums * float(step)), None, high)
    assert np.array_equal(opened.run(None, {"x": x})[0].reshape(1, 8), expected)


@pytest.mark.parametrize("session", get_args(Session))
@pytest.mark.parametrize("kind", ["u8", "s8"])
@pytest.mark.parametrize("zeros", [True, False])
def test_weights_are_the_same_reals_when_they_are_made_unsigned(
    zeros: bool, kind: str, session: Session
) -> None:
    model = QuantisedModel((1, 8), kind, seed=2)
    weights = model.constant(RANDOM.integers(-128, 128, (8, 5)).astype(np.int8))
    scale = model.constant(RANDOM.uniform(0.01, 0.02, 5).astype(np.float32))
    zero = [model.constant(RANDOM.integers(-9, 9, 5).astype(np.int8))] if zeros else []
    real = model.node("DequantizeLinear", weights, scale, *zero, axis=1)
    product = model.node("MatMul", model.dequantize("x", 0.02, 3, kind), real)
    proto = model.finish(product)
    changed = with_unsigned_weights(proto, session == "integer")
    kept = session == "integer" and kind == "s8"
    assert (weights in {tensor.name for tensor in changed.graph.initializer}) == kept
    samples = model.samples(20)
    before, after = (
        open_session(m, [], "unoptimised").run(None, samples) for m in (proto, changed)
    )
    assert np.array_equal(before, after)


@pytest.mark.parametrize("before", ["Identity", "Transpose", "QuantizeLinear"])
def test_weights_that_are_moved_or_quantised_in_the_model_are_made_unsigned(before: str) -> None:
    model = QuantisedModel((1, 8), "u8", seed=2)
    integers = RANDOM.integers(90, 127, (8, 5)).astype(np.int8)
    scale, zero = model.constant(np.float32(0.01)), model.constant(np.int8(0))
    if before == "QuantizeLinear":
        reals = model.constant(integers.astype(np.float32) * np.float32(0.01))
        weights = model.node("QuantizeLinear", reals, scale, zero)
    else:
        stored = integers.T.copy() if before == "Transpose" else integers
        weights = model.node(before, model.constant(stored))
    real = model.node("DequantizeLinear", weights, scale, zero)
    product = model.node("MatMul", model.dequantize("x", 0.02, 3, "u8"), real)
    changed = with_unsigned_weights(model.finish(product), False)
    (dequantize,) = (node for node in changed.graph.node if node.output[0] == real)
    tensors = {t.name: numpy_helper.to_array(t) for t in changed.graph.initializer}
    unsigned, zeros = (tensors[dequantize.input[k]] for k in (0, 2))
    assert unsigned.dtype == np.uint8 and np.array_equal(
        unsigned - zeros.astype(np.int64), integers
    )

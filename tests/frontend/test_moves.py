"""Operators that move elements, between layers and with scales of their own: the meaning is ONNX Runtime's, the dataflow has the meaning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from support.lowered_examples import assert_same_meaning
from support.quantised_models import QuantisedModel

from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.join import Pad
from hlsgen.passes import to_integer

Values = tuple[str, str]


def network(middle: Callable[[QuantisedModel, Values], str], scale: float) -> onnx.ModelProto:
    """Two convolutions of one input with scales 0.02 and 0.03, ``middle`` of their results, and a quantisation to ``scale``."""
    model = QuantisedModel((1, 4, 4, 6), "u8")
    x = model.dequantize("x", model.scale, model.zero, "u8")
    values = []
    for step in (0.02, 0.03):
        conv = model.node("Conv", x, model.weights((4, 4, 1, 1), 4, False))
        values.append(model.dequantize(model.quantize(conv, step, 100, "u8"), step, 100, "u8"))
    return model.finish(model.quantize(middle(model, (values[0], values[1])), scale, 90, "u8"))


def numbers(model: QuantisedModel, *values: int) -> str:
    return model.constant(np.array(values, np.int64))


def split_and_swap(model: QuantisedModel, values: Values) -> str:
    parts = model.node("Split", values[0], numbers(model, 1, 3), axis=1)
    model.nodes[-1].output.append("rest")
    return model.node("Concat", "rest", parts, axis=1)


MIDDLES: dict[str, Callable[[QuantisedModel, Values], str]] = {
    "channels": lambda m, v: m.node("Concat", *v, axis=1),
    "rows": lambda m, v: m.node("Concat", *v, axis=2),
    "columns, then Relu": lambda m, v: m.node("Relu", m.node("Concat", *v, axis=-1)),
    "with a constant": lambda m, v: m.node(
        "Concat", v[0], m.constant(np.ones((1, 2, 4, 6), np.float32)), axis=1
    ),
    "twice the same": lambda m, v: m.node("Concat", v[0], v[0], v[1], axis=1),
    "split": split_and_swap,
    "slice backwards": lambda m, v: m.node(
        "Slice", v[0], numbers(m, -1), numbers(m, -9), numbers(m, 1), numbers(m, -1)
    ),
    "pad": lambda m, v: m.node("Pad", v[0], numbers(m, 0, 0, 1, 2, 0, 1, 0, 1)),
    "pad with a value": lambda m, v: m.node(
        "Pad", v[0], numbers(m, 0, 0, 1, 0, 0, 0, 1, 0), m.constant(np.float32(0.333))
    ),
    "mirror": lambda m, v: m.node("Pad", v[0], numbers(m, 0, 0, 1, 2, 0, 0, 2, 1), mode="reflect"),
    "nearest": lambda m, v: m.node(
        "Resize", v[0], "", m.constant(np.float32([1, 1, 2, 2])), nearest_mode="floor"
    ),
    "gather": lambda m, v: m.node("Gather", v[0], numbers(m, 3, 0, 1), axis=1),
    "tile": lambda m, v: m.node("Tile", v[0], numbers(m, 1, 2, 1, 2)),
    "depth to space": lambda m, v: m.node("DepthToSpace", v[0], blocksize=2, mode="CRD"),
    "space to depth": lambda m, v: m.node("SpaceToDepth", v[0], blocksize=2),
}


@pytest.mark.parametrize("scale", [0.02, 0.025])
@pytest.mark.parametrize("middle", MIDDLES)
def test_moves_between_layers_are_exact(middle: str, scale: float) -> None:
    model = network(MIDDLES[middle], scale)
    samples = QuantisedModel((1, 4, 4, 6), "u8").samples(2)
    integer = to_integer(read_model(model))
    assert not integer.host_before.nodes and not integer.host_after.nodes
    (promise,) = declared_outputs(model, integer)
    assert promise.exact
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(model, samples, integer, promise.session).values()
    assert np.array_equal(got, want)
    assert_same_meaning(integer.hardware, samples)


def test_a_pad_of_zeros_becomes_the_convolution_s_own() -> None:
    def middle(model: QuantisedModel, values: Values) -> str:
        padded = model.node("Pad", values[0], numbers(model, 0, 0, 1, 0, 0, 0, 1, 2))
        value = model.dequantize(model.quantize(padded, 0.02, 100, "u8"), 0.02, 100, "u8")
        return model.node("Conv", value, model.weights((2, 4, 3, 3), 2, False))

    nodes = to_integer(read_model(network(middle, 0.05))).hardware.nodes
    assert not any(isinstance(node.op, Pad) for node in nodes)


def test_quantised_concat_of_onnxruntime_is_exact() -> None:
    model = QuantisedModel((1, 3, 2, 2), "u8")
    scales = [model.parameters(scale, zero, "u8") for scale, zero in ((0.03, 7), (0.05, 90))]
    value = model.node("MaxPool", "x", kernel_shape=[1, 1])
    inputs = [*scales[1], "x", *scales[0], value, *scales[1]]
    proto = model.finish(model.node("QLinearConcat", *inputs, domain="com.microsoft", axis=1))
    samples, integer = model.samples(4), to_integer(read_model(proto))
    (promise,) = declared_outputs(proto, integer)
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(proto, samples, integer, promise.session).values()
    assert np.array_equal(got, want)

"""ArgMax and ArgMin of quantised tensors: what they become equals ONNX Runtime, equal elements among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.lowered_examples import assert_same_meaning
from support.quantised_models import ELEMENTS, QuantisedModel

from hlsgen import flow
from hlsgen.artefact.folder import open_folder
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.verify.stored import stored_reference


def classifier(op: str, shape: tuple[int, ...], element: str, **attributes: int) -> QuantisedModel:
    """The index of the greatest or least of what a 1x1 convolution or Gemm gives, between few integers, so that many are equal."""
    model = QuantisedModel(shape, element, seed=3)
    x = model.dequantize("x", 0.05, 9, element)
    value = model.node("Mul", x, model.constant(np.float32(0.02)))
    value = model.dequantize(model.quantize(value, 0.05, 3, element), 0.05, 3, element)
    model.node(op, value, **attributes)
    return model


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize(
    ("shape", "axis", "keep"),
    [
        ((1, 10), 1, 0),
        ((1, 10), -1, 1),
        ((1, 5, 3, 4), 1, 0),
        ((1, 2, 6, 3), 2, 1),
        ((1, 3, 7), 2, 0),
    ],
)
def test_an_index_of_quantised_elements_is_onnxruntime_s(
    shape: tuple[int, ...], axis: int, keep: int, op: str, last: int, element: str
) -> None:
    options = {"axis": axis, "keepdims": keep, "select_last_index": last}
    model = classifier(op, shape, element, **options)
    proto = model.finish(model.nodes[-1].output[0])
    samples, integer = model.samples(60), to_integer(read_model(proto))
    assert not integer.host_after.nodes and integer.hardware.nodes[-1].op.name == "AxisIndex"
    (promise,) = declared_outputs(proto, integer)
    assert promise.exact
    (got,) = evaluate(integer.hardware, samples).values()
    (want,) = ort_reference(proto, samples, integer, promise.session).values()
    assert got.shape == want.shape and np.array_equal(got, want)
    assert len(np.unique(got)) > 1, "a test that says nothing"
    assert_same_meaning(integer.hardware, model.samples(3))


def test_an_index_takes_as_many_bits_as_it_needs() -> None:
    model = classifier("ArgMax", (1, 10), "u8", axis=1)
    hardware = to_integer(read_model(model.finish(model.nodes[-1].output[0]))).hardware
    (port,) = lower(hardware).outputs
    assert str(port.element) == "u4"


def test_the_folder_of_a_design_that_gives_an_index_is_read_again(tmp_path: Path) -> None:
    model = classifier("ArgMax", (1, 10), "u8", axis=1)
    flow.compile(model.finish(model.nodes[-1].output[0]), multipliers=8, output=tmp_path)
    reference = stored_reference(open_folder(tmp_path), "numpy")
    (node,) = (n for n in reference.model.hardware.nodes if n.op.name == "AxisIndex")
    assert str(reference.model.hardware.types[node.output]) == "s64[1,1]"
    (port,) = reference.folder.manifest.outputs
    assert str(port.element) == "u4" and port.words == 1


def test_an_index_of_reals_stays_on_the_host() -> None:
    model = classifier("Softmax", (1, 10), "u8", axis=1)
    proto: onnx.ModelProto = model.finish(model.node("ArgMax", model.nodes[-1].output[0], axis=1))
    integer = to_integer(read_model(proto))
    assert [node.op.name for node in integer.host_after.nodes][-1] == "ArgMax"

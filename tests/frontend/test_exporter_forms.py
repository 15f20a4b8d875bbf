"""Forms that quantisers and exporters write, each refused or read wrongly once: they equal ONNX Runtime, or are refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel, conv_model

from hlsgen import flow, flow_check
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.support import support
from hlsgen.passes import to_integer
from hlsgen.verify.stored import stored_reference


def assert_exact(model: QuantisedModel, output: str) -> None:
    reading = assert_reads(model.finish(output), model.samples(20))
    assert reading.bound == 0 and reading.different == 0


@pytest.mark.parametrize("alpha", [0.5, 0.3, 2.0])
def test_qgemm_multiplies_its_bias_by_alpha(alpha: float) -> None:
    model = QuantisedModel((1, 10), "u8", seed=4)
    weights = model.constant(model.random.integers(-127, 128, (4, 10)).astype(np.int8))
    bias = model.constant(model.random.integers(-3000, 3000, 4).astype(np.int32))
    own, its = model.parameters(0.02, 111, "u8"), model.parameters(0.004, 0, "s8")
    result = model.parameters(0.05, 100, "u8")
    operands = ["x", *own, weights, *its, bias, *result]
    attributes = {"transB": 1, "alpha": alpha, "domain": "com.microsoft"}
    assert_exact(model, model.node("QGemm", *operands, **attributes))


def test_a_type_without_a_zero_point_is_that_of_the_attribute() -> None:
    model = QuantisedModel((1, 2, 5), "s8", opset=21)
    x = model.dequantize("x", 0.1, 0, "s8")
    scale = model.constant(np.float32(0.17))
    assert_exact(model, model.node("QuantizeLinear", x, scale, output_dtype=onnx.TensorProto.INT8))


@pytest.mark.parametrize(
    ("op", "bounds"), [("Clip", (3, 90)), ("Clip", (60,)), ("Clip", ()), ("Relu", ())]
)
def test_clamps_of_integers(op: str, bounds: tuple[int, ...]) -> None:
    model = QuantisedModel((1, 2, 4, 4), "s8")
    x = model.dequantize("x", model.scale, model.zero, "s8")
    product = model.node("Conv", x, model.weights((3, 2, 3, 3), 3, True))
    value = model.quantize(product, 0.02, 5, "s8")
    value = model.node(op, value, *(model.constant(np.int8(bound)) for bound in bounds))
    assert_exact(model, model.quantize(model.dequantize(value, 0.02, 5, "s8"), 0.03, 2, "s8"))


def test_a_bias_behind_a_transpose_goes_into_the_convolution() -> None:
    model = QuantisedModel((1, 2, 5, 4), "u8")
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Conv", x, model.weights((3, 2, 3, 3), 3, True))
    value = model.node("Transpose", value, perm=[0, 2, 3, 1])
    value = model.node("Add", value, model.constant(np.float32([0.3, -0.2, 0.1])))
    output = model.quantize(model.node("Relu", value), 0.02, 0, "u8")
    assert assert_reads(model.finish(output), model.samples(20)).different == 0
    names = [n.op.name for n in to_integer(read_model(model.finish(output))).hardware.nodes]
    assert (names[0], *names[2:]) == ("Conv", "Transpose") and names[1].startswith("Requantise")


def test_a_pad_of_minus_infinity_before_a_maximum_is_the_least_integer() -> None:
    model = QuantisedModel((1, 2, 5, 4), "u8")
    x = model.dequantize("x", 0.1, 40, "u8")
    pads = model.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1]))
    padded = model.node("Pad", x, pads, model.constant(np.float32(-np.inf)))
    value = model.node("MaxPool", padded, kernel_shape=[3, 3], strides=[2, 2])
    assert_exact(model, model.quantize(value, 0.1, 40, "u8"))


def test_a_quantised_softmax_at_the_end_is_for_the_host() -> None:
    model = QuantisedModel((1, 6), "u8")
    x = model.dequantize("x", model.scale, model.zero, "u8")
    product = model.node("Gemm", x, model.weights((6, 4), 4, True, 1))
    value = model.quantize(product, 0.02, 100, "u8")
    own, result = model.parameters(0.02, 100, "u8"), model.parameters(1 / 256, 0, "u8")
    attributes = {"axis": 1, "opset": 13, "domain": "com.microsoft"}
    output = model.node("QLinearSoftmax", value, *own, *result, **attributes)
    parts = to_integer(read_model(model.finish(output)))
    assert [n.op.name for n in parts.hardware.nodes] == ["Gemm", "Requantise"]
    assert "Softmax" in [n.op.name for n in parts.host_after.nodes]


def test_a_range_taken_from_each_sample_is_refused_by_name() -> None:
    model = QuantisedModel((1, 6), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    model.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], ["q", "s", "z"], name="dyn"))
    weights = model.constant(model.random.integers(-99, 99, (6, 2)).astype(np.int8))
    proto = model.finish(model.node("MatMulInteger", "q", weights, "z"))
    with pytest.raises(UnsupportedOp, match=r"found z, which dyn .* takes from each sample"):
        read_model(proto)


def test_a_single_number_is_not_an_input() -> None:
    proto, _ = conv_model("u8", True)
    del proto.graph.input[0].type.tensor_type.shape.dim[:]
    with pytest.raises(TypeMismatch, match="found a single number"):
        read_model(proto)


def test_check_says_of_outputs_and_sessions_what_compile_says(tmp_path: Path) -> None:
    def constant(proto: onnx.ModelProto) -> None:
        proto.graph.output.append(
            helper.make_empty_tensor_value_info(proto.graph.initializer[0].name)
        )

    def twice(proto: onnx.ModelProto) -> None:
        for node in proto.graph.node:
            node.name = "node"

    for edit in (constant, twice):
        proto, _ = conv_model("u8", True)
        edit(proto)
        path = tmp_path / "net.onnx"
        path.write_bytes(proto.SerializeToString())
        with pytest.raises(HlsgenError) as checked:
            flow_check.check(path)
        with pytest.raises(HlsgenError) as compiled:
            flow.compile(path)
        assert str(checked.value) == str(compiled.value)


def test_check_calls_the_nodes_around_an_unsupported_one_supported() -> None:
    model = QuantisedModel((1, 6, 8), "u8", opset=17)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    first = model.quantize(
        model.node("MatMul", x, model.weights((8, 8), 8, True, 1)), 0.02, 90, "u8"
    )
    middle = model.node("Einsum", model.dequantize(first, 0.02, 90, "u8"), equation="abc->abc")
    second = model.dequantize(model.quantize(middle, 0.02, 90, "u8"), 0.02, 90, "u8")
    output = model.quantize(model.node("Relu", second), 0.03, 0, "u8")
    rows = support(model.finish(output))
    assert {row.operator for row in rows if row.where == "unsupported"} == {"Einsum"}
    assert [row.where for row in rows if row.operator == "MatMul"] == ["hardware"]


def test_samples_stay_apart_where_a_cell_has_time_before_the_batch(tmp_path: Path) -> None:
    model = QuantisedModel((1, 6, 4), "u8", seed=9)
    steps = model.node("Transpose", model.dequantize("x", 0.02, 128, "u8"), perm=[1, 0, 2])
    weights = (model.random.normal(size=shape) / 2 for shape in ((1, 15, 4), (1, 15, 5)))
    operands = [model.constant(w.astype(np.float32)) for w in weights]
    states = model.node(
        "Squeeze", model.node("GRU", steps, *operands, hidden_size=5), model.constant(np.array([1]))
    )
    value = model.dequantize(model.quantize(states, 0.01, 120, "u8"), 0.01, 120, "u8")
    product = model.node("MatMul", value, model.weights((5, 3), 3, True, 1))
    proto, samples = model.finish(model.quantize(product, 0.02, 90, "u8")), model.samples(3)
    folder = open_folder(flow.compile(proto, output=tmp_path / "net").directory)
    reference = stored_reference(folder, "numpy")
    taken = reference.samples(samples, None, 0)
    ((value, integers),) = reference.integers(taken).items()
    answers = reference.answers("default", taken)[value]
    assert integers.shape == answers.shape and np.abs(integers - answers).max() <= 1
    assert np.count_nonzero(integers != answers) <= 2 and len(np.unique(integers)) > 4

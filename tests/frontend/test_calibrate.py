"""Calibration: bad samples are refused, and a float network becomes an integer one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.quantised_models import conv_model

from hlsgen import flow, flow_check
from hlsgen.errors import BadFile, TypeMismatch, UnsupportedOp
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer


def float_model() -> onnx.ModelProto:
    """Conv, BatchNormalization, Relu, MaxPool, Gemm, Softmax with a dynamic batch."""
    random = np.random.default_rng(0)
    arrays = {
        "w": random.normal(0, 0.3, (4, 2, 3, 3)),
        "gain": random.uniform(0.5, 1.5, 4),
        "offset": random.normal(0, 0.1, 4),
        "mean": random.normal(0, 0.1, 4),
        "variance": random.uniform(0.5, 1.5, 4),
        "dense": random.normal(0, 0.3, (16, 3)),
        "bias": random.normal(0, 0.1, 3),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "gain", "offset", "mean", "variance"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "dense", "bias"], ["f"]),
        helper.make_node("Softmax", ["f"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(a.astype(np.float32), k) for k, a in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def samples(count: int = 30) -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(1).normal(0, 1, (count, 2, 6, 6)).astype(np.float32)}


def test_float_network_becomes_an_integer_one(tmp_path: Path) -> None:
    onnx.save(float_model(), tmp_path / "net.onnx")
    np.savez(tmp_path / "samples.npz", **samples())
    quantised = calibrate(tmp_path / "net.onnx", tmp_path / "samples.npz")
    integer = to_integer(read_model(quantised))
    names = [node.op.name for node in integer.hardware.nodes]
    assert names == ["Conv", "Requantise", "MaxPool", "Reshape", "Gemm", "Requantise"]
    assert [node.op.name for node in integer.host_before.nodes] == ["QuantizeLinear"]
    assert integer.host_after.nodes[-1].op.name == "Softmax"
    results = evaluate(integer.hardware, evaluate(integer.host_before, samples()))
    reference = ort_reference(quantised, samples(), integer, "default")
    assert all(np.array_equal(results[k], reference[k]) for k in reference)
    real = evaluate(integer.host_after, results)["y"]
    exact = evaluate(read_model(float_model()), samples())["y"]
    assert np.abs(real - exact).max() < 0.05


def chain_model(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    """``nodes`` from "c" to "a" between two convolutions of float."""
    random = np.random.default_rng(1)
    arrays = {
        "first": random.normal(0, 0.3, (4, 2, 3, 3)),
        "second": random.normal(0, 0.2, (3, 4, 1, 1)),
        "slope": random.normal(0, 0.3, (4, 1, 1)),
        "three": np.array(3.0),
        "six": np.array(6.0),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "first"], ["c"]),
            *nodes,
            helper.make_node("Conv", ["a", "second"], ["y"]),
        ],
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, None, None])],
        [numpy_helper.from_array(a.astype(np.float32), k) for k, a in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


CHAINS = {
    **{
        op: (helper.make_node(op, ["c"], ["a"]),)
        for op in (
            "HardSwish",
            "LeakyRelu",
            "Gelu",
            "Tanh",
            "Elu",
            "Selu",
            "Softplus",
            "Mish",
            "GlobalMaxPool",
        )
    },
    "SiLU": (helper.make_node("Sigmoid", ["c"], ["s"]), helper.make_node("Mul", ["c", "s"], ["a"])),
    "PRelu": (helper.make_node("PRelu", ["c", "slope"], ["a"]),),
    "HardSwish of old exporters": (
        helper.make_node("Add", ["c", "three"], ["p"]),
        helper.make_node("Clip", ["p", "", "six"], ["q"]),
        helper.make_node("Mul", ["c", "q"], ["r"]),
        helper.make_node("Div", ["r", "six"], ["a"]),
    ),
    "Concat": (
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Split", ["r"], ["left", "right"], axis=1, num_outputs=2),
        helper.make_node("Concat", ["right", "left"], ["a"], axis=1),
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_functions_and_moves_between_layers_are_quantised_and_become_hardware(
    name: str,
) -> None:
    quantised = calibrate(chain_model(*CHAINS[name]), samples())
    integer = to_integer(read_model(quantised))
    assert {node.op.name for node in integer.host_before.nodes} == {"QuantizeLinear"}
    assert {node.op.name for node in integer.host_after.nodes} == {"DequantizeLinear"}
    results = evaluate(integer.hardware, evaluate(integer.host_before, samples()))
    reference = ort_reference(quantised, samples(), integer, "integer")
    assert all(np.array_equal(results[k], reference[k]) for k in reference)


@pytest.mark.parametrize(
    "bad",
    [
        {"z": np.zeros((3, 2, 6, 6), np.float32)},
        {"x": np.zeros((3, 2, 6, 7), np.float32)},
        {"x": np.zeros((3, 2, 6, 6), np.int64)},
        {"x": np.full((3, 2, 6, 6), np.nan, np.float32)},
        {"x": np.full((3, 2, 6, 6), np.inf, np.float32)},
    ],
)
def test_bad_samples_are_refused(bad: dict[str, np.ndarray]) -> None:
    with pytest.raises(TypeMismatch, match="expected"):
        calibrate(float_model(), bad)


def test_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "samples.npz").write_bytes(b"no archive")
    with pytest.raises(BadFile, match="npz"):
        calibrate(float_model(), tmp_path / "samples.npz")
    with pytest.raises(BadFile, match="npz"):
        calibrate(float_model(), tmp_path / "none.npz")


def test_quantised_model_is_not_calibrated() -> None:
    model, inputs = conv_model("u8", False)
    with pytest.raises(TypeMismatch, match="Leave out --calibrate"):
        calibrate(model, inputs)


@pytest.mark.parametrize("listed", [False, True])
def test_initializers_of_old_files_may_be_inputs_or_not(listed: bool) -> None:
    model = float_model()
    model.ir_version, model.opset_import[0].version = 3, 9
    if listed:
        for tensor in model.graph.initializer:
            kind = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            model.graph.input.append(kind)
    integer = to_integer(read_model(calibrate(model, samples())))
    assert "Conv" in [node.op.name for node in integer.hardware.nodes]


def test_errors_about_the_quantised_model_name_the_file(tmp_path: Path) -> None:
    """The graph is called ``float``; a power of two layers has no form on integers."""
    model = float_model()
    del model.graph.node[-1]
    nodes = [
        helper.make_node("Pow", ["f", "g"], ["q"], name="power"),
        helper.make_node("Gemm", ["q", "last"], ["y"]),
    ]
    model.graph.node.append(helper.make_node("Gemm", ["e", "other"], ["g"]))
    model.graph.node.extend(nodes)
    for name, shape in (("other", (16, 3)), ("last", (3, 3))):
        array = np.random.default_rng(2).normal(0, 1, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    onnx.save(model, tmp_path / "net.onnx")
    np.savez(tmp_path / "samples.npz", **samples())
    with pytest.raises(UnsupportedOp) as compiled:
        flow.compile(tmp_path / "net.onnx", calibrate=tmp_path / "samples.npz")
    assert compiled.value.where.startswith("net.onnx, node power")
    rows = flow_check.check(tmp_path / "net.onnx", calibrate=tmp_path / "samples.npz")
    assert [row.node for row in rows if row.where == "unsupported"] == ["power"]

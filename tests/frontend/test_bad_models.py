"""Every kind of bad model gives three lines that name the file, and no traceback."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.bad_models import EDITS, external, good, node, operator
from support.quantised_models import QuantisedModel

from hlsgen.errors import BadFile, HlsgenError, UnsupportedOp
from hlsgen.flow_check import check
from hlsgen.frontend import onnx_reader
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.passes import to_integer


@pytest.mark.parametrize("case", EDITS)
def test_bad_model_is_refused_in_three_lines(case: str, tmp_path: Path) -> None:
    edit, kind, words = EDITS[case]
    model = good()
    edit(model)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(kind) as caught:
        to_integer(read_model(path))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3 and "net.onnx" in lines[0]
    assert words in str(caught.value)
    assert "expected" in lines[1] and "found" in lines[1]
    assert caught.value.exit_code == 2


def test_line_breaks_in_names_do_not_break_the_three_lines() -> None:
    model = good()
    node(model, "Relu").name = "first\nsecond"
    operator(model)
    with pytest.raises(UnsupportedOp, match=r"first\\nsecond") as caught:
        read_model(model)
    assert len(str(caught.value).splitlines()) == 3


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    data = good().SerializeToString()
    for length in (0, 1, 10, len(data) // 2, len(data) - 1):
        path = tmp_path / "net.onnx"
        path.write_bytes(data[:length])
        with pytest.raises(HlsgenError) as caught:
            to_integer(read_model(path))
        assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("content", [b"hello, this is text\n", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(BadFile, match="ONNX"):
        read_model(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        read_model(tmp_path / "none.onnx")
    with pytest.raises(BadFile):
        read_model(tmp_path)


def test_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "model"
    inside.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(108))
    (inside / "weights.bin").symlink_to(tmp_path / "secret.bin")
    model = good()
    external("weights.bin")(model)
    (inside / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BadFile, match="inside the model's folder"):
        read_model(inside / "net.onnx")


def test_external_data_beside_the_model_is_read(tmp_path: Path) -> None:
    model = good()
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    values = numpy_helper.to_array(tensor)
    external("weights.bin")(model)
    (tmp_path / "weights.bin").write_bytes(values.tobytes())
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    graph = read_model(tmp_path / "net.onnx")
    assert np.array_equal(graph.constants[tensor.name], values)


def test_float_model_asks_for_calibration() -> None:
    model = QuantisedModel((1, 3), "u8")
    model.nodes.append(helper.make_node("Relu", ["x"], ["y"], name="only"))
    proto = model.finish("y")
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    with pytest.raises(UnsupportedOp, match="--calibrate"):
        to_integer(read_model(proto))


def test_float_operator_between_integer_ones_is_named() -> None:
    model = QuantisedModel((1, 2, 4, 4), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    value = model.node("Conv", x, model.weights((2, 2, 1, 1), 2, False))
    value = model.node("Softmax", value)
    value = model.node("Conv", value, model.weights((2, 2, 1, 1), 2, False))
    first = model.quantize(value, 0.1, 3, "u8")
    x = model.dequantize(first, 0.1, 3, "u8")
    last = model.quantize(model.node("MaxPool", x, kernel_shape=[2, 2]), 0.1, 3, "u8")
    integer = to_integer(read_model(model.finish(last)))
    assert [node.op.name for node in integer.hardware.nodes] == ["MaxPool"]
    with pytest.raises(UnsupportedOp, match="Softmax"):
        x = model.dequantize("x", 0.1, 3, "u8")
        pooled = model.quantize(model.node("MaxPool", x, kernel_shape=[1, 1]), 0.2, 3, "u8")
        soft = model.node("LogSoftmax", model.dequantize(pooled, 0.2, 3, "u8"))
        back = model.quantize(soft, 0.01, 0, "u8")
        real = model.dequantize(back, 0.01, 0, "u8")
        end = model.quantize(model.node("MaxPool", real, kernel_shape=[2, 2]), 0.02, 0, "u8")
        to_integer(read_model(model.finish(end)))


def test_a_failure_that_nobody_foresaw_names_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OverflowError("too large to convert")

    monkeypatch.setattr(onnx_reader, "bind", fail)
    with pytest.raises(BadFile, match=r"node .*\nexpected .* OverflowError"):
        read_model(good())


@pytest.mark.parametrize("scale", [1e-38, 1e-45, 3e38])
@pytest.mark.parametrize("number", range(4))
def test_scales_at_the_ends_of_float32_are_judged_without_warnings(
    scale: float, number: int
) -> None:
    model = good()
    borders = [n for n in model.graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    (tensor,) = (t for t in model.graph.initializer if t.name == borders[number].input[1])
    array = np.full(tuple(tensor.dims), scale, np.float32)
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            check(model)
        except HlsgenError as error:
            assert len(str(error).splitlines()) == 3

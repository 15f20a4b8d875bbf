"""What exporters leave in a model that means nothing in inference, or follows from constants: the result is ONNX Runtime's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from support.quantised_models import QuantisedModel

from hlsgen.errors import BadFile, TypeMismatch
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.model_file import load, load_whole
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.frontend.support import support
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer


def assert_as_onnxruntime(model: onnx.ModelProto, samples: dict[str, np.ndarray]) -> None:
    """Every element is that of the session in which equality is declared."""
    proto = load_whole(model)
    integer = to_integer(read_model(model))
    (promise,) = declared_outputs(proto, integer)
    assert promise.exact
    (got,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (want,) = ort_reference(proto, samples, integer, promise.session).values()
    assert got.shape == want.shape and np.array_equal(got, want)


def network(middle: Callable[[QuantisedModel, str], str], opset: int = 17) -> onnx.ModelProto:
    """Conv and Relu, quantised; then ``middle`` between Dequantize and Quantize."""
    model = QuantisedModel((1, 2, 4, 5), "u8", opset=opset)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Relu", model.node("Conv", x, model.weights((4, 2, 1, 1), 4, False)))
    value = model.dequantize(model.quantize(value, 0.02, 0, "u8"), 0.02, 0, "u8")
    return model.finish(model.quantize(middle(model, value), 0.02, 0, "u8"))


def samples() -> dict[str, np.ndarray]:
    return QuantisedModel((1, 2, 4, 5), "u8").samples(4)


def dropout(model: QuantisedModel, value: str) -> str:
    ratio, training = model.constant(np.float32(0.4)), model.constant(np.array(False))
    return model.node("Dropout", value, ratio, training)


def casts(model: QuantisedModel, value: str) -> str:
    return model.node("Identity", model.node("Cast", value, to=TensorProto.FLOAT))


def view_chain(model: QuantisedModel, value: str) -> str:
    axes = model.constant(np.array([0]))
    batch = model.node("Gather", model.node("Shape", value), model.constant(np.array(0)), axis=0)
    half = model.node("Div", model.node("Size", value), model.constant(np.array(4)))
    extents = [batch, model.constant(np.array(-1)), half]
    shape = model.node("Concat", *(model.node("Unsqueeze", e, axes) for e in extents), axis=0)
    return model.node("Reshape", value, shape)


def odd_types(model: QuantisedModel, value: str) -> str:
    """A shape that is computed in float64, bool and float16."""
    double = model.node("Cast", model.node("Shape", value), to=TensorProto.DOUBLE)
    large = model.node("Greater", double, model.constant(np.float64(3.5)))
    shape = model.node("Where", large, double, model.constant(np.full(4, 3.0)))
    small = model.node("Cast", model.node("Add", shape, double), to=TensorProto.FLOAT16)
    back = model.node("Cast", model.node("Sub", small, small), to=TensorProto.INT64)
    return model.node("Reshape", value, model.node("Add", back, model.node("Shape", value)))


def filled(model: QuantisedModel, value: str) -> str:
    count = model.node("Gather", model.node("Shape", value), model.constant(np.array([0])))
    ones = model.node("ConstantOfShape", count, value=helper.make_tensor("v", 7, [1], [1]))
    shape = model.node("Concat", ones, model.constant(np.array([-1])), axis=0)
    return model.node("Reshape", value, shape)


def ranges(model: QuantisedModel, value: str) -> str:
    start, end, step = (model.constant(np.array(n)) for n in (0, 4, 1))
    order = model.node("Range", start, end, step)
    shape = model.node("Gather", model.node("Shape", value), order)
    return model.node("Reshape", value, shape)


def branch(model: QuantisedModel, value: str) -> str:
    """An If whose branches read from outside; the condition compares constants."""
    rank = model.node("Size", model.node("Shape", value))
    condition = model.node("Equal", rank, model.constant(np.array(4)))

    def graph(op: str, inner: str) -> onnx.GraphProto:
        shape = numpy_helper.from_array(np.array([1, -1]), "shape")
        nodes = [
            helper.make_node("Relu", [value], [f"{inner}_relu"]),
            helper.make_node(op, [f"{inner}_relu", "shape"][: 1 + (op == "Reshape")], [inner]),
        ]
        return helper.make_graph(
            nodes, op, [], [helper.make_empty_tensor_value_info(inner)], [shape]
        )

    return model.node(
        "If", condition, then_branch=graph("Reshape", "a"), else_branch=graph("Abs", "b")
    )


MIDDLES = {
    "dropout with ratio and training": dropout,
    "casts": casts,
    "If": branch,
    "view chain": view_chain,
    "types that circuits do not have": odd_types,
    "ConstantOfShape": filled,
    "Range": ranges,
}


@pytest.mark.parametrize("middle", MIDDLES)
def test_leftovers_change_nothing(middle: str) -> None:
    model = network(MIDDLES[middle])
    assert_as_onnxruntime(model, samples())
    assert not any(row.where == "unsupported" for row in support(model))


@pytest.mark.parametrize("opset", [7, 8, 9])
def test_dropout_of_old_opsets_is_nothing(opset: int) -> None:
    model = network(lambda m, v: m.node("Dropout", v, ratio=0.3), opset=17)
    model.opset_import[0].version = opset
    model.ir_version = 3
    graph = read_model(_floats(model))
    assert [node.op.name for node in graph.nodes] == ["Conv", "Relu", "Identity"]


def _floats(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without its quantisation; initializers are inputs too, as in IR version 3."""
    nodes = {node.output[0]: node for node in model.graph.node}
    for name, node in nodes.items():
        if node.op_type.endswith("quantizeLinear") or node.op_type == "QuantizeLinear":
            for reader in model.graph.node:
                reader.input[:] = [node.input[0] if v == name else v for v in reader.input]
            model.graph.node.remove(node)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
        value = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, array.shape)
        model.graph.input.append(value)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    model.graph.output[0].name = model.graph.node[-1].output[0]
    return model


def test_a_second_result_that_nobody_reads_is_left_out() -> None:
    model = network(dropout)
    node = next(node for node in model.graph.node if node.op_type == "Dropout")
    node.output.append("mask")
    assert_as_onnxruntime(model, samples())


def test_dropout_in_training_is_refused() -> None:
    model = network(dropout)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.BOOL:
            tensor.CopyFrom(numpy_helper.from_array(np.array(True), tensor.name))
    with pytest.raises(TypeMismatch, match="training_mode true"):
        read_model(model)


def test_what_no_node_reads_is_not_looked_at() -> None:
    model = network(casts)
    for kind in (
        TensorProto.DOUBLE,
        TensorProto.FLOAT16,
        TensorProto.STRING,
        TensorProto.COMPLEX64,
    ):
        model.graph.initializer.add(name=f"junk_{kind}", data_type=kind, dims=[3])
    model.graph.initializer.add(name="huge", data_type=TensorProto.FLOAT, dims=[1 << 40])
    assert "huge" not in read_model(model).constants


def test_identity_in_front_of_scale_and_zero_point_is_nothing() -> None:
    model = network(casts)
    quantize = model.graph.node[-1]
    for k in (1, 2):
        name = f"shared_{k}"
        model.graph.node.insert(0, helper.make_node("Identity", [quantize.input[k]], [name]))
        quantize.input[k] = name
    assert_as_onnxruntime(model, samples())


def test_functions_with_attributes_and_functions_inside_are_inlined() -> None:
    model = network(lambda m, v: m.node("Outer", v, domain="own", slope=0.0))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    leaky = helper.make_node("LeakyRelu", ["a"], ["b"])
    leaky.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    inner = helper.make_function("own", "Inner", ["a"], ["b"], [leaky], opsets, ["slope"])
    call = helper.make_node("Inner", ["a"], ["b"], domain="own")
    call.attribute.add(name="slope", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    outer = helper.make_function("own", "Outer", ["a"], ["b"], [call], opsets, ["slope"])
    model.functions.extend([inner, outer])
    model.opset_import.append(opsets[1])
    operators = {node.op_type for node in load(model).proto.graph.node}
    assert "LeakyRelu" in operators and not operators & {"Inner", "Outer"}


def test_a_fixed_batch_is_bound_to_one_also_in_shapes() -> None:
    def flatten(m: QuantisedModel, value: str) -> str:
        return m.node("Reshape", value, m.constant(np.array([4, 80])))

    model = network(flatten)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    assert_as_onnxruntime(model, samples())
    assert load(model).note == "its batch of 4 bound to 1"


def test_a_batch_that_is_mixed_is_refused_rather_than_bound() -> None:
    def mixed(m: QuantisedModel, value: str) -> str:
        return m.node("Reshape", value, m.constant(np.array([1, 320])))

    model = network(mixed)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    with pytest.raises(TypeMismatch, match=r"expected .*320|batch of 4"):
        read_model(model)


def _external(path: Path) -> onnx.ModelProto:
    model = network(casts)
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 4)
    data = numpy_helper.to_array(tensor).tobytes()
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="model.onnx_data")
    path.write_bytes(data)
    return model


def test_external_data_in_the_blobs_of_a_hub_s_cache_is_read(tmp_path: Path) -> None:
    snapshot, blobs = tmp_path / "snapshots" / "abc" / "onnx", tmp_path / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    model = _external(blobs / "1234")
    (blobs / "5678").write_bytes(model.SerializeToString())
    (snapshot / "model.onnx").symlink_to("../../../blobs/5678")
    (snapshot / "model.onnx_data").symlink_to("../../../blobs/1234")
    read_model(snapshot / "model.onnx")
    assert_as_onnxruntime(load_whole(snapshot / "model.onnx"), samples())
    (tmp_path / "secret").write_bytes(bytes(99))
    (snapshot / "model.onnx_data").unlink()
    (snapshot / "model.onnx_data").symlink_to(tmp_path / "secret")
    with pytest.raises(BadFile, match="inside the model's folder"):
        read_model(snapshot / "model.onnx")


def test_double_precision_is_refused_with_what_to_do() -> None:
    model = network(casts)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    with pytest.raises(Exception, match=r"found (float64|double)\n.*float32"):
        read_model(model)

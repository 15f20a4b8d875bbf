"""Refusals of operators: bindings of ONNX nodes, calibration, graphs made by hand, requantisation and lowering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from errors.cases_networks import edited
from errors.messages import Case
from frontend import test_unusual_models as unusual
from graph import test_graph as graphs
from onnx import TensorProto, helper, numpy_helper
from requantise import test_requantise as requantising
from support import bad_models as models
from support.quantised_models import QuantisedModel

from hlsgen.algebra.types import S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.errors import TypeMismatch
from hlsgen.frontend import calibrate as calibration
from hlsgen.frontend import onnx_reader
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.frontend.sessions import open_session
from hlsgen.graph import check as graph_check
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph, Node
from hlsgen.lowering.lower import lower
from hlsgen.ops.activation import Identity, Relu
from hlsgen.ops.conv import Conv
from hlsgen.ops.op import TensorOp
from hlsgen.ops.pool import MaxPool
from hlsgen.ops.tensor_type import F32, TensorType
from hlsgen.passes import to_integer
from hlsgen.passes.pipeline import GraphPasses
from hlsgen.passes.rewrite import Refused, unheard
from hlsgen.requantise import Mean
from hlsgen.requantise.choice import choose_for, float32_parameters
from hlsgen.requantise.reference import Rounding

U8 = ElementType(8, False)
FLOATS = {"x": np.zeros((2, 3, 7, 8), np.float32)}


def attribute(op_type: str, name: str, value: object) -> models.Edit:
    def edit(model: onnx.ModelProto) -> None:
        models.node(model, op_type).attribute.append(helper.make_attribute(name, value))

    return edit


def operands(op_type: str, *names: str) -> models.Edit:
    def edit(model: onnx.ModelProto) -> None:
        models.node(model, op_type).input[:] = names

    return edit


def appended(
    op_type: str, *inputs: str, constants: tuple = (), **attributes: object
) -> models.Edit:
    """One more node, behind the last one unless ``inputs`` name others."""

    def edit(model: onnx.ModelProto) -> None:
        for k, array in enumerate(constants):
            model.graph.initializer.append(numpy_helper.from_array(np.array(array), f"more{k}"))
        names = [model.graph.output[0].name if name == "*" else name for name in inputs]
        model.graph.node.append(
            helper.make_node(op_type, names, ["last"], name="last", **attributes)
        )
        model.graph.output[0].name = "last"

    return edit


def two_outputs(model: onnx.ModelProto) -> None:
    models.node(model, "Relu").output.append("more")
    model.graph.output.append(onnx.ValueInfoProto(name="more"))


def constant_text(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["text"], value_string="a"))
    model.graph.node.append(helper.make_node("Relu", ["text"], ["of_text"]))


def matrix_of_scales(model: onnx.ModelProto) -> None:
    name = models.node(model, "QuantizeLinear").input[1]
    models.replaced(model, name, np.full((2, 2), 0.1, np.float32))


def without_shape(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.ClearField("shape")


def constant_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_empty_tensor_value_info("c2"))


def few_numbers(model: onnx.ModelProto) -> None:
    models.read_tensor(model, 3)


def qlinear_of(zero: object, first: str = "x") -> Case:
    """A QLinearConv whose result has this zero point."""

    def case(folder: Path) -> object:
        model = QuantisedModel((1, 1, 3, 3), "u8")
        weights = model.constant(np.ones((1, 1, 1, 1), np.int8))
        scale = model.constant(np.float32(0.1))
        own = model.parameters(0.1, 3, "u8"), model.parameters(0.1, 0, "s8")
        value = model.node(
            "QLinearConv", first, *own[0], weights, *own[1], scale, model.constant(np.array(zero))
        )
        return read_model(model.finish(value))

    return case


def wrong_length(folder: Path) -> object:
    model = models.good()
    models.external("weights.bin")(model)
    (folder / "weights.bin").write_bytes(bytes(9))
    for tensor in model.graph.initializer:
        if tensor.external_data:
            tensor.external_data.add(key="length", value="9")
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return read_model(folder / "net.onnx")


def unforeseen(folder: Path) -> object:
    """A failure within a binding that nobody thought of."""

    def fails(*arguments: object) -> None:
        raise ValueError("unforeseen")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_reader, "bind", fails)
        return read_model(models.good())


def float_relu() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="relu")],
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 7, 8])],
        [helper.make_empty_tensor_value_info("y")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def calibrated(
    model: Callable[[], onnx.ModelProto], samples: np.ndarray, fails: bool = False
) -> Case:
    def broken(*arguments: object) -> None:
        raise ValueError("what its quantiser says")

    def case(folder: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            if fails:
                patch.setattr(calibration, "_quantise", broken)
            return calibration.calibrate(model(), {"x": samples})

    return case


def no_session(folder: Path) -> object:
    model = unusual.spoiled_by_the_optimiser()
    return open_session(model.finish(model.nodes[-1].output[0]), [], "default")


def never_runs() -> onnx.ModelProto:
    """A pool with pads of the kernel's size, which ONNX Runtime refuses."""
    model = QuantisedModel((1, 1, 9), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    value = model.node("MaxPool", x, kernel_shape=[2], pads=[2, 2])
    return model.finish(model.quantize(value, 0.1, 3, "u8"))


def not_run(folder: Path) -> object:
    model = never_runs()
    return declared_outputs(model, to_integer(read_model(model)))


def refused_samples(folder: Path) -> object:
    model = models.good()
    return ort_reference(
        model, {"x": np.zeros((1, 3, 7, 9), np.uint8)}, to_integer(read_model(model))
    )


def file_for_a_session(folder: Path) -> object:
    (folder / "net.onnx").write_bytes(b"text")
    return ort_reference(folder / "net.onnx", {}, to_integer(read_model(models.good())))


def built(op: TensorOp, *names: str) -> Case:
    """A graph with an input x, reals r, weights and one node."""

    def case(folder: Path) -> object:
        return lower(one_node(op, *names))

    return case


def one_node(op: TensorOp, *names: str) -> Graph:
    build = GraphBuilder("net")
    build.input("x", TensorType((1, 1, 4, 4), S8))
    build.input("w", TensorType((1, 1, 2, 2), S8))
    build.input("r", TensorType((1, 1, 4, 4), F32))
    build.constant("c", np.zeros((1, 1, 4, 4), np.int8), S8)
    return build.finish([build.node(op, names, "y", "last")])


def twice(folder: Path) -> object:
    build = GraphBuilder("net")
    build.input("x", TensorType((1, 4), S8))
    return build.input("x", TensorType((1, 4), S8))


def retyped_constant(graph: Graph) -> Graph:
    return replace(graph, constants={**graph.constants, "w": graph.constants["w"].astype(np.int32)})


def unequal_samples(folder: Path) -> object:
    build = GraphBuilder("net")
    for name in ("a", "b"):
        build.input(name, TensorType((1, 4), S8))
    graph = build.finish(["a", "b"])
    return evaluate(graph, {"a": np.zeros((2, 4), np.int8), "b": np.zeros((3, 4), np.int8)})


@dataclass(frozen=True)
class Failing:
    """A pass that refuses every graph."""

    name = "failing"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        raise TypeMismatch(
            "net.onnx, node Conv_3 (Conv)", "expected this, found that", "Repair it."
        )


def mean_of_no_form(folder: Path) -> object:
    mean = Mean(0.05, 12, 0.125, 3, True)
    scale = np.array([mean.factor], np.float32)
    return choose_for(Rounding(scale, 3, 0, 255, np.array([-36]), np.array([3024]), mean), "pool")


def layer(*scales: float, high: int = 127) -> Rounding:
    return requantising.layer(np.array(scales, np.float32), 0, -128, high, 1 << 20)


def operator_cases() -> dict[str, Case]:
    return file_cases() | run_cases() | step_cases()


def file_cases() -> dict[str, Case]:
    """What is wrong in the file of a model."""
    edits = {
        "a constant that is text": constant_text,
        "two results": two_outputs,
        "Quantize without a scale": operands("QuantizeLinear", "x", ""),
        "operands of a Relu": operands("Relu", "v3", "v3"),
        "attribute of another type": attribute("Conv", "group", 1.5),
        "Reshape without a shape": appended("Reshape", "*"),
        "Cast to text": appended("Cast", "*", to=8),
        "axis that is text": attribute("QuantizeLinear", "axis", "x"),
        "scales in a matrix": matrix_of_scales,
        "input without a shape": without_shape,
        "output that is constant": constant_output,
        "numbers that are missing": few_numbers,
        "quantised reals that no operator takes as integers": appended("Softmax", "v0"),
        "auto_pad with dilations": lambda model: models.node(model, "Conv").attribute.extend(
            [
                helper.make_attribute("auto_pad", "SAME_UPPER"),
                helper.make_attribute("dilations", [2, 2]),
            ]
        ),
    }
    return {name: edited(edit) for name, edit in edits.items()} | {
        "QLinearConv without an operand": qlinear_of(np.uint8(3), ""),
        "QLinearConv to reals": qlinear_of(np.float32(0)),
        "external data of another length": wrong_length,
        "unforeseen failure": unforeseen,
        "a number for a model": lambda folder: read_model(5),  # type: ignore[arg-type]
    }


def run_cases() -> dict[str, Case]:
    """What ONNX Runtime or the quantiser refuses."""
    return {
        "calibrate: quantised already": calibrated(models.good, FLOATS["x"]),
        "calibrate: no samples": calibrated(float_relu, FLOATS["x"][:0]),
        "calibrate: NaN": calibrated(float_relu, FLOATS["x"] * np.nan),
        "calibrate: the quantiser fails": calibrated(float_relu, FLOATS["x"], True),
        "ONNX Runtime: session": no_session,
        "ONNX Runtime: no session at all": not_run,
        "ONNX Runtime: samples": refused_samples,
        "ONNX Runtime: file": file_for_a_session,
    }


def step_cases() -> dict[str, Case]:
    """What a step between graph and circuit refuses."""
    return {
        "unrolling of 0": lambda folder: Unroll(o=0),
        "graph: unknown operand": built(Relu(), "nothing"),
        "graph: a value twice": twice,
        "graph: type of a constant's array": lambda folder: graph_check.check(
            retyped_constant(graphs.small())
        ),
        "graph: a node that does not fit": lambda folder: graph_check.check(misfit()),
        "graph: samples of unequal numbers": unequal_samples,
        "lower: constant operand": built(
            MaxPool((2, 2)).normalised((TensorType((1, 1, 4, 4), S8),)), "c"
        ),
        "lower: an operator without circuit": built(Identity(), "x"),
        "lower: computed weights": built(Conv((2, 2), (1, 1), (0,) * 4, (1, 1)), "x", "w"),
        "pass that refuses": lambda folder: GraphPasses((Failing(),)).run(graphs.small()),
        "requantise: to 32 bits": lambda folder: choose_for(layer(0.1, high=(1 << 31) - 1)),
        "requantise: a mean of no form": mean_of_no_form,
        "requantise: scales far apart": lambda folder: float32_parameters(
            layer(2.0**-18 * 1.1, 2.0**5 * 1.3)
        ),
        "requantise: scales too far apart for one unit": lambda folder: choose_for(
            layer(2.0**-20 * 1.1, 2.0**-4 * 1.3), nudged=False
        ),
        "requantise: scale of 0": lambda folder: layer(0.0),
    }


def misfit() -> Graph:
    graph = graphs.small()
    node = graph.nodes[0]
    odd = Node(node.name, replace(node.op, kernel=(2, 2)), node.inputs, node.output)
    return replace(graph, nodes=(odd, *graph.nodes[1:]))

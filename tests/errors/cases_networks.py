"""Refusals of networks: ONNX files, graphs, the integer meaning, dataflows and schedules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from algebra import test_scalar as scalars
from dataflow import test_dataflow_check as dataflows
from errors.messages import Case, rows
from frontend import test_additive_tables as additive
from frontend import test_logic_tables as logic
from graph import test_graph as graphs
from schedule.stream_network import test_schedule_text as schedules
from support import bad_models as models
from support.example_nets import convolution_net
from support.quantised_models import QuantisedModel

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.algebra.unroll import parse_unroll
from hlsgen.dataflow import check as dataflow_check
from hlsgen.dataflow import text as dataflow_text
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.ir import Dataflow, Store
from hlsgen.flow import compile
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.table_file import read_tables
from hlsgen.graph import check as graph_check
from hlsgen.graph import text as graph_text
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clamp
from hlsgen.ops.tensor_type import TensorType
from hlsgen.passes import to_integer
from hlsgen.schedule.stream_network import text as schedule_text


def edited(edit: models.Edit) -> Case:
    def case(folder: Path) -> object:
        model = models.good()
        edit(model)
        (folder / "net.onnx").write_bytes(model.SerializeToString())
        return to_integer(read_model(folder / "net.onnx"))

    return case


def file_of(content: bytes) -> Case:
    def case(folder: Path) -> object:
        (folder / "net.onnx").write_bytes(content)
        return to_integer(read_model(folder / "net.onnx"))

    return case


def float_relu(folder: Path) -> object:
    model = QuantisedModel((1, 3), "u8")
    model.node("Relu", "x")
    proto = model.finish(model.nodes[-1].output[0])
    proto.graph.input[0].type.tensor_type.elem_type = models.TensorProto.FLOAT
    return to_integer(read_model(proto))


def softmax_between(folder: Path) -> object:
    """A float operator between two that run in hardware."""
    model = QuantisedModel((1, 2, 4, 4), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    pooled = model.quantize(model.node("MaxPool", x, kernel_shape=[1, 1]), 0.2, 3, "u8")
    soft = model.node("LogSoftmax", model.dequantize(pooled, 0.2, 3, "u8"))
    real = model.dequantize(model.quantize(soft, 0.01, 0, "u8"), 0.01, 0, "u8")
    end = model.quantize(model.node("MaxPool", real, kernel_shape=[2, 2]), 0.02, 0, "u8")
    return to_integer(read_model(model.finish(end)))


def external_in_memory(folder: Path) -> object:
    model = models.good()
    models.external("weights.bin")(model)
    return read_model(model)


def table_file(name: str) -> Case:
    """A network of tables that is wrong in one place."""
    return lambda folder: read_tables(additive.written(folder, additive.edited(name)))


def logic_file(name: str) -> Case:
    """A network of logic that is wrong in one place."""
    return lambda folder: read_tables(logic.written(folder, logic.edited(name)))


def wrong_widths(folder: Path) -> object:
    return read_tables(additive.written(folder, additive.small(), 99))


def no_json(folder: Path) -> object:
    (folder / "tables.json").write_text("{")
    return read_tables(folder / "tables.json")


def tables_on_grid(folder: Path) -> object:
    return compile(additive.written(folder, additive.small()), schedule="grid")


def table_cases() -> dict[str, Case]:
    cases = {name: table_file(name) for name in additive.EDITS}
    cases |= {f"logic: {name}": logic_file(name) for name in logic.EDITS}
    return cases | {
        "widths of a configuration": wrong_widths,
        "no JSON": no_json,
        "on a grid": tables_on_grid,
    }


def model_cases() -> dict[str, Case]:
    cases = {name: edited(edit) for name, (edit, _, _) in models.EDITS.items()}
    good = models.good().SerializeToString()
    return cases | {
        "no file": lambda folder: read_model(folder / "none.onnx"),
        "a folder": read_model,
        "empty file": file_of(b""),
        "text": file_of(b"hello, this is text\n"),
        "truncated": file_of(good[: len(good) // 2]),
        "external data of a model in memory": external_in_memory,
        "float model": float_relu,
        "float operator between integer ones": softmax_between,
    }


def checked_graph(change: Callable[[Graph], Graph]) -> Case:
    return lambda folder: graph_check.check(change(graphs.small()))


def parsed_graph(old: str, new: str, constants: bool = True) -> Case:
    def case(folder: Path) -> object:
        graph = graphs.small()
        text = graph_text.to_text(graph)
        assert old in text
        known = graph_text.constants_of(graph) if constants else {}
        return graph_text.parse(text.replace(old, new), known)

    return case


def evaluated(inputs: dict[str, np.ndarray]) -> Case:
    return lambda folder: evaluate(graphs.small(), inputs)


def retyped(name: str, shape: tuple[int, ...], bits: int) -> Callable[[Graph], Graph]:
    def change(graph: Graph) -> Graph:
        types = {**graph.types, name: TensorType(shape, ElementType(bits, True))}
        return replace(graph, types=types)

    return change


def graph_cases() -> dict[str, Case]:
    loop = Node("c", Clamp(0, 1), ("y",), "a")
    changes: dict[str, Callable[[Graph], Graph]] = {
        "nodes in disorder": lambda g: replace(g, nodes=g.nodes[::-1]),
        "cycle": lambda g: replace(g, nodes=(g.nodes[1], loop)),
        "no producer": lambda g: replace(g, nodes=g.nodes[1:]),
        "two producers": lambda g: replace(g, nodes=(g.nodes[0], *g.nodes)),
        "output of another name": lambda g: replace(g, outputs=("z",)),
        "input that is a constant": lambda g: replace(g, inputs=("x", "w")),
        "type of a result": retyped("y", (1, 2, 1, 1), 7),
        "type of a constant": retyped("w", (2, 1, 3, 3), 2),
    }
    cases = {name: checked_graph(change) for name, change in changes.items()}
    cases |= {
        "text: operator": parsed_graph("Requantise(", "Unknown("),
        "text: type": parsed_graph("s8[1,1,3,3]", "z8[1,1,3,3]"),
        "text: word": parsed_graph("node", "nod"),
        "text: constant": parsed_graph("node", "node", constants=False),
        "text: code": parsed_graph("scale=(0.01,)", "scale=__import__('os').getcwd()"),
    }
    for (inputs,) in rows(graphs.test_evaluation_refuses_inputs_of_other_names_shapes_and_types):
        cases[f"run: input {len(cases)}"] = evaluated(inputs)
    cases["run: index"] = lambda folder: evaluate(graphs.embedding(), {"i": np.array([[2, 99]])})
    for (make,) in rows(scalars.test_constants_out_of_range_are_refused):
        cases[f"scalar operator {len(cases)}"] = _made(make)
    cases["element type of 90 bits"] = lambda folder: ElementType(90, True)
    return cases


def _made(make: Callable[[], object]) -> Case:
    return lambda folder: make()


def checked_dataflow(change: Callable[[Dataflow], Dataflow]) -> Case:
    def case(folder: Path) -> object:
        legal = convolution_net()
        stores = {**legal.stores, "rows": Store("rows", np.arange(9), U8)}
        return dataflow_check.check(change(replace(legal, stores=stores)))

    return case


def parsed_dataflow(old: str, new: str) -> Case:
    def case(folder: Path) -> object:
        net = convolution_net()
        text = dataflow_text.to_text(net).replace(old, new, 1)
        return dataflow_text.parse(text, dataflow_text.store_arrays(net))

    return case


def run_dataflow(**inputs: np.ndarray) -> Case:
    return lambda folder: interpret(convolution_net(), inputs)


def schedule_of(line: str) -> Case:
    text = f"schedule interval=1 latency=1\n{line}\n"
    return lambda folder: schedule_text.parse(text, schedules.EMPTY)


def unrolled(text: str) -> Case:
    return lambda folder: parse_unroll(text)


def dataflow_cases() -> dict[str, Case]:
    cases = {name: checked_dataflow(change) for name, (change, _) in dataflows.BROKEN.items()}
    for old, new in rows(dataflows.test_wrong_text_is_refused):
        cases[f"text: {old} -> {new}"] = parsed_dataflow(old, new)
    for (line,) in rows(schedules.test_a_line_that_is_no_schedule_is_named):
        cases[f"schedule: {line}"] = schedule_of(line)
    for text in ("conv", "conv:q=3", "conv:o=0", "conv:o=a"):
        cases[f"unroll: {text}"] = unrolled(text)
    return cases | {
        "run: no input": run_dataflow(),
        "run: shape": run_dataflow(x=np.zeros((1, 6, 5), np.int64)),
        "run: values": run_dataflow(x=np.full((1, 6, 5, 3), S8.maximum + 1)),
    }

"""Refusals of states: names, shapes and quantisations, what cannot keep one, and graphs and dataflows that break their rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from errors.messages import ROOT, Case
from support.stateful_models import Samples, gru_cell, two_states, with_counter

from hlsgen import flow
from hlsgen.algebra.types import S8
from hlsgen.arguments import parse_states
from hlsgen.dataflow import check as dataflow_check
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.sequences import sequence_samples
from hlsgen.graph import check as graph_check
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, StateValue
from hlsgen.ops.activation import Clamp
from hlsgen.ops.tensor_type import TensorType

FIR = f"{ROOT / 'examples' / 'kernels' / 'fir.py'}:fir"


def compiled(
    source: tuple[onnx.ModelProto, Samples],
    state: dict[str, str],
    quantised: bool = True,
    **options: str,
) -> Case:
    def case(folder: Path) -> object:
        model, samples = source
        if quantised:
            np.savez(folder / "x.npz", **samples)  # type: ignore[arg-type]
            options["calibrate"] = str(folder / "x.npz")
        return flow.compile(model, state=state, output=folder / "out", **options)  # type: ignore[arg-type]

    return case


def with_extent(
    source: tuple[onnx.ModelProto, Samples], extents: list[int]
) -> tuple[onnx.ModelProto, Samples]:
    """A state that is not used, of another first dimension."""
    model, samples = source
    model.graph.node.append(onnx.helper.make_node("Neg", ["old"], ["new"], "negative"))
    for ports, name in ((model.graph.input, "old"), (model.graph.output, "new")):
        ports.append(onnx.helper.make_tensor_value_info(name, 1, extents))
    return model, samples


def two_outputs() -> tuple[onnx.ModelProto, Samples]:
    """A GRU cell with an input beside it of the shape of its output."""
    model, samples = gru_cell()
    model.graph.node.append(onnx.helper.make_node("Add", ["y", "x2"], ["w"], "sum"))
    model.graph.input.append(onnx.helper.make_tensor_value_info("x2", 1, [1, 3]))
    model.graph.output[0].name = "w"
    return model, samples | {"x2": samples["x"][:, :3]}


def on_the_host(folder: Path) -> object:
    model, samples = two_states()
    states = {"b1": "a1", "b2": "a2"}
    quantised = calibrate(model, sequence_samples(model, samples, states))
    return flow.compile(with_counter(quantised), state=states | {"n1": "n0"}, output=folder / "out")


def parsed(*texts: str) -> Case:
    return lambda folder: parse_states(texts)


def graph_with(state: StateValue, width: int = 4) -> Case:
    def case(folder: Path) -> object:
        build = GraphBuilder("states")
        x, h = (
            build.input("x", TensorType((1, 4), S8)),
            build.input("h", TensorType((1, width), S8)),
        )
        outputs = [build.node(Clamp(-3, 3), [value], f"{value}_out") for value in (x, h)]
        graph: Graph = build.finish(outputs)
        return graph_check.check(replace(graph, states=(state,)))

    return case


def dataflow_with(shape: tuple[int, int, int]) -> Case:
    def case(folder: Path) -> object:
        build = DataflowBuilder("states")
        x = build.input("x", (1, 1, 4), S8)
        kept = build.kept("h", shape, S8)
        build.output(x)
        build.state(x, kept, 0)
        return dataflow_check.check(build.build())

    return case


def state_cases() -> dict[str, Case]:
    gru, kept = gru_cell(), {"hn": "h0"}
    return {
        "text without an equals sign": parsed("hn"),
        "text without an input": parsed("hn="),
        "one output twice": parsed("hn=h0", "hn=x"),
        "unknown output": compiled(gru, {"nothing": "h0"}),
        "unknown input": compiled(gru, {"hn": "nothing"}),
        "another shape": compiled(gru, {"y": "h0"}),
        "first dimension of 8": compiled(with_extent(gru_cell(), [8, 8]), {"new": "old"}),
        "no dimensions": compiled(with_extent(gru_cell(), []), {"new": "old"}),
        "all outputs are states": compiled(two_outputs(), {"hn": "h0", "w": "x2"}),
        "one input of two outputs": compiled(two_states(), {"b1": "a1", "b2": "a1"}),
        "all inputs are states": compiled(gru_cell(3), {"hn": "h0", "y": "x"}),
        "a float model": compiled(gru, kept, quantised=False),
        "a state of the host": on_the_host,
        "states on a grid": compiled(gru, kept, schedule="grid", fabric="mac_8x8"),
        "states and loadable weights": compiled(gru, kept, weights="loadable"),
        "states in fixed point": compiled(
            gru, kept, quantised=False, precision="fixed16", samples="none.npz"
        ),
        "state of a kernel": lambda folder: flow.compile(FIR, state=kept, output=folder / "out"),
        "graph: a state of no output": graph_with(StateValue("x", "h", 0, ("x", "h"))),
        "graph: another shape": graph_with(StateValue("x_out", "h", 0, ("x_out", "h")), 5),
        "graph: first value out of range": graph_with(
            StateValue("x_out", "h", 300, ("x_out", "h"))
        ),
        "dataflow: another shape": dataflow_with((1, 1, 5)),
        "dataflow: an input that is kept": dataflow_with((1, 1, 4)),
    }

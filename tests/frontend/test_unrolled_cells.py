"""Recurrent cells written out step by step compute what the cell computes, and become hardware when they are quantised."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from hlsgen.frontend.calibrate import calibrate
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.unrolled_cells import with_unrolled_cells
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
STEPS, INPUTS, HIDDEN = 4, 3, 5


def cell_model(
    op: str,
    directions: int = 1,
    bias: bool = True,
    lengths: tuple[int, ...] = (),
    state: bool = False,
    peepholes: bool = False,
    results: tuple[int, ...] = (0, 1),
    **attributes: Any,
) -> onnx.ModelProto:
    """A model of one cell that takes x (1, STEPS, INPUTS)."""
    random = np.random.default_rng(len(str(attributes)) + directions)
    first = attributes.get("layout", 0)

    def drawn(*shape: int) -> np.ndarray:
        return random.normal(0, 0.6, shape).astype(np.float32)

    rows = GATES[op] * HIDDEN
    states = (1, directions, HIDDEN) if first else (directions, 1, HIDDEN)
    operands = {
        "w": drawn(directions, rows, INPUTS),
        "r": drawn(directions, rows, HIDDEN),
        "b": drawn(directions, 2 * rows) if bias else None,
        "lengths": np.array(lengths, np.int32) if lengths else None,
        "h": drawn(*states) if state else None,
        "c": drawn(*states) if state and op == "LSTM" else None,
        "p": drawn(directions, 3 * HIDDEN) if peepholes else None,
    }
    x = "x" if first else "steps_first"
    names = [x, *(name if array is not None else "" for name, array in operands.items())]
    while not names[-1]:
        names.pop()
    outputs = ["y", "last", "cell"][: 3 if op == "LSTM" else 2]
    kept = [outputs[k] for k in results]
    nodes = [helper.make_node("Transpose", ["x"], ["steps_first"], perm=[1, 0, 2])]
    nodes.append(helper.make_node(op, names, outputs, "it", hidden_size=HIDDEN, **attributes))
    graph = helper.make_graph(
        nodes[1:] if first else nodes,
        "cell",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, STEPS, INPUTS])],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [None] * (4 if name == "y" else 3)
            )
            for name in kept
        ],
        [numpy_helper.from_array(a, n) for n, a in operands.items() if a is not None],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answers(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(None, {"x": x}))


CASES: dict[str, dict[str, Any]] = {
    "plain RNN": {"op": "RNN"},
    "plain GRU": {"op": "GRU"},
    "plain LSTM": {"op": "LSTM", "results": (0, 1, 2)},
    "without biases": {"op": "LSTM", "bias": False},
    "linear GRU": {"op": "GRU", "linear_before_reset": 1, "state": True},
    "linear GRU without biases": {"op": "GRU", "linear_before_reset": 1, "bias": False},
    "backward": {"op": "GRU", "direction": "reverse"},
    "both ways": {"op": "LSTM", "directions": 2, "direction": "bidirectional", "state": True},
    "first states": {"op": "LSTM", "state": True},
    "peepholes": {"op": "LSTM", "peepholes": True},
    "coupled gates": {"op": "LSTM", "input_forget": 1},
    "clipped": {"op": "LSTM", "clip": 0.3},
    "only the last state": {"op": "GRU", "results": (1,)},
    "a short sequence": {"op": "GRU", "lengths": (2,)},
    "activations with parameters": {
        "op": "LSTM",
        "activations": ["HardSigmoid", "ScaledTanh", "Softsign"],
        "activation_alpha": [0.3, 0.9],
        "activation_beta": [0.4, 0.7],
    },
    "rectified": {"op": "RNN", "activations": ["LeakyRelu"], "activation_alpha": [0.2]},
    "an exponential": {"op": "RNN", "activations": ["Elu"], "activation_alpha": [1.5]},
}


@pytest.mark.parametrize("case", CASES)
def test_a_cell_that_is_written_out_computes_the_same(case: str) -> None:
    model = cell_model(**CASES[case])
    plain = with_unrolled_cells(model)
    assert not {node.op_type for node in plain.graph.node} & set(GATES)
    onnx.checker.check_model(plain)
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=(1, STEPS, INPUTS)).astype(np.float32)
        for got, want in zip(answers(plain, x), answers(model, x), strict=True):
            assert got.shape == want.shape and np.allclose(got, want, atol=1e-5)


def test_sequences_with_samples_first_are_read_as_the_operator_says() -> None:
    """ONNX Runtime does not run layout 1; the other layout with the axes swapped has the same numbers."""
    plain = with_unrolled_cells(cell_model("GRU", layout=1, results=(0, 1)))
    other = cell_model("GRU", results=(0, 1))
    for tensor in other.graph.initializer:
        tensor.CopyFrom(next(t for t in plain_weights("GRU") if t.name == tensor.name))
    x = np.random.default_rng(0).normal(size=(1, STEPS, INPUTS)).astype(np.float32)
    states, last = answers(plain, x)
    want = answers(other, x)
    assert np.allclose(states, want[0].transpose(2, 0, 1, 3), atol=1e-5)
    assert np.allclose(last, want[1].transpose(1, 0, 2), atol=1e-5)


def plain_weights(op: str) -> list[onnx.TensorProto]:
    return list(cell_model(op, layout=1).graph.initializer)


def test_a_model_without_cells_is_left_alone_and_a_cell_with_computed_lengths_too() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3]) for n in "xy")
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y]))
    assert with_unrolled_cells(model) is model
    cell = cell_model("GRU")
    cell.graph.node[1].input.extend(["count"])
    count = helper.make_tensor_value_info("count", TensorProto.INT32, [1])
    cell.graph.input.append(count)
    assert "GRU" in {node.op_type for node in with_unrolled_cells(cell).graph.node}


@pytest.mark.parametrize("op", GATES)
def test_a_quantised_cell_is_hardware_from_end_to_end(op: str) -> None:
    model = cell_model(op, results=(1,))
    samples = {"x": np.random.default_rng(1).normal(size=(40, STEPS, INPUTS)).astype(np.float32)}
    integer = to_integer(read_model(calibrate(model, samples)))
    assert not [node.op.name for node in integer.host_after.nodes if node.op.place == "host"]
    assert len(integer.host_before.nodes) == 1, "only the input is quantised by the host"
    results = evaluate(integer.hardware, evaluate(integer.host_before, samples))
    reals = next(iter(evaluate(integer.host_after, results).values()))
    expected = np.stack([answers(model, x[None])[0] for x in samples["x"]])
    assert np.abs(reals.reshape(expected.shape) - expected).max() < 0.1

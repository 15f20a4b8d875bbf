"""Tensors of ONNX's floats of 8 and 4 bits: read as integers in steps of the least number, equal to ONNX Runtime or ONNX's own reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from support.float_models import FLOAT8, FORMATS, layer, model, real, requantised
from support.integer_reading import assert_reads

from hlsgen.errors import UnsupportedOp
from hlsgen.flow import compile
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.sessions import open_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.ops.float_tensors import SMALL_FLOATS
from hlsgen.passes import to_integer
from hlsgen.passes.floats_to_integers import FloatsToIntegers


def samples(width: int = 6, count: int = 20) -> dict[str, np.ndarray]:
    x = np.random.default_rng(5).normal(size=(count, width)) * 9
    return {"x": x.astype(np.float32)}


@pytest.mark.parametrize("zero", [True, False], ids=["zero_point", "output_dtype"])
@pytest.mark.parametrize("scales", [0.25, np.linspace(0.1, 0.3, 5)], ids=["tensor", "channel"])
@pytest.mark.parametrize("name", FLOAT8)
def test_a_layer_of_eight_bit_floats_means_its_exact_sums(
    name: str, scales: Any, zero: bool
) -> None:
    reading = assert_reads(layer(FLOAT8[name][0], scales=scales, zero=zero), samples())
    assert reading.bound is not None, "float32 sums have a bound"


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("result", [2.0, 0.37, 30.0])
@pytest.mark.parametrize("name", FLOAT8)
def test_sums_become_floats_again(name: str, result: float, relu: bool) -> None:
    """ONNX Runtime's float32 sums fall on the other side of a half now and then: by how much is declared. Its optimiser removes the Relu."""
    reading = assert_reads(
        requantised(FLOAT8[name][0], relu=relu, result=result), samples(count=100)
    )
    assert reading.bound is not None and reading.different <= 10
    assert len(reading.processes) == 2, "the product, and the rounding behind it"


def test_sums_of_channels_with_scales_of_their_own_become_floats_again() -> None:
    proto = requantised(TensorProto.FLOAT8E4M3FN, np.linspace(0.1, 0.3, 5))
    assert assert_reads(proto, samples(count=100)).different <= 2


def codes(name: str) -> np.ndarray:
    """Every number of a format, by code."""
    dtype = np.dtype(FORMATS[name][1])
    count = 16 if name == "f4e2m1" else 256
    return np.arange(count, dtype=np.uint8).view(dtype).astype(np.float32)


@pytest.mark.parametrize("name", FORMATS)
def test_every_code_is_its_number(name: str) -> None:
    reals = codes(name)
    raw = np.arange(len(reals), dtype=np.uint8)
    raw = raw[np.isfinite(reals)]
    reals = reals[np.isfinite(reals)]
    packed = raw if name != "f4e2m1" else raw[::2] | raw[1::2] << 4
    w = helper.make_tensor("w", FORMATS[name][0], (len(reals),), packed.tobytes(), raw=True)
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["wr"]),
        helper.make_node("Add", ["x", "wr"], ["y"]),
    ]
    graph = read_model(model(nodes, [real("s", 0.5), w], len(reals), 23))
    integers = FloatsToIntegers().run(graph).constants["w_integers"]
    assert len(reals) == {"f8e4m3fn": 254, "f8e5m2": 248, "f4e2m1": 16}.get(name, 255)
    assert np.array_equal(integers * SMALL_FLOATS[name].step, reals.astype(np.float64))


@pytest.mark.parametrize("scale", [0.5, 0.37])
@pytest.mark.parametrize("name", FORMATS)
def test_numbers_halves_and_their_neighbours_are_rounded_as_onnx_does(
    name: str, scale: float
) -> None:
    kind = FORMATS[name][0]
    numbers = np.unique(codes(name)[np.isfinite(codes(name))])
    halves = (numbers[1:] + numbers[:-1]) / 2
    around = [np.nextafter(halves, np.float32(end)) for end in (-np.inf, np.inf)]
    beyond = np.float32([numbers[-1] * 1.03, numbers[-1] * 1.2, 1e9, np.inf])
    x = np.concatenate([numbers, halves, *around, beyond, -beyond, [1e-30, -1e-30]])
    x = (x.astype(np.float32) * np.float32(scale))[None]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "zero"], ["y"]),
    ]
    zero = helper.make_tensor("zero", kind, (), [0.0])
    proto = model(nodes, [real("s", scale), zero], x.size, 23 if name == "f4e2m1" else 21)
    graph = FloatsToIntegers().run(read_model(proto))
    got = evaluate(graph, {"x": x})["y"]
    if name == "f4e2m1":
        (want,) = ReferenceEvaluator(proto).run(None, {"x": x})
    else:
        (want,) = open_session(proto, ["y"], "unoptimised").run(["y"], {"x": x})
    assert np.array_equal(got, np.asarray(want, np.float32))
    assert np.array_equal(evaluate(read_model(proto), {"x": x})["y"], got), "the meaning as read"


MOVES = {
    "reshape": [helper.make_node("Reshape", ["xq", "shape"], ["moved"])],
    "casts": [
        helper.make_node("Cast", ["xq"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["wide"], ["moved"], to=TensorProto.FLOAT8E4M3FN),
    ],
    "identity": [helper.make_node("Identity", ["xq"], ["moved"])],
}


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("scales", [0.25, np.linspace(0.1, 0.3, 5)], ids=["tensor", "channel"])
def test_operators_that_move_elements_may_lie_between(moves: str, scales: Any) -> None:
    proto = layer(TensorProto.FLOAT8E4M3FN, MOVES[moves], scales)
    proto.graph.initializer.append(numpy_helper.from_array(np.array([1, 6]), "shape"))
    assert_reads(proto, samples())


def test_weights_alone_may_be_floats() -> None:
    proto = layer(TensorProto.FLOAT8E5M2)
    proto.graph.initializer.append(helper.make_tensor("zero_u8", TensorProto.UINT8, (), [128]))
    for node in proto.graph.node[:2]:
        node.input[2] = "zero_u8"
    assert_reads(proto, samples())


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"effort": "small"}, {"interval": 1}])
@pytest.mark.parametrize("name", FLOAT8)
def test_a_layer_of_eight_bit_floats_is_a_circuit(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    proto = requantised(FLOAT8[name][0], relu=name == "f8e5m2")
    compiled = compile(proto, output=tmp_path / "d", **options)
    result = compiled.verify(samples(), samples=5, engine="fast", seed=2)
    assert result.good and result.mismatches == 0, result.text()


def test_results_that_are_not_numbers_beyond_the_greatest_are_refused() -> None:
    with pytest.raises(UnsupportedOp, match="at most 448, found saturate = 0"):
        to_integer(read_model(layer(TensorProto.FLOAT8E4M3FN, saturate=0)))


@pytest.mark.parametrize(
    ("name", "wrong"), [("f8e4m3fn", np.nan), ("f8e5m2", np.inf), ("f8e5m2", np.nan)]
)
def test_constants_that_are_not_numbers_are_refused(name: str, wrong: float) -> None:
    w = np.ones((6, 5), np.float32)
    w[0, :2] = wrong
    with pytest.raises(UnsupportedOp, match="found 2 of w that are infinite or not numbers"):
        to_integer(read_model(layer(FLOAT8[name][0], weights=w)))


def test_a_zero_point_other_than_zero_is_refused() -> None:
    proto = layer(TensorProto.FLOAT8E4M3FN)
    zero = next(t for t in proto.graph.initializer if t.name == "zero")
    zero.CopyFrom(helper.make_tensor("zero", TensorProto.FLOAT8E4M3FN, (), [1.0]))
    with pytest.raises(UnsupportedOp, match="a zero point of f8e4m3fn that is not 0"):
        read_model(proto)


def test_the_graph_is_the_same_where_there_are_no_floats_of_few_bits() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    graph: Graph = read_model(model(nodes, [], 4))
    assert FloatsToIntegers().run(graph) is graph

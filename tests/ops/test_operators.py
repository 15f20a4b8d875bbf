"""Every operator's examples: what is inferred is what is computed. Operators' own arithmetic against definitions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.errors import TypeMismatch
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.ops import OPERATORS, supported_operators
from hlsgen.ops.accumulate import accumulator_range
from hlsgen.ops.add import QuantisedAdd, _fused
from hlsgen.ops.conv import Conv
from hlsgen.ops.float_tensors import QuantizeFloat
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.op import Example, OnnxBinding, TensorOp
from hlsgen.ops.pool import AveragePool, MaxPool, WindowSum
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.requantise import Requantise
from hlsgen.ops.tensor_type import F32, TensorType, storage

EXAMPLES = [
    (op.__name__, k, example)
    for op in OPERATORS
    for k, example in enumerate(op.examples())
    if not (issubclass(op, QuantizeLinear | QuantizeFloat) or op.stands_for_integers)
]
IDS = [f"{name}-{k}" for name, k, _ in EXAMPLES]


def corners(type: TensorType, count: int) -> np.ndarray:
    """Random samples, and samples of nothing but the least and the greatest element."""
    element = type.integer
    random = np.random.default_rng(1)
    ends = [element.minimum, element.maximum]
    shape = (count, *type.shape[1:])
    mixed = random.integers(element.minimum, element.maximum + 1, shape)
    extreme = random.choice(ends, shape)
    return np.concatenate(
        [mixed, extreme, np.full_like(mixed[:1], ends[0]), np.full_like(mixed[:1], ends[1])]
    )


def graph_of(example: Example) -> tuple[Graph, dict[str, np.ndarray]]:
    """A graph of one operator with the value "y", and samples of its inputs."""
    build = GraphBuilder("example")
    operands, samples = [], {}
    for k, type in enumerate(example.inputs):
        if k in example.constants:
            operands.append(build.constant(f"c{k}", example.constants[k], type.element))
            continue
        operands.append(build.input(f"x{k}", type))
        samples[f"x{k}"] = corners(type, 20).astype(storage(type.element))
    return build.finish([build.node(example.op, operands, "y")]), samples


@pytest.mark.parametrize(("name", "number", "example"), EXAMPLES, ids=IDS)
def test_results_have_the_inferred_shape_and_stay_in_the_inferred_range(
    name: str, number: int, example: Example
) -> None:
    graph, samples = graph_of(example)
    type = graph.types["y"]
    values = {**graph.constants, **samples}
    raw = np.asarray(example.op.evaluate(np, *(values[v] for v in graph.nodes[0].inputs)))
    assert raw.shape[1:] == type.shape[1:]
    assert raw.min() >= type.integer.minimum and raw.max() <= type.integer.maximum
    assert np.array_equal(evaluate(graph, samples)["y"], raw)


@pytest.mark.parametrize(("name", "number", "example"), EXAMPLES, ids=IDS)
def test_meaning_uses_names_of_the_array_api_only(name: str, number: int, example: Example) -> None:
    strict = pytest.importorskip("array_api_strict", reason="array-api-strict is not installed")
    graph, samples = graph_of(example)
    result = np.asarray(evaluate(graph, samples, strict)["y"])
    assert np.array_equal(result, evaluate(graph, samples)["y"])


def test_an_integer_form_has_a_place_for_every_operand_and_the_bias() -> None:
    forms = [
        (binding.op_type, binding.arity, binding.integers)
        for op in OPERATORS
        for binding in op.bindings
        if binding.integers is not None and not binding.integers.repeated
    ]
    assert {"QLinearConv", "QGemm", "QLinearMatMul", "ConvInteger", "MatMulInteger"} <= {
        name for name, _, _ in forms
    }
    for name, arity, form in forms:
        least = len(form.operands)
        assert arity == (least, least + (form.bias is not None)), name
        places = [p for operand in form.operands for p in operand if p is not None]
        places += [p for p in (*(form.result or ()), form.bias) if p is not None]
        assert sorted(places) == list(range(len(places))), name


def test_a_binding_begins_and_ends_where_onnx_changes_its_operator() -> None:
    versions: dict[tuple[str, str], set[int]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        versions.setdefault((schema.domain, schema.name), set()).add(schema.since_version)
    last = OnnxBinding("", (0, 0)).until
    bindings = [binding for op in OPERATORS for binding in op.bindings if binding.domain == ""]
    assert any(binding.since > 1 for binding in bindings)
    for binding in bindings:
        changes = versions["", binding.op_type]
        assert binding.since == 1 or binding.since in changes, binding
        assert binding.until == last or binding.until + 1 in changes, binding


@pytest.mark.parametrize("op", [MaxPool((2, 2)), AveragePool((2, 2)), WindowSum((2, 2))])
def test_a_window_takes_a_tensor_of_its_rank_only(op: TensorOp) -> None:
    whole = op.normalised((TensorType((1, 3, 6, 6), S8),))
    for shape in ((1, 3, 6), (1, 3, 6, 6, 6)):
        for window in (op, whole):
            with pytest.raises(TypeMismatch, match="rank 4"):
                window.normalised((TensorType(shape, S8),))


def test_a_gemm_takes_matrices_only() -> None:
    rows = TensorType((2, 3), F32)
    assert Gemm().infer((rows, TensorType((3, 4), F32)), {}).shape == (2, 4)
    for x, w in (((1, 2, 3), (1, 3, 4)), ((3,), (3,)), ((2, 3), (1, 3, 4)), ((1, 2, 3), (3, 4))):
        with pytest.raises(TypeMismatch, match="matrices"):
            Gemm().infer((TensorType(x, F32), TensorType(w, F32)), {})
    for inner in (2, 4):
        with pytest.raises(TypeMismatch, match="expected 3 columns"):
            Gemm().infer((TensorType((2, inner), F32), TensorType((3, 4), F32)), {})


def test_accumulator_range_is_reached_by_the_worst_inputs_and_no_wider() -> None:
    random = np.random.default_rng(2)
    weights, bias = random.integers(-127, 128, (1, 5, 3, 3)), np.array([4321])
    op = Conv((3, 3), (1, 1), (0,) * 4, (1, 1), input_zero=-7)
    ends = []
    for sign in (-1, 1):
        x = np.where(weights * sign > 0, 127, -128).astype(np.int8)
        ends.append(int(op.evaluate(np, x, weights, bias)[0, 0, 0, 0]))
    assert accumulator_range(S8, -7, weights, bias) == tuple(ends)


def test_requantise_rounds_ties_to_even_and_saturates() -> None:
    op = Requantise((0.5,), 3, -100, 100, S8)
    result = op.evaluate(np, np.array([[-3, -1, 1, 3, 5, 10**6, -(10**6)]], np.int32))
    assert result.tolist() == [[1, 3, 3, 5, 5, 100, -100]]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("direction", [1, -1])
def test_fused_multiply_add_sees_what_float64_loses_next_to_a_tie(
    sign: int, direction: int
) -> None:
    # 3 * (1 + 2**-23) lies between two float32; an addend of 2**-60 does not change it in float64
    rate, addend = np.float32(1 + 2.0**-23), np.float32(direction * 2.0**-60)
    between = 3 * (1 + 2.0**-23)
    result = float(_fused(np.array([sign * 3]), rate, addend)[0])
    assert (result - sign * between) * direction > 0


def test_fused_multiply_add_rounds_once() -> None:
    random = np.random.default_rng(3)
    a = random.integers(-255, 256, 4000)
    rate = random.uniform(0.01, 2, 4000).astype(np.float32)
    addend = (random.uniform(-300, 300, 4000) * 2.0 ** random.integers(-40, 1, 4000)).astype(
        np.float32
    )
    # half of them lie next to a tie between two float32
    near = (a * rate.astype(np.float64)).astype(np.float32)
    addend[::2] = (near * np.float32(2.0**-24))[::2]
    results = _fused(a, rate, addend)
    for k in range(4000):
        exact = int(a[k]) * Fraction(float(rate[k])) + Fraction(float(addend[k]))
        below = float(results[k])
        error = abs(Fraction(below) - exact)
        for neighbour in (
            np.nextafter(results[k], np.float32(np.inf)),
            np.nextafter(results[k], -np.float32(np.inf)),
        ):
            assert error <= abs(Fraction(float(neighbour)) - exact)


@pytest.mark.parametrize("element", [S8, U8])
def test_quantised_add_equals_qlinear_add_for_all_pairs(element: ElementType) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    kind = np.int8 if element == S8 else np.uint8
    tensor = TensorProto.INT8 if element == S8 else TensorProto.UINT8
    random = np.random.default_rng(4)
    a, b = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    feed = {
        name: (grid.reshape(-1) + element.minimum).astype(kind)
        for name, grid in (("a", a), ("b", b))
    }
    for k in range(5):
        scales = [float(np.float32(s)) for s in random.uniform(0.01, 0.2, 3)]
        za, zb, zc = (int(z) for z in random.integers(element.minimum, element.maximum + 1, 3))
        if k == 0:  # of ResNet-8: here the formulas differ
            scales = [float(np.float32(s)) for s in (0.03939355, 0.10419496, 0.050945673)]
            za, zb, zc = element.minimum, 132 + element.minimum, element.minimum
        constants = dict(
            zip(
                ["sa", "za", "sb", "zb", "sc", "zc"],
                (scales[0], za, scales[1], zb, scales[2], zc),
                strict=True,
            )
        )
        arrays = [
            numpy_helper.from_array(np.array(v, np.float32 if n[0] == "s" else kind), n)
            for n, v in constants.items()
        ]
        inputs = ["a", "sa", "za", "b", "sb", "zb", "sc", "zc"]
        graph = helper.make_graph(
            [helper.make_node("QLinearAdd", inputs, ["y"], domain="com.microsoft")],
            "add",
            [helper.make_tensor_value_info(n, tensor, [65536]) for n in "ab"],
            [helper.make_tensor_value_info("y", tensor, [65536])],
            arrays,
        )
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        sums = session.run(None, feed)[0].reshape(256, 256)
        op = QuantisedAdd(
            scales[0], za, scales[1], zb, scales[2], zc,
            element.minimum, element.maximum, element, element, element, "chain",
        )  # fmt: skip
        assert np.array_equal(op.table(), sums)
        if k == 0:
            assert not np.array_equal(replace(op, formula="float").table(), sums)


def test_operator_of_float_weights_needs_constants() -> None:
    op = Conv((1, 1), (1, 1), (0,) * 4, (1, 1))
    types = (TensorType((1, 2, 3, 3), S8), TensorType((2, 2, 1, 1), S8))
    with pytest.raises(TypeMismatch, match="constant weights"):
        op.infer(types, (None, None))


def test_list_of_supported_operators_names_every_binding_once() -> None:
    rows = supported_operators()
    assert len({row[:2] for row in rows}) == len(rows)
    assert {"Conv", "QLinearConv", "com.microsoft.QGemm", "Softmax"} <= {row[0] for row in rows}

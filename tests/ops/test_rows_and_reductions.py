"""Matrix products with any number of rows and batches, and reductions over any axes, are ONNX Runtime's, exactly or as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel

from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.passes import to_integer

Case = tuple[onnx.ModelProto, dict[str, np.ndarray]]


def matmul(
    x: tuple[int, ...],
    w: tuple[int, ...],
    swapped: bool = False,
    bias: bool = False,
    element: str = "u8",
) -> Case:
    """Dequantize - MatMul - Add - Quantize; ``swapped``: the constant operand first."""
    model = QuantisedModel(x, element, seed=1)
    outputs, axis = (w[-2], len(w) - 2) if swapped else (w[-1], len(w) - 1)
    value = model.dequantize("x", model.scale, model.zero, element)
    weights = model.weights(w, outputs, len(w) == 2, axis)
    value = model.node("MatMul", *((weights, value) if swapped else (value, weights)))
    if bias:
        reals = model.random.normal(size=outputs).astype(np.float32)
        value = model.node("Relu", model.node("Add", value, model.constant(reals)))
    return model.finish(model.quantize(value, 0.05, 30, element)), model.samples(20)


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((1, 6, 8), (8, 5)),
        ((1, 1, 8), (8, 5)),
        ((1, 2, 6, 8), (8, 5)),
        ((1, 6, 8), (1, 8, 5)),
        ((1, 3, 6, 8), (3, 8, 5)),
        ((1, 6, 8), (3, 8, 5)),
    ],
)
def test_rows_by_a_constant_matrix_are_one_process(
    x: tuple[int, ...], w: tuple[int, ...], element: str
) -> None:
    reading = assert_reads(*matmul(x, w, element=element))
    assert len(reading.processes) == 1 and reading.different == 0


@pytest.mark.parametrize("x", [(1, 6, 8), (1, 8), (1, 2, 6, 8)])
def test_a_bias_behind_rows_is_added_to_their_sums(x: tuple[int, ...]) -> None:
    reading = assert_reads(*matmul(x, (8, 5), bias=True))
    assert len(reading.processes) == 1


@pytest.mark.parametrize(
    ("x", "w"), [((1, 6, 8), (5, 6)), ((1, 3, 6, 8), (5, 6)), ((1, 3, 6, 8), (3, 5, 6))]
)
def test_a_constant_first_operand_is_a_convolution_over_columns(
    x: tuple[int, ...], w: tuple[int, ...]
) -> None:
    reading = assert_reads(*matmul(x, w, swapped=True))
    assert len(reading.processes) == 1 and reading.different == 0


def test_batches_that_broadcast_in_part_are_refused() -> None:
    model, _ = matmul((1, 2, 1, 6, 8), (3, 8, 5))
    with pytest.raises(UnsupportedOp, match="broadcast in part"):
        to_integer(read_model(model))


def gemm(bias: tuple[int, ...] | str | None, rows: int = 6, **attributes: Any) -> Case:
    """A Gemm of ``rows`` rows; ``bias``: shape of reals, "quantised", or None."""
    model = QuantisedModel((1, rows, 8), "u8", seed=2)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Reshape", value, model.constant(np.array([rows, 8])))
    if attributes.get("transA"):
        value = model.node("Transpose", value, perm=[1, 0])
    turned = attributes.get("transB", 0)
    operands = [value, model.weights((5, 8) if turned else (8, 5), 5, True, 1 - turned)]
    if bias == "quantised":
        operands.append(model.bias(5, model.scale))
    elif bias is not None:
        operands.append(model.constant(model.random.normal(size=bias).astype(np.float32)))
    value = model.node("Gemm", *operands, **attributes)
    value = model.node("Reshape", value, model.constant(np.array([1, rows, 5])))
    return model.finish(model.quantize(value, 0.05, 100, "u8")), model.samples(20)


@pytest.mark.parametrize(
    ("bias", "attributes"),
    [
        ("quantised", {"transB": 1}),
        ((1, 5), {}),
        ((1,), {"transB": 1}),
        (None, {"transA": 1}),
        ("quantised", {"transA": 1, "transB": 1}),
        ((5,), {"alpha": -0.5, "beta": -2.0}),
        ("quantised", {"alpha": 0.5, "beta": 0.0}),
        ("quantised", {"alpha": 2.5}),
        ("quantised", {"beta": -1.0}),
    ],
)
@pytest.mark.parametrize("rows", [1, 6])
def test_a_gemm_takes_rows_factors_and_transposes(
    bias: tuple[int, ...] | str | None, attributes: dict[str, Any], rows: int
) -> None:
    reading = assert_reads(*gemm(bias, rows, **attributes))
    assert len(reading.processes) == 1 and (reading.bound or 0) <= 1


def test_a_bias_that_differs_by_row_is_refused() -> None:
    with pytest.raises(UnsupportedOp, match="30 elements for 5 columns"):
        to_integer(read_model(gemm((6, 5))[0]))


STEPS = {
    "ReduceMean": 0.84,
    "ReduceSum": 4.1,
    "ReduceMax": 0.9,
    "ReduceMin": 1.0,
    "ReduceL1": 4.3,
    "ReduceSumSquare": 30.0,
}
"""Scale of the result over that of the operand."""


def reduction(
    op: str,
    shape: tuple[int, ...],
    axes: Sequence[int],
    keep: int,
    element: str = "u8",
    opset: int = 18,
    nhwc: bool = False,
) -> Case:
    model = QuantisedModel(shape, element, opset, seed=3)
    value = model.dequantize("x", model.scale, model.zero, element)
    if nhwc:
        value = model.node("Transpose", value, perm=[0, 2, 3, 1])
    if opset < (13 if op == "ReduceSum" else 18):
        value = model.node(op, value, axes=list(axes), keepdims=keep)
    else:
        value = model.node(op, value, model.constant(np.array(axes)), keepdims=keep)
    scale = model.scale * np.float32(STEPS[op])
    return model.finish(model.quantize(value, scale, 40, element)), model.samples(20)


@pytest.mark.parametrize("op", STEPS)
@pytest.mark.parametrize(
    ("shape", "axes", "keep", "element", "opset"),
    [
        ((1, 3, 5, 4), (2, 3), 1, "u8", 18),
        ((1, 5, 4, 3), (1, 2), 0, "u8", 13),
        ((1, 5, 4, 3), (-3,), 1, "s8", 18),
        ((1, 5, 4, 3), (1, 3), 0, "s8", 11),
        ((1, 6, 8), (1,), 0, "u8", 18),
        ((1, 12), (1,), 1, "s8", 18),
        ((1, 2, 3, 4, 5), (2, 4), 0, "u8", 18),
        ((1, 3, 5, 4), (1, 2, 3), 1, "u8", 11),
    ],
)
def test_a_reduction_over_any_axes_is_exact_or_declared(
    op: str, shape: tuple[int, ...], axes: tuple[int, ...], keep: int, element: str, opset: int
) -> None:
    reading = assert_reads(*reduction(op, shape, axes, keep, element, opset))
    assert reading.different == 0 and reading.bound in (0, 1)


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceSum"])
def test_a_sum_over_the_first_axes_of_a_turned_map_needs_no_copy(op: str) -> None:
    reading = assert_reads(*reduction(op, (1, 3, 5, 4), (1, 2), 0, nhwc=True))
    assert reading.processes == (f"{op}_2",)

"""Every ONNX operator of the list, from a model of a few nodes to Verilog that Verilator's lint accepts.

The slow tier also runs each circuit against ONNX Runtime and synthesises one for every FPGA family.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.attention_models import (
    integer_product,
    products,
    qlinear_product,
    split_projection,
)
from support.quantised_models import QuantisedModel, conv_model
from support.verilog_lint import lint

from hlsgen import flow
from hlsgen.bitstream.build import synthesise
from hlsgen.frontend.support import support

Case = tuple[onnx.ModelProto, dict[str, np.ndarray]]

# A ratio of scales without ties, which ONNX Runtime decides by the noise of its float sums.
RATIO = np.float32(0.8437)


def convolution(**options: Any) -> Callable[[], Case]:
    return lambda: conv_model(**{"element": "u8", "per_channel": True, **options})


def gemm(opset: int = 17) -> Case:
    model = QuantisedModel((1, 12), "s8", opset, seed=3)
    x = model.dequantize("x", model.scale, model.zero, "s8")
    weights = model.weights((5, 12), 5, opset > 12, axis=0) if opset > 12 else None
    weights = weights or model.weights((5, 12), 5, False)
    value = model.node("Gemm", x, weights, model.bias(5, model.scale), transB=1)
    return model.finish(model.quantize(value, 0.03, 5, "s8")), model.samples(20)


def matmul() -> Case:
    model = QuantisedModel((1, 12), "u8", seed=4)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("MatMul", x, model.weights((12, 5), 5, False, 1))
    return model.finish(model.quantize(value, 0.02, 100, "u8")), model.samples(20)


def residual() -> Case:
    """A fork, two convolutions of different delay and their sum."""
    model = QuantisedModel((1, 2, 6, 6), "u8", seed=5)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    wide = model.node("Conv", x, model.weights((3, 2, 3, 3), 3, True), pads=[1, 1, 1, 1])
    narrow = model.node("Conv", x, model.weights((3, 2, 1, 1), 3, True))
    left = model.dequantize(model.quantize(wide, 0.11, 9, "u8"), 0.11, 9, "u8")
    right = model.dequantize(model.quantize(narrow, 0.07, 3, "u8"), 0.07, 3, "u8")
    value = model.node("Relu", model.node("Add", left, right))
    return model.finish(model.quantize(value, 0.09, 3, "u8")), model.samples(20)


def pool(op: str, opset: int = 17, **attributes: Any) -> Callable[[], Case]:
    def make() -> Case:
        model = QuantisedModel((1, 3, 6, 6), "s8", opset, seed=6)
        scale = model.scale if op == "MaxPool" else model.scale * RATIO
        x = model.dequantize("x", model.scale, model.zero, "s8")
        value = model.node(op, x, **attributes)
        return model.finish(model.quantize(value, scale, model.zero, "s8")), model.samples(20)

    return make


def moves() -> Case:
    """Transpose, Reshape, Flatten, Unsqueeze and Squeeze around a Gemm."""
    model = QuantisedModel((1, 3, 4, 4), "u8", seed=7)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Transpose", value, perm=[0, 2, 3, 1])
    value = model.node("Reshape", value, model.constant(np.array([0, 16, 3])))
    value = model.node("Flatten", value)
    value = model.node("Gemm", value, model.weights((48, 6), 6, True, 1))
    value = model.node("Unsqueeze", value, model.constant(np.array([1])))
    value = model.node("Squeeze", value, model.constant(np.array([1])))
    return model.finish(model.quantize(value, 0.05, 0, "u8")), model.samples(20)


def batch_normalisation() -> Case:
    model = QuantisedModel((1, 2, 5, 5), "u8", seed=9)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Conv", x, model.weights((3, 2, 3, 3), 3, True))
    numbers = model.random.uniform(0.5, 1.5, (4, 3)).astype(np.float32)
    value = model.node("BatchNormalization", value, *(model.constant(row) for row in numbers))
    return model.finish(model.quantize(value, 0.05, 90, "u8")), model.samples(20)


def softmax() -> Case:
    model = QuantisedModel((1, 8), "u8", seed=10)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node("Gemm", x, model.weights((8, 4), 4, True, 1))
    value = model.dequantize(model.quantize(value, 0.05, 90, "u8"), 0.05, 90, "u8")
    return model.finish(model.node("Softmax", value, axis=1)), model.samples(20)


def qoperator() -> Case:
    """QLinearConv, QLinearAdd and QLinearGlobalAveragePool."""
    model = QuantisedModel((1, 3, 5, 5), "u8", seed=11)
    own = model.parameters(model.scale, model.zero, "u8")
    weights = model.constant(model.random.integers(-127, 128, (3, 3, 3, 3)).astype(np.int8))
    step = model.parameters(0.004, 0, "s8")
    middle = model.parameters(0.05, 120, "u8")
    value = model.node("QLinearConv", "x", *own, weights, *step, *middle, pads=[1, 1, 1, 1])
    total = model.parameters(1.3 * model.scale, 30, "u8")
    value = model.node("QLinearAdd", value, *middle, "x", *own, *total, domain="com.microsoft")
    last = model.parameters(1.5 * model.scale, 0, "u8")
    value = model.node(
        "QLinearGlobalAveragePool", value, *total, *last, domain="com.microsoft", channels_last=0
    )
    return model.finish(value), model.samples(20)


def qlinear_matmul() -> Case:
    model = QuantisedModel((1, 10), "u8", opset=11, seed=12)
    own = model.parameters(model.scale, model.zero, "u8")
    weights = model.constant(model.random.integers(-127, 128, (10, 4)).astype(np.int8))
    operands = ["x", *own, weights, *model.parameters(0.005, 0, "s8")]
    value = model.node("QLinearMatMul", *operands, *model.parameters(0.04, 110, "u8"))
    return model.finish(value), model.samples(20)


def accumulators(op: str, shape: tuple[int, ...], weights: tuple[int, ...]) -> Callable[[], Case]:
    def make() -> Case:
        model = QuantisedModel(shape, "u8", seed=13)
        constant = model.constant(model.random.integers(-127, 128, weights).astype(np.int8))
        return model.finish(
            model.node(op, "x", constant, model.constant(np.uint8(7)))
        ), model.samples(20)

    return make


def channel_shuffle() -> Case:
    """Grouped convolutions with several outputs a group, the channels shuffled between them, and pads that differ on all sides."""
    model = QuantisedModel((1, 4, 5, 5), "u8", seed=14)
    value = model.dequantize("x", model.scale, model.zero, "u8")
    value = model.node(
        "Conv", value, model.weights((8, 1, 3, 3), 8, True), group=4, pads=[1, 2, 0, 1]
    )
    value = model.dequantize(model.quantize(value, 0.05, 90, "u8"), 0.05, 90, "u8")
    height, width = 4, 6
    value = model.node("Reshape", value, model.constant(np.array([0, 2, 4, height, width])))
    value = model.node("Transpose", value, perm=[0, 2, 1, 3, 4])
    value = model.node("Reshape", value, model.constant(np.array([0, 8, height, width])))
    value = model.node("Conv", value, model.weights((6, 4, 1, 1), 6, True), group=2)
    return model.finish(model.quantize(value, 0.05, 100, "u8")), model.samples(20)


def resize() -> Case:
    """Linear interpolation by 2 and 1.5 between scales without ties."""
    model = QuantisedModel((1, 3, 4, 6), "u8", seed=15)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    scales = model.constant(np.float32([1, 1, 2, 1.5]))
    value = model.node("Resize", x, "", scales, mode="linear")
    output = model.quantize(value, model.scale * RATIO, model.zero, "u8")
    return model.finish(output), model.samples(20)


def index() -> Case:
    """The greatest of ten classes."""
    model = QuantisedModel((1, 12), "s8", seed=16)
    x = model.dequantize("x", model.scale, model.zero, "s8")
    value = model.node("Gemm", x, model.weights((10, 12), 10, True), transB=1)
    value = model.dequantize(model.quantize(value, 0.05, 3, "s8"), 0.05, 3, "s8")
    return model.finish(model.node("ArgMax", value, axis=1, keepdims=0)), model.samples(20)


CASES: dict[str, Callable[[], Case]] = {
    "conv": convolution(pads=[1, 1, 1, 1], strides=[2, 2]),
    "conv, one dimension": convolution(shape=(1, 3, 12), weights=(4, 3, 5), pads=[2, 1]),
    "conv, groups": convolution(shape=(1, 4, 5, 5), weights=(6, 2, 3, 3), group=2),
    "conv, depthwise": convolution(weights=(3, 1, 3, 3), group=3, pads=[1, 1, 1, 1]),
    "conv, depth multiplier": convolution(shape=(1, 4, 6, 6), weights=(8, 1, 3, 3), group=4),
    "conv, three outputs a group": convolution(
        shape=(1, 4, 5, 5), weights=(6, 2, 2, 2), group=2, pads=[1, 0, 0, 2]
    ),
    "channel shuffle": channel_shuffle,
    "conv, dilated": convolution(dilations=[2, 2], pads=[1, 2, 1, 2], activation="Clip"),
    "conv, opset 11": convolution(opset=11, per_channel=False, element="s8"),
    "conv, opset 21": convolution(opset=21, activation=None),
    "gemm": gemm,
    "gemm, opset 11": lambda: gemm(11),
    "matmul": matmul,
    "residual": residual,
    "max pool": pool("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "average pool": pool("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "average pool of fewer elements at the border": pool(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    ),
    "resize, linear": resize,
    "index": index,
    "global average": pool("GlobalAveragePool"),
    "mean": pool("ReduceMean", axes=[2, 3], keepdims=0),
    "moves": moves,
    "batch normalisation": batch_normalisation,
    "softmax": softmax,
    "QOperator": qoperator,
    "QLinearMatMul, opset 11": qlinear_matmul,
    "ConvInteger": accumulators("ConvInteger", (1, 2, 5, 5), (3, 2, 3, 3)),
    "MatMulInteger": accumulators("MatMulInteger", (1, 9), (9, 4)),
    "products of computed matrices": products,
    "attention from one projection": split_projection,
    "QLinearMatMul of computed matrices": qlinear_product,
    "MatMulInteger of computed matrices": integer_product,
}


# ONNX Runtime normalises a batch, and adds powers, in floats: equal but for ties.
FLOATS = ("batch normalisation", "attention from one projection")


SHORT = (
    "conv, groups",
    "conv, depth multiplier",
    "conv, opset 11",
    "gemm",
    "residual",
    "moves",
    "softmax",
    "QOperator",
    "products of computed matrices",
)


@pytest.mark.parametrize(
    "case",
    [case if case in SHORT else pytest.param(case, marks=pytest.mark.slow) for case in CASES],
)
def test_a_small_model_becomes_verilog_without_lint(case: str, tmp_path: Path) -> None:
    model, _ = CASES[case]()
    wheres = {row.operator: row.where for row in support(model)}
    assert "unsupported" not in wheres.values()
    assert ("host" in wheres.values()) == (case == "softmax")
    compiled = flow.compile(model, multipliers=10, output=tmp_path)
    assert f"module {compiled.manifest.top}(" in compiled.verilog
    assert lint(tmp_path / "design.v") == ""


def test_lint_finds_what_it_is_for(tmp_path: Path) -> None:
    text = "module hlsgen_top(input [3:0] a, output reg [1:0] b); always @* if (a[0]) b = a; endmodule\n"
    (tmp_path / "design.v").write_text(text)
    warnings = lint(tmp_path / "design.v")
    assert "WIDTH" in warnings and "LATCH" in warnings


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_small_model_s_circuit_computes_what_onnxruntime_does(case: str, tmp_path: Path) -> None:
    model, samples = CASES[case]()
    result = flow.compile(model, multipliers=10, output=tmp_path).verify(samples, engine="fast")
    assert result.mismatches == 0
    assert result.good
    assert result.ort_mismatches == 0 or case in FLOATS


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "ice40", "gowin", "xilinx7"])
def test_a_design_synthesises_for_every_family(family: str, tmp_path: Path) -> None:
    compiled = flow.compile(residual()[0], multipliers=8, output=tmp_path)
    usage = synthesise(tmp_path, family, top=compiled.manifest.top)
    assert usage.lut > 0 and usage.ff > 0
    assert not any("LATCH" in cell.upper() for cell in usage.cells)

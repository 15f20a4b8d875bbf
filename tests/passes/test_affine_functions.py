"""Factors and addends by channel between Dequantize and Quantize are ONNX Runtime's, bit for bit."""

from __future__ import annotations

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


def affine(
    shape: tuple[int, ...],
    *links: str,
    gains: tuple[float, float] = (0.4, 2.0),
    element: str = "u8",
) -> Case:
    """Dequantize - links - Quantize; a link is an operator, for Mul and Add with the shape of its constant (``Mul 3,1,1``)."""
    model = QuantisedModel(shape, element, seed=7)
    value = model.dequantize("x", model.scale, model.zero, element)
    random = model.random

    def constant(values: Any) -> str:
        return model.constant(np.asarray(values, np.float32))

    for link in links:
        op, _, extents = link.partition(" ")
        sizes = tuple(int(n) for n in extents.split(",") if n)
        if op == "BatchNormalization":
            count = shape[1]
            gain = random.uniform(*gains, count) * random.choice([1, 1, np.sign(gains[0])], count)
            parameters = [gain, *random.normal(size=(2, count)), random.uniform(0.3, 2, count)]
            value = model.node(op, value, *map(constant, parameters))
        elif op == "Mul":
            value = model.node(op, value, constant(random.uniform(*gains, sizes)))
        elif op == "Add":
            value = model.node(op, constant(random.normal(size=sizes)), value)
        else:
            value = model.node(op, value)
    return model.finish(model.quantize(value, 0.05, 90, element)), model.samples(40)


@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize("gains", [(0.4, 2.0), (-2.0, 2.0)])
@pytest.mark.parametrize(
    ("shape", "links"),
    [
        ((1, 5, 6, 4), ("BatchNormalization",)),
        ((1, 5, 7), ("BatchNormalization", "Relu")),
        ((1, 9), ("BatchNormalization",)),
        ((1, 3, 4, 4), ("Mul 3,1,1", "Add 1,3,1,1")),
        ((1, 4, 4, 3), ("Mul 3", "Add 3", "Relu")),
        ((1, 6, 5), ("Mul 5", "Mul 1", "Add 1,1,5")),
        ((1, 3, 4, 4), ("Mul 1", "Add 1", "Mul 1")),
        ((1, 3, 4, 4), ("Mul 3,1,1", "Add 1,1,1,4")),
        ((1, 3, 4, 5), ("Mul 3,4,5", "Add 3,1,1", "Relu")),
        ((1, 4, 6), ("Mul 1,4,6", "Add 4,6")),
    ],
)
def test_an_affine_function_by_channel_or_position_is_exact(
    shape: tuple[int, ...], links: tuple[str, ...], gains: tuple[float, float], element: str
) -> None:
    reading = assert_reads(*affine(shape, *links, gains=gains, element=element))
    assert reading.bound == 0 and reading.different == 0


def test_a_relu_may_stand_before_factors_and_a_clamp_behind_them() -> None:
    reading = assert_reads(*affine((1, 3, 4, 4), "Relu", "Mul 3,1,1", "Add 3,1,1", "Relu"))
    assert reading.bound == 0 and reading.different == 0


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        (("Mul 3,150,150",), "constants vary in 67,500 positions, of at most 65,536"),
    ],
)
def test_what_is_not_an_affine_function_is_refused_with_the_reason(
    links: tuple[str, ...], reason: str
) -> None:
    model, _ = affine((1, 3, 150, 150), *links, gains=(-2.0, -0.4))
    with pytest.raises(UnsupportedOp, match=reason):
        to_integer(read_model(model))


@pytest.mark.parametrize("links", [("Add 3,1,1", "Mul 3,1,1"), ("Add 3,1,1", "Relu", "Add 3,1,1")])
def test_what_is_not_affine_by_channel_is_a_table_for_each(links: tuple[str, ...]) -> None:
    model, _ = affine((1, 3, 4, 4), *links, gains=(-2.0, -0.4))
    (node,) = to_integer(read_model(model)).hardware.nodes
    assert node.op.name == "StepFunction"

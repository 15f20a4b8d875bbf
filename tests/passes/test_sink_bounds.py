"""Bounds between a product with weights and what is folded into it: ONNX Runtime's floats, but for halves."""

from __future__ import annotations

import numpy as np
import pytest
from support.integer_reading import assert_reads
from support.quantised_models import QuantisedModel

from hlsgen.frontend.onnx_reader import read_model
from hlsgen.passes import to_integer


def norm(model: QuantisedModel, value: str, signs: tuple[int, ...]) -> str:
    """A batch normalisation of four channels whose gains have some of ``signs``."""
    gain = model.random.uniform(0.5, 1.5, 4) * model.random.choice(signs, 4)
    others = (*model.random.normal(size=(2, 4)) / 3, model.random.uniform(0.5, 1.5, 4))
    parameters = (model.constant(np.asarray(p, np.float32)) for p in (gain, *others))
    return model.node("BatchNormalization", value, *parameters)


def made(links: tuple[str, ...], element: str, signs: tuple[int, ...]) -> QuantisedModel:
    """Conv - links - Quantize."""
    model = QuantisedModel((1, 3, 6, 5), element, seed=3)
    x = model.dequantize("x", model.scale, model.zero, element)
    value = model.node("Conv", x, model.weights((4, 3, 3, 3), 4, True))
    for link in links:
        if link == "norm":
            value = norm(model, value, signs)
        elif link == "clip":
            bounds = (model.constant(np.float32(bound)) for bound in (-0.2, 1.1))
            value = model.node("Clip", value, *bounds)
        elif link in ("Max", "Min"):
            ends = model.random.normal(size=(4, 1, 1)).astype(np.float32)
            value = model.node(link, model.constant(ends), value)
        else:
            value = model.node(link, value)
    model.quantize(value, 0.02, 40, element)
    return model


@pytest.mark.parametrize("signs", [(1,), (-1, 1)])
@pytest.mark.parametrize("element", ["u8", "s8"])
@pytest.mark.parametrize(
    "links",
    [
        ("Relu", "norm"),
        ("norm", "Relu", "norm", "Relu"),
        ("clip", "norm", "Min"),
        ("Max",),
        ("Max", "norm"),
    ],
)
def test_bounds_and_factors_behind_a_convolution(
    links: tuple[str, ...], element: str, signs: tuple[int, ...]
) -> None:
    model = made(links, element, signs)
    proto = model.finish(model.nodes[-1].output[0])
    reading = assert_reads(proto, model.samples(20))
    assert reading.different <= 2 and reading.bound == 1
    names = [node.op.name for node in to_integer(read_model(proto)).hardware.nodes]
    assert names[0] == "Conv" and names[1].startswith("Requantise")
    assert set(names[2:]) == {"ClampChannels"}


def test_bounds_that_are_one_number_stay_in_the_requantisation() -> None:
    model = made(("Relu",), "u8", (1,))
    relu = next(node for node in model.nodes if node.op_type == "Relu")
    half = model.node("Mul", relu.output[0], model.constant(np.float32(0.5)))
    proto = model.finish(model.quantize(half, 0.02, 40, "u8"))
    assert assert_reads(proto, model.samples(20)).different == 0
    names = [node.op.name for node in to_integer(read_model(proto)).hardware.nodes]
    assert len(names) == 2 and names[1].startswith("Requantise")

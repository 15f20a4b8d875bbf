"""A QONNX network of many formats as a circuit, against its integers and ONNX Runtime on ONNX's own operators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.qonnx_models import QonnxModel, network_of_many_formats

from hlsgen.flow import compile


@pytest.mark.parametrize("stall", ["none", "random"])
def test_a_network_of_many_formats_is_bit_exact(stall: str, tmp_path: Path) -> None:
    model, samples = network_of_many_formats()
    compiled = compile(model, board="ulx3s_25f", effort="small", output=tmp_path / "mixed")
    result = compiled.verify(samples, samples=20, stall=stall, seed=3)
    assert result.good, result.text()
    assert result.mismatches == 0
    assert "0 different" in result.text().split("default session): ")[1], "compared with nothing"


@pytest.mark.parametrize("stall", ["none", "random"])
def test_biases_between_the_steps_of_sums_are_bit_exact(stall: str, tmp_path: Path) -> None:
    """One that a function of several bits takes, and those of two products that meet."""
    model = QonnxModel((1, 6), opset=13)
    x = model.quant("x", 0.5, 4)

    def product(x: str) -> str:
        w = model.quant(model.reals(6, 6), 1.0, 3)
        bias = (model.random.integers(-40, 41, 6) / 16).astype(np.float32)
        return model.node("Add", model.node("MatMul", x, w), model.constant(bias))

    x = model.quant(product(x), 0.25, 6, rounding_mode="HALF_UP")
    x = model.quant(model.node("Sub", product(x), product(x)), 0.5, 7, rounding_mode="FLOOR")
    y = model.node("MatMul", x, model.quant(model.reals(6, 3), 0.25, 4))
    compiled = compile(model.finish(y), board="ulx3s_25f", output=tmp_path / "biases")
    result = compiled.verify(model.samples(20), samples=20, stall=stall, seed=3)
    assert result.good and result.mismatches == 0, result.text()
    assert "0 different" in result.text().split("default session): ")[1], "compared with nothing"


def test_a_sign_that_is_always_the_same_is_bit_exact(tmp_path: Path) -> None:
    """What Relu lets through is never below 0, so that its sign is 1."""
    model = QonnxModel((1, 6), opset=13)
    x = model.node("MatMul", model.bipolar("x"), model.bipolar(model.reals(6, 5)))
    x = model.bipolar(model.node("Relu", x))
    x = model.node("MatMul", x, model.bipolar(model.reals(5, 3), 0.25))
    compiled = compile(model.finish(x), board="ulx3s_25f", effort="small", output=tmp_path / "one")
    result = compiled.verify(model.samples(5), samples=5, engine="fast", seed=3)
    assert result.good and result.mismatches == 0, result.text()

"""A float network in fixed point, from the file to the simulated circuit: its bits are those of its meaning, and its error is reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from frontend.test_calibrate import float_model

from hlsgen import flow


def test_a_float_network_is_a_circuit_with_the_bits_of_its_meaning(tmp_path: Path) -> None:
    """Conv, BatchNormalization, Relu, MaxPool, Gemm and Softmax, under random stalls."""
    samples = np.random.default_rng(1).normal(size=(12, 2, 6, 6)).astype(np.float32)
    onnx.save(float_model(), tmp_path / "float.onnx")
    np.savez(tmp_path / "samples.npz", x=samples)
    compiled = flow.compile(
        tmp_path / "float.onnx",
        precision="fixed16",
        samples=tmp_path / "samples.npz",
        effort="small",
        output=tmp_path / "out",
    )
    (error,) = compiled.report["errors"]
    assert error["output"] == "y" and error["samples"] == 12
    assert 0 < error["mean"] <= error["largest"] < 2**-10 * error["spread"]
    assert "against ONNX Runtime on floats" in (compiled.directory / "report.txt").read_text()
    result = compiled.verify({"x": samples[:3]}, engine="fast")
    assert result.good, result.text()
    assert [str(port.element) for port in compiled.manifest.inputs] == ["s16"]

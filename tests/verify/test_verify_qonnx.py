"""A QONNX network of many formats as a circuit, against its integers and ONNX Runtime on ONNX's own operators."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.qonnx_models import network_of_many_formats

from hlsgen.flow import compile


@pytest.mark.parametrize("stall", ["none", "random"])
def test_a_network_of_many_formats_is_bit_exact(stall: str, tmp_path: Path) -> None:
    model, samples = network_of_many_formats()
    compiled = compile(model, board="ulx3s_25f", effort="small", output=tmp_path / "mixed")
    result = compiled.verify(samples, samples=20, stall=stall, seed=3)
    assert result.good, result.text()
    assert result.mismatches == 0
    assert "0 different" in result.text().split("default session): ")[1], "compared with nothing"

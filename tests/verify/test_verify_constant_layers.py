"""A network that takes a sample every cycle, as a circuit against its integers and ONNX Runtime, with and without registers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.qonnx_models import network_of_vectors

from hlsgen.flow import compile


@pytest.mark.parametrize(("stall", "latency"), [("none", None), ("random", None), ("random", 12)])
def test_constant_layers_are_bit_exact(stall: str, latency: int | None, tmp_path: Path) -> None:
    model, samples = network_of_vectors()
    compiled = compile(model, board="ulx3s_25f", interval=1, latency=latency, output=tmp_path / "v")
    result = compiled.verify(samples, samples=40, stall=stall, seed=3)
    assert result.good, result.text()
    assert result.mismatches == 0
    assert compiled.manifest.interval_cycles == 1
    assert "0 different" in result.text().split("default session): ")[1], "compared with nothing"

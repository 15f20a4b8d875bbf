"""The example networks: every node of them becomes hardware, whose circuit computes its meaning."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from hlsgen import flow
from hlsgen.frontend.support import QUANTISED_LATER, support

FILE = Path(__file__).resolve().parents[2] / "examples" / "networks" / "networks.py"
NAMES = ("keyword_gru", "mobilenet_v2", "resnet_se", "unet")


def networks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("networks", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_network_is_tested() -> None:
    assert tuple(networks().NETWORKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_node_becomes_hardware(name: str) -> None:
    rows = support(networks().NETWORKS[name]())
    assert {row.where for row in rows} == {QUANTISED_LATER}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_circuit_computes_the_meaning_of_the_quantised_network(
    name: str, tmp_path: Path
) -> None:
    example = networks()
    model = example.NETWORKS[name]()
    np.savez(tmp_path / "samples.npz", **example.samples_for(model, 32, 1))
    design = flow.compile(
        model, calibrate=tmp_path / "samples.npz", effort="small", output=tmp_path / "design"
    )
    result = design.verify(example.samples_for(model, 3, 2), engine="fast")
    assert result.good, result.text()
    assert len(np.unique(next(iter(result.outputs.values())))) > 3

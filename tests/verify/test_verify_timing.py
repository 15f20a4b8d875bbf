"""Latency and interval from cycles, and utilisation from the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.toy_designs import write_manifest

from hlsgen.artefact.folder import open_folder
from hlsgen.verify.simulation import Simulation
from hlsgen.verify.timing import Timing, measure, slowest_cycles


def _run(accepted: list[int], given: list[int]) -> Simulation:
    cycles = (np.array(accepted), np.array(given))
    return Simulation(len(accepted), 0, False, (), {}, {}, *cycles, {})


@pytest.mark.parametrize(
    ("given", "timing"),
    [
        ([], Timing(None, None)),
        ([50], Timing(47, None)),
        ([50, 70], Timing(47, None)),
        # The pipeline fills during the first samples: their distances do not count.
        ([50, 55, 75, 95], Timing(47, 20)),
        ([50, 51, 52, 72, 92, 112], Timing(47, 20)),
    ],
)
def test_the_interval_is_that_of_the_later_samples(given: list[int], timing: Timing) -> None:
    assert measure(_run([3, 4, 5], given)) == timing


def test_the_slowest_part_is_a_process_or_a_port(tmp_path: Path) -> None:
    (tmp_path / "design.v").write_text("")
    write_manifest(tmp_path, lanes=4)  # 6 words per sample
    folder = open_folder(tmp_path)
    assert slowest_cycles(folder) is None
    for cycles, slowest in ((5, 6), (9, 9)):
        report = {"layers": [{"cycles": 2}, {"cycles": cycles}]}
        (tmp_path / "report.json").write_text(json.dumps(report))
        assert slowest_cycles(folder) == slowest

"""The timeline of a sample counts every cycle of every process once, and work as much as the report says."""

from __future__ import annotations

from pathlib import Path

import hlsgen
from hlsgen.artefact.slices import SLICES, STATES

DIGITS = Path(__file__).resolve().parents[3] / "examples" / "digits" / "digits.onnx"


def test_every_cycle_of_every_process_is_counted_once() -> None:
    for interval in (1250, 6000):
        report = hlsgen.compile(DIGITS, board="ulx3s_85f", interval=interval).report
        timeline = report["timeline"]
        whole, length = timeline["cycles"], timeline["slice_cycles"]
        assert whole >= report["interval_cycles"]
        assert -(-whole // length) <= SLICES
        layers = {layer["name"]: layer for layer in report["layers"]}
        assert [row["name"] for row in timeline["rows"]] == list(layers)
        for row in timeline["rows"]:
            slices = list(zip(*(row[state] for state in STATES), strict=True))
            assert [sum(cycles) for cycles in slices[:-1]] == [length] * (len(slices) - 1)
            assert sum(map(sum, slices)) == whole
            assert sum(row["works"]) == layers[row["name"]]["cycles"]

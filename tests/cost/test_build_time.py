"""The estimate of the build time against the recorded builds."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

from hlsgen.board import load_board
from hlsgen.cost.build_time import build_seconds, build_time_text

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
RECORDS = sorted([*RESULTS.glob("boards-*@*.json"), *RESULTS.glob("fabrics-*@*.json")])


def test_half_of_the_recorded_builds_took_at_most_what_is_estimated_and_half_at_least() -> None:
    """By a factor of 2.5: records are also made beside other work, which the estimate does not count."""
    ratios = []
    for record in RECORDS:
        values = json.loads(record.read_text())["values"]
        estimate = build_seconds(load_board(values["board"]).family, values["lut"])
        assert estimate is not None
        steps = values.get("steps", {"all": values["seconds"]})
        seeds = [seconds for step, seconds in steps.items() if step.startswith("seed_")]
        of_one_seed = sum(steps.values()) - sum(seeds) + min(seeds, default=0)
        ratios.append(of_one_seed / estimate)
    assert 1 / 2.5 <= median(ratios) <= 2.5


def test_there_are_records_and_the_text_says_that_it_is_an_estimate() -> None:
    assert len(RECORDS) >= 8
    assert "about 5 min" in build_time_text("ecp5", 6000) and "estimate" in build_time_text(
        "ecp5", 1
    )
    assert build_seconds("xilinx7", 6000) is None

"""Latency, interval and utilisation from the cycles of a full-speed run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsgen.verify.manifest import Manifest
from hlsgen.verify.simulation import Simulation

TIMED_SAMPLES = 5
"""Samples of a run that is made for timing alone: the pipeline fills during the first ones."""


@dataclass(frozen=True)
class Timing:
    """Cycles from the first input word accepted to the last output word of the first sample, and the steady
    distance between the last output words of neighbouring samples. None where the run had too few samples."""

    latency_cycles: int | None
    interval_cycles: int | None


def measure(simulation: Simulation) -> Timing:
    """The timing of a run without stalls; the interval is the median over the later half of the samples, at least two."""
    accepted, given = simulation.first_accepted, simulation.last_given
    latency = int(given[0] - accepted[0]) if len(given) else None
    distances = np.diff(given)
    if len(distances) < 2:
        return Timing(latency, None)
    later = distances[min(len(distances) // 2, len(distances) - 2) :]
    return Timing(latency, int(np.median(later)))


def slowest_cycles(directory: Path, manifest: Manifest) -> int | None:
    """The most cycles per sample that any process works (as report.json has them) or any port needs for its words; None
    where report.json has no such number."""
    try:
        layers = json.loads((directory / "report.json").read_text())["layers"]
        processes = [int(layer["cycles"]) for layer in layers]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return max(processes + [port.words for port in (*manifest.inputs, *manifest.outputs)])

"""Latency, interval and utilisation from the cycles of a full-speed run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.artefact.folder import Folder
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
    """The timing of a run without stalls; the interval is the median over the later half of the samples (of batches: of those, shared evenly
    by their samples), at least two."""
    accepted, given = simulation.first_accepted, simulation.last_given
    begin = accepted[0] if len(accepted) else 0  # of a design without inputs
    latency = int(given[0] - begin) if len(given) else None
    distances = np.diff(given[simulation.batch - 1 :: simulation.batch])
    if len(distances) < 2:
        return Timing(latency, None)
    later = distances[min(len(distances) // 2, len(distances) - 2) :]
    return Timing(latency, int(np.median(later)) // simulation.batch)


def slowest_cycles(folder: Folder) -> int | None:
    """The most cycles per sample that any process works (as report.json has them) or any port needs for its words; None
    where report.json has no such number, and for designs whose layers take turns."""
    if not folder.manifest.processes:
        return None
    try:
        processes = [int(layer["cycles"]) for layer in folder.report()["layers"]]
    except (ValueError, KeyError, TypeError):
        return None
    ports = (*folder.manifest.inputs, *folder.manifest.outputs)
    return max(processes + [port.words for port in ports])

"""One sample on its way through the simulated circuit: what every process did in each cycle, as the streams between them tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.slices import SLICES, STATES, add_cycles
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption
from hlsgen.progress import Progress
from hlsgen.verify.probed_run import probed_run, words_of
from hlsgen.verify.run import repeated
from hlsgen.verify.simulation import Recording

FILLING = 3
"""Samples in front of the one that is shown, besides those that are in the pipeline at once."""


def check_timeline(folder: Folder, engine: str) -> None:
    """Raise BadOption for designs without processes, and for boards."""
    if not folder.manifest.processes or engine == "board":
        where = "on a board" if engine == "board" else "without layers of their own"
        raise BadOption(
            "--timeline",
            f"expected a network with --schedule stream in a simulator, found a design {where}",
            "Leave --timeline out.",
        )


def simulated_timeline(
    folder: Folder,
    dataflow: Dataflow,
    inputs: Mapping[str, np.ndarray],
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """A sample in the steady state at full speed, from its first word in to its last word out: the form of
    ``schedule.stream_network.activity``.

    A process's work on a word is drawn in the cycles that end when the word stands at its output: as many as report.json says that it works on a sample,
    evenly divided. The rest is waiting: for room while a word stands and is not taken, else for input. Raises BadFile, ToolFailed.
    """
    manifest = folder.manifest
    interval, latency = manifest.interval_cycles or 1, manifest.latency_cycles or 1
    ahead = -(-latency // interval)
    sample = FILLING + ahead
    count = sample + ahead + 2
    run = probed_run(folder, dataflow, repeated(inputs, count), count, "none", seed, progress)
    begin = int(run.first_accepted[sample]) if len(run.first_accepted) > sample else 0
    end = int(run.last_given[sample])
    cycles = max(1, end - begin)
    length = -(-cycles // SLICES)
    work = {layer["name"]: int(layer["cycles"]) for layer in folder.report()["layers"]}
    rows = []
    for point in manifest.processes:
        words = words_of(point, dataflow.channels[point.channel])
        row = {state: [0] * -(-cycles // length) for state in STATES}
        for state, first, last in _spans(
            _Words(run.recordings[point.name], words, work[point.name]), sample
        ):
            add_cycles(row[state], first - begin, min(last, end) - begin, length)
        rows.append({"name": point.name, **row})
    return {"cycles": cycles, "slice_cycles": length, "rows": rows}


@dataclass(frozen=True, eq=False)
class _Words:
    """The words of a process: when each stood at its output and when it was taken; ``count`` of a sample, which take ``work`` cycles."""

    recording: Recording
    count: int
    work: int

    def worked(self) -> list[tuple[int, int]]:
        """(begin, end) of the work on each word: as late as the words that come allow, since one process works on one at a time."""
        shares = [(k + 1) * self.work // self.count for k in range(self.count)]
        each = np.diff(shares, prepend=0).tolist()
        spans: list[tuple[int, int]] = []
        next_begin = None
        for n in range(len(self.recording.offered) - 1, -1, -1):
            end = int(self.recording.offered[n])
            if next_begin is not None:
                end = min(end, next_begin)
            next_begin = end - each[n % self.count]
            spans.append((next_begin, end))
        return spans[::-1]


def _spans(words: _Words, sample: int) -> Iterator[tuple[str, int, int]]:
    """(state, begin, end) one after the other, from cycle 0 on."""
    free = stands = taken = (
        0  # the word before: when its work ended, when it stood there, when it was taken
    )
    for n, (begin, end) in enumerate(words.worked()):
        begin = max(free, begin)
        full = min(max(stands, free), begin)
        empty = min(max(taken, full), begin)
        yield "waits_for_input", free, full
        yield "waits_for_room", full, empty
        yield "waits_for_input", empty, begin
        free = max(begin, end)
        yield "works" if n // words.count == sample else "works_on_others", begin, free
        if n < len(words.recording.cycles):
            stands, taken = int(words.recording.offered[n]), int(words.recording.cycles[n])

"""Which layer of a network on a fabric is the first whose result in the tiles differs from its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hlsgen.artefact.manifest import TOP
from hlsgen.dataflow.interpret import interpret
from hlsgen.fabric.packets import to_words
from hlsgen.progress import Progress, silent
from hlsgen.schedule.grid_network.plan import NetworkPlan
from hlsgen.schedule.grid_network.ports import (
    input_bands,
    input_packets,
    outputs_of,
    owned_bands,
    result_words,
)
from hlsgen.schedule.grid_network.program import setup_packets, watched_packets
from hlsgen.verify import fabric_simulation
from hlsgen.verify.fabric_simulation import Stalls


def first_wrong_layer(
    directory: Path,
    plan: NetworkPlan,
    batch: Mapping[str, np.ndarray],
    stalls: Stalls,
    progress: Progress = silent,
    top: str = TOP,
) -> str:
    """Run one batch (channel -> (samples, height, width, channels) integers) with the result of every layer read back from the tiles, and compare
    each with its meaning. Returns the sentence that names the first that differs. Raises ToolFailed."""
    packets = (
        *setup_packets(plan),
        *input_packets(plan.fabric, input_bands(plan), batch),
        *watched_packets(plan),
    )
    done = fabric_simulation.simulate_program(
        directory, plan.fabric, to_words(packets), stalls=stalls, progress=progress, top=top
    )
    progress("interpreting every layer", None)
    want = interpret(plan.dataflow, batch)
    samples = len(next(iter(batch.values())))
    place = 0
    for name in dict.fromkeys(phase.process for phase in plan.phases):
        channel = next(
            process.write.channel for process in plan.dataflow.processes if process.name == name
        )
        bands = owned_bands(plan, [channel])
        count = result_words(plan.fabric, bands)
        words = np.asarray(done.unload)[place : place + count]
        place += count
        if len(words) < count:
            return f"first wrong layer: {name}; its results never came"
        got = outputs_of(plan.fabric, bands, words, samples)[channel]
        wrong = np.argwhere(got != want[channel])
        if len(wrong):
            at = tuple(int(k) for k in wrong[0])
            return (
                f"first wrong layer: {name}; {len(wrong)} elements of channel {channel} differ, first"
                f" {list(at[1:])}: got {got[at]}, want {want[channel][at]}"
            )
    return (
        "every layer of the first wrong sample, run alone, gives what its meaning says: the fault lies in what ran before it,"
        " or in how samples enter and results leave"
    )

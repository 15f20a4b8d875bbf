"""A network on a fabric as a simulation like any other: the folder's own program is sent to the load port of its Verilog."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.cycle_model.program import ProgramResult
from hlsgen.fabric.file import fabric_hash, load_fabric
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.program import to_words
from hlsgen.lowering.lower import PortLayout
from hlsgen.progress import Progress
from hlsgen.schedule.grid_network.ports import (
    Band,
    band_from,
    input_packets,
    outputs_of,
    result_words,
)
from hlsgen.verify import fabric_simulation
from hlsgen.verify.manifest import Manifest, Port, stale
from hlsgen.verify.simulation import Simulation


@dataclass(frozen=True, eq=False)
class GridFolder:
    """What a compiled grid folder holds besides what every folder does. ``setup`` and ``sample``: words of the load port (uint32);
    ``run_cycles``: predicted of every run of a sample."""

    fabric: Fabric
    setup: np.ndarray
    sample: np.ndarray
    inputs: tuple[Band, ...]
    outputs: tuple[Band, ...]
    run_cycles: tuple[int, ...]


def load_grid(directory: Path) -> GridFolder:
    """Read the program and its fabric from DIR; raises BadFile where they are not those that were compiled."""
    path = directory / "manifest.json"
    try:
        fields = json.loads(path.read_text())
        fabric = load_fabric(str(directory / f"{fields['fabric']}.toml"))
        if (found := fabric_hash(fabric)) != int(fields["fabric_hash"]):
            expected = int(fields["fabric_hash"])
            raise stale(path, f"expected a fabric of hash {expected:08x}, found {found:08x}")
        return GridFolder(
            fabric,
            _words(directory / "setup.bin", str(fields["setup_sha256"])),
            _words(directory / "sample.bin", str(fields["sample_sha256"])),
            _bands(fields["inputs"]),
            _bands(fields["outputs"]),
            tuple(int(cycles) for cycles in fields["run_cycles"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise stale(path, f"expected the manifest of a grid, found {error!r}") from None


def simulate_grid(
    directory: Path,
    manifest: Manifest,
    inputs: Mapping[str, np.ndarray],
    stall: str,
    seed: int,
    progress: Progress,
) -> Simulation:
    """Run samples (value name -> (samples, *tensor_shape) integers) through the fabric, one after the other.

    Runs that take other cycles than predicted are violations. Raises BadFile, ToolFailed.
    """
    folder = load_grid(directory)
    count = len(next(iter(inputs.values())))
    kind = "none" if stall == "none" else "mixed"
    done = fabric_simulation.simulate_program(
        directory,
        folder.fabric,
        program_words(folder, manifest, inputs),
        stalls=fabric_simulation.Stalls(kind, kind, seed),
        progress=progress,
    )
    return _collected(folder, manifest, done, count)


def program_words(
    folder: GridFolder, manifest: Manifest, inputs: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The words of the load port (uint32) for samples, one after the other."""
    streams = {
        port.channel: _layout(port).to_stream(inputs[port.value]) for port in manifest.inputs
    }
    parts = [folder.setup]
    for k in range(len(next(iter(inputs.values())))):
        sample = {channel: array[k] for channel, array in streams.items()}
        packets = input_packets(folder.fabric, folder.inputs, sample)
        parts += [to_words(packets), folder.sample]
    return np.concatenate(parts)


def _collected(
    folder: GridFolder, manifest: Manifest, done: ProgramResult, count: int
) -> Simulation:
    expected = result_words(folder.outputs)
    unload = np.zeros(expected * count, dtype=np.uint32)
    came = np.asarray(done.unload, dtype=np.uint32)[: len(unload)]
    unload[: len(came)] = came
    whole = len(came) // expected
    found = outputs_of(folder.fabric, folder.outputs, unload, count)
    outputs, missing = {}, {}
    for port in manifest.outputs:
        tensors = _layout(port).to_tensor(found[port.channel])
        late = np.arange(count) >= whole
        outputs[port.value] = tensors
        missing[port.value] = np.zeros(tensors.shape, bool) | late.reshape(
            -1, *(1,) * (tensors.ndim - 1)
        )
    # The program says when all is done: samples share its cycles, but for those of the setup, evenly.
    share = 0 if done.cycles is None else (done.cycles - len(folder.setup)) // count
    ends = share * (1 + np.arange(whole if share else 0))
    return Simulation(
        samples=count,
        cycles=done.cycles or 0,
        stopped=whole < count,
        violations=_violations(folder, done, count),
        outputs=outputs,
        missing=missing,
        first_accepted=ends - share,
        last_given=ends,
        recordings={},
    )


def _violations(folder: GridFolder, done: ProgramResult, count: int) -> tuple[str, ...]:
    found = []
    if done.refused:
        found.append("the fabric refused the program")
    runs = tuple(int(cycles) for cycles in done.run_cycles)
    if runs != folder.run_cycles * count:
        wrong = sum(a != b for a, b in zip(runs, folder.run_cycles * count, strict=False))
        found.append(
            f"{wrong} of {len(runs)} runs (predicted: {len(folder.run_cycles) * count}) took other cycles than predicted"
        )
    return tuple(found)


def _layout(port: Port) -> PortLayout:
    return PortLayout(
        port.value, port.channel, port.tensor_shape, port.axes, port.stream_shape, port.element
    )


def _bands(ports: Sequence[Mapping[str, Any]]) -> tuple[Band, ...]:
    return tuple(band_from(band) for port in ports for band in port["bands"])


def _words(path: Path, expected: str) -> np.ndarray:
    content = path.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise stale(
            path, f"expected sha256 {expected[:16]}... of the manifest, found {found[:16]}..."
        )
    return np.frombuffer(content, dtype="<u4").astype(np.uint32)

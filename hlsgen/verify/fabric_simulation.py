"""Programs of the load port in the simulated RTL of a fabric: what ``cycle_model.run_program`` does, by the circuit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hlsgen.algebra.types import wrap
from hlsgen.artefact.digest import sha256
from hlsgen.artefact.manifest import TOP
from hlsgen.cycle_model.program import ProgramResult
from hlsgen.errors import Mismatch
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import ReadPacket, from_words
from hlsgen.progress import Progress, silent
from hlsgen.verify.executables import TRACES, Bench, build_bench, cocotb_arguments, visible_signals
from hlsgen.verify.simulation import Simulation, cocotb_environment, run_executable
from hlsgen.verify.simulators import find_simulator

PATIENCE = 20_000
"""Cycles without any progress after which a fabric counts as stopped."""
PORTS = ("s_axis_load", "m_axis_unload", "s_axis_stream", "m_axis_stream")
STATUS = ("busy", "enabled", "refused")


@dataclass(frozen=True)
class Stalls:
    """``idle`` of what is sent, ``backpressure`` of what is received: names of ``sim.stalls.STALLS``; ``seed`` of both."""

    idle: str = "none"
    backpressure: str = "none"
    seed: int = 0


def simulate_program(
    directory: Path,
    fabric: Fabric,
    words: Sequence[int] | np.ndarray,
    stream_in: Sequence[int] = (),
    streamed: int = 0,
    stalls: Stalls = Stalls(),
    progress: Progress = silent,
    top: str = TOP,
    waves: Path | None = None,
) -> ProgramResult:
    """Run a program in DIR/design.v, the Verilog of ``fabric`` with the module ``top``; ``streamed`` words are expected on the output stream;
    ``waves``: the file for those of all signals.

    The simulator is built once for a folder. Raises ToolFailed; Mismatch where the circuit stops, or breaks a rule of its streams.
    """
    program = np.asarray(words, dtype=np.uint32)
    stream_bytes = -(-fabric.word_bits // 8)
    reads = [packet.count for packet in from_words(program) if isinstance(packet, ReadPacket)]
    simulator = find_simulator()
    progress("building the simulator of the fabric", None)
    executable = build_bench(directory, _bench(directory, top, waves), simulator)
    # Imported here: the bench imports cocotb.
    from hlsgen.sim.program_bench import ProgramJob, ProgramOutcome

    job = ProgramJob(
        stalls.idle, stalls.backpressure, stalls.seed, stream_bytes, sum(reads), streamed, PATIENCE
    )
    with tempfile.TemporaryDirectory(prefix="hlsgen_program_") as name:
        folder = Path(name)
        (folder / "job.json").write_text(json.dumps(asdict(job)))
        (folder / "load.words").write_bytes(program.astype("<u4").tobytes())
        mask = (1 << (8 * stream_bytes)) - 1
        stream = b"".join((word & mask).to_bytes(stream_bytes, "little") for word in stream_in)
        (folder / "stream.words").write_bytes(stream)
        environment = cocotb_environment("hlsgen.sim.program_bench", top, folder)
        what = f"simulating the program, idle {stalls.idle}, backpressure {stalls.backpressure}"
        traced = () if waves is None else ("--trace", "--trace-file", str(waves))
        run_executable(executable, traced, environment, folder, what, progress)
        outcome = ProgramOutcome(**json.loads((folder / "result.json").read_text()))
        unload = np.frombuffer((folder / "unload.words").read_bytes(), dtype=np.uint8)
        given = (folder / "stream_out.words").read_bytes()
    rows = unload.reshape(-1, 5)
    if not outcome.refused:
        _check(outcome, rows[:, 4], reads)
    return ProgramResult(
        np.ascontiguousarray(rows[:, :4]).view("<u4").reshape(-1).astype(np.uint32),
        tuple(
            int(wrap(int.from_bytes(given[k : k + stream_bytes], "little"), fabric.word_bits))
            for k in range(0, len(given), stream_bytes)
        ),
        tuple(outcome.run_cycles),
        outcome.refused,
        outcome.cycles,
        outcome.busy_cycles,
    )


def collected(
    done: ProgramResult,
    run_cycles: Sequence[int],
    samples: int,
    words: int,
    outputs: Callable[[np.ndarray], Mapping[str, np.ndarray]],
    cycles: Callable[[int], Sequence[int]],
    batch: int = 1,
) -> Simulation:
    """What a program gave that was run on samples, ``batch`` at a time, one batch after the other.

    ``run_cycles``: planned of every run of a batch, others are violations; ``words`` are sent back for a batch. ``outputs``: from the
    words of all samples (0 where the fabric stopped before) to value -> (samples, ...); ``cycles``: of each of the first so many batches.
    Raises Mismatch where the fabric refused the program.
    """
    batches = -(-samples // batch)
    violations = _broken_cycles(done, tuple(run_cycles) * batches)
    unload = np.zeros(words * batches, dtype=np.uint32)
    came = np.asarray(done.unload, dtype=np.uint32)[: len(unload)]
    unload[: len(came)] = came
    whole = min(samples, len(came) // words * batch) if words else samples
    late = np.arange(samples) >= whole
    tensors = outputs(unload)
    taken = np.array(cycles(-(-whole // batch)), dtype=np.int64)
    ends = np.cumsum(taken)
    return Simulation(
        samples=samples,
        cycles=done.cycles or 0,
        stopped=whole < samples,
        violations=violations,
        outputs=tensors,
        missing={
            name: np.broadcast_to(late.reshape(-1, *(1,) * (tensor.ndim - 1)), tensor.shape)
            for name, tensor in tensors.items()
        },
        first_accepted=np.repeat(ends - taken, batch)[:whole],
        last_given=np.repeat(ends, batch)[:whole],
        recordings={},
        batch=batch,
    )


def _broken_cycles(done: ProgramResult, planned: tuple[int, ...]) -> tuple[str, ...]:
    """In words: runs that took other cycles than planned. Raises Mismatch where the fabric refused the program."""
    if done.refused:
        raise Mismatch(
            "simulation of the fabric",
            "expected the program to be taken, found it refused",
            "The circuit is not that of the program's fabric: compile again.",
        )
    runs = tuple(int(cycles) for cycles in done.run_cycles)
    if runs == planned:
        return ()
    wrong = sum(a != b for a, b in zip(runs, planned, strict=False))
    return (
        f"{wrong} of {len(runs)} runs (predicted: {len(planned)}) took other cycles than predicted",
    )


def _bench(directory: Path, top: str, waves: Path | None) -> Bench:
    shown = ["clk", "rst", *STATUS, "m_axis_unload_tlast"]
    shown += [f"{port}_t{part}" for port in PORTS for part in ("data", "valid", "ready")]
    digest = sha256((directory / "design.v").read_bytes())
    sources = {"visible.vlt": visible_signals(top, shown)}
    end = "" if waves is None else waves.suffix
    arguments = (*cocotb_arguments(top), *TRACES[end])
    return Bench(f"program{end.replace('.', '_')}", top, digest, arguments, sources)


def _check(outcome: object, last: np.ndarray, reads: Sequence[int]) -> None:
    """Raise Mismatch where the circuit stopped or broke a rule of its streams."""
    from hlsgen.sim.program_bench import ProgramOutcome

    assert isinstance(outcome, ProgramOutcome)
    ends = np.zeros(sum(reads), dtype=np.uint8)
    ends[np.cumsum([count for count in reads if count], dtype=int) - 1] = 1
    problems = list(outcome.violations)
    if outcome.stopped:
        problems.append(f"nothing happened for {PATIENCE} cycles, before the program's end")
    elif len(last) != len(ends):
        problems.append(f"m_axis_unload: expected {len(ends)} words, found {len(last)}")
    elif (last != ends).any():
        problems.append(f"m_axis_unload: tlast on other words than {np.flatnonzero(ends).tolist()}")
    if problems:
        raise Mismatch(
            "simulation of the fabric",
            f"expected a program that runs to its end, found: {problems[0]}",
            "Simulate again with the same seed, and report the program.",
        )

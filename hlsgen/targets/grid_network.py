"""Networks as programs for a fabric, layer after layer (schedule grid)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hlsgen.artefact.board_ports import BoardPorts
from hlsgen.artefact.folder import Artefact, Folder
from hlsgen.progress import Progress
from hlsgen.targets.fabric import (
    check_engine,
    fabric_circuit,
    fabric_of,
    incomplete,
    load_port,
    load_port_traffic,
    program_part,
)
from hlsgen.targets.network_source import NetworkSource
from hlsgen.targets.target import Target

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.cycle_model.program import ProgramResult
    from hlsgen.fabric.ir import Fabric
    from hlsgen.host.traffic import Traffic
    from hlsgen.lowering.lower import Lowered
    from hlsgen.schedule.grid_network.plan import NetworkPlan
    from hlsgen.schedule.grid_network.ports import Band
    from hlsgen.verify.reference import Reference, Samples
    from hlsgen.verify.run import Failure, Request, Runs, TraceRequest
    from hlsgen.verify.simulation import Simulation

TIMED_BATCHES = 3
"""A grid computes one batch of samples after the other, so that few tell the interval."""


@dataclass(frozen=True)
class GridNetworkOptions:
    """``fabric``: a preset or a TOML file; ``board`` is only checked and noted for ``build``; ``batch``: samples that share the rows of the
    fabric, and a pass over the weights."""

    fabric: str = "mac_8x8"
    batch: int = 1
    board: str | None = None
    name: str | None = None


class GridNetwork(Target[NetworkSource]):
    """See :class:`hlsgen.targets.target.Target`."""

    kind: ClassVar[str] = "grid_network"
    source: ClassVar[str] = "network"
    schedule: ClassVar[str] = "grid"
    has_waves: ClassVar[bool] = True
    options: ClassVar[type] = GridNetworkOptions

    def compile(
        self, source: NetworkSource, options: GridNetworkOptions, progress: Progress
    ) -> Artefact:
        """Map a network to a fabric, and emit the fabric's Verilog and the program of its load port."""
        from hlsgen.board import load_board
        from hlsgen.fabric.file import load_fabric
        from hlsgen.fabric.packets import to_words
        from hlsgen.passes.states import refuse_states
        from hlsgen.schedule.grid_network.plan import plan_network
        from hlsgen.schedule.grid_network.program import sample_packets, setup_packets
        from hlsgen.schedule.grid_network.report import network_report

        refuse_states(
            source.integer.hardware, "a network with --schedule stream", "a grid", "--schedule"
        )
        board = None if options.board is None else load_board(options.board)
        clock = None if board is None else board.clock_mhz
        lowered = source.lowered(nudged=False, progress=progress)
        fabric = load_fabric(options.fabric)
        progress(f"mapping the network to fabric {fabric.name}", None)
        with source.named():
            plan = plan_network(fabric, lowered.dataflow, options.batch)
        report = network_report(plan, clock)
        circuit = fabric_circuit(options.fabric, options.name, progress)
        files = {
            **source.files(),
            **({} if board is None else board.files()),
            **circuit.files(),
            "setup.bin": to_words(setup_packets(plan)).astype("<u4").tobytes(),
            "sample.bin": to_words(sample_packets(plan)).astype("<u4").tobytes(),
        }
        ports = _program_ports(plan, lowered)
        manifest = replace(
            circuit.manifest,
            kind=self.kind,
            board=None if board is None else board.name,
            declared=source.declared,
            interval_cycles=report.head.interval_cycles,
            latency_cycles=report.head.latency_cycles,
            **ports,
        )
        return Artefact(
            files,
            manifest,
            report,
            lambda: source.texts(lowered, lambda: _schedule_text(plan)),
        )

    def check_verify(self, folder: Folder, engine: str) -> None:
        check_engine(engine)

    def reference(self, folder: Folder, name: str) -> Reference:
        from hlsgen.verify.stored import stored_reference

        return stored_reference(folder, name)

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        """The program on the samples, under stalls and (on few samples) at full speed."""
        from hlsgen.schedule.grid_network.ports import batch_of
        from hlsgen.verify.run import both_runs

        if request.engine == "board":
            from hlsgen.host.board import run_on_board

            traffic = self.traffic(folder, samples.hardware, samples.count)
            return run_on_board(folder, traffic, request.port, progress)

        def run(inputs: Mapping[str, np.ndarray], count: int, stalls: str) -> Simulation:
            return simulate_network(folder, inputs, count, stalls, request.seed, progress)

        timed_samples = TIMED_BATCHES * batch_of(load_program(folder).inputs)
        return both_runs(run, samples, request, timed_samples)

    def trace(self, folder: Folder, request: TraceRequest, progress: Progress) -> None:
        simulate_network(
            folder, request.inputs, request.count, *request.stalls, progress, request.path
        )

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        """The first layer whose result in the tiles differs from its meaning, in the first wrong sample run alone (in all places of a batch)."""
        import numpy as np

        from hlsgen.fabric.packets import to_words
        from hlsgen.schedule.grid_network.plan import plan_network
        from hlsgen.schedule.grid_network.ports import batch_of
        from hlsgen.schedule.grid_network.program import sample_packets
        from hlsgen.verify.fabric_simulation import Stalls
        from hlsgen.verify.grid_bisect import first_wrong_layer

        dataflow = reference.dataflow(nudged=False)
        assert dataflow is not None, "the reference of a network has processes"
        program = load_program(folder)
        plan = plan_network(program.fabric, dataflow, batch_of(program.inputs))
        # A program that was changed afterwards is run by its own words, which no plan reads back.
        if not np.array_equal(to_words(sample_packets(plan)), program.sample):
            return "sample.bin is not the program of integer.txt, so that no layer can be watched"
        first = failure.first_sample
        sample = {
            port.channel: port.to_stream(failure.inputs[port.value])[first : first + 1]
            for port in folder.manifest.inputs
        }
        stalls = Stalls(failure.stalls, failure.stalls, failure.seed)
        top = folder.manifest.top
        return first_wrong_layer(folder.directory, plan, sample, stalls, progress, top)

    def board_ports(self, folder: Folder) -> BoardPorts:
        return load_port(fabric_of(folder))

    def traffic(self, folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
        from hlsgen.schedule.grid_network.ports import batch_of, result_words

        program = load_program(folder)
        batches = -(-count // batch_of(program.inputs))
        return load_port_traffic(
            count,
            program_words(folder, program, hardware, count),
            batches * result_words(program.fabric, program.outputs),
            lambda unload: _outputs(folder, program, unload, count),
        )


@dataclass(frozen=True, eq=False)
class NetworkProgram:
    """What a folder holds besides what every folder does. ``setup`` and ``sample``: words of the load port (uint32), once and for every
    batch; ``run_cycles``: predicted of every run of a batch."""

    fabric: Fabric
    setup: np.ndarray
    sample: np.ndarray
    inputs: tuple[Band, ...]
    outputs: tuple[Band, ...]
    run_cycles: tuple[int, ...]


def load_program(folder: Folder) -> NetworkProgram:
    """Read the program and its fabric from a folder; raises BadFile where they are not those that were compiled."""
    from hlsgen.schedule.grid_network.ports import band_from

    details = folder.manifest.details
    try:
        inputs = tuple(map(band_from, details["input_bands"]))
        outputs = tuple(map(band_from, details["output_bands"]))
        run_cycles = tuple(int(cycles) for cycles in details["run_cycles"])
    except (KeyError, TypeError, ValueError) as error:
        raise incomplete(folder, error) from None
    setup, sample = (program_part(folder, f"{part}.bin") for part in ("setup", "sample"))
    return NetworkProgram(fabric_of(folder), setup, sample, inputs, outputs, run_cycles)


def program_words(
    folder: Folder, program: NetworkProgram, inputs: Mapping[str, np.ndarray], count: int
) -> np.ndarray:
    """The words of the load port (uint32) for samples (value name -> (count, *tensor_shape) integers), one after the other."""
    import numpy as np

    from hlsgen.fabric.packets import to_words
    from hlsgen.schedule.grid_network.ports import batch_of, input_packets

    streams = {port.channel: port.to_stream(inputs[port.value]) for port in folder.manifest.inputs}
    parts, batch = [program.setup], batch_of(program.inputs)
    for first in range(0, count, batch):
        own = slice(first, min(first + batch, count))
        samples = {channel: array[own] for channel, array in streams.items()}
        packets = input_packets(program.fabric, program.inputs, samples)
        parts += [to_words(packets), program.sample]
    return np.concatenate(parts)


def simulate_network(
    folder: Folder,
    inputs: Mapping[str, np.ndarray],
    count: int,
    stalls: str,
    seed: int,
    progress: Progress,
    waves: Path | None = None,
) -> Simulation:
    """Run samples through the circuit, one batch after the other; runs that take other cycles than predicted are violations.

    Raises BadFile, ToolFailed.
    """
    from hlsgen.verify import fabric_simulation

    program = load_program(folder)
    done = fabric_simulation.simulate_program(
        folder.directory,
        program.fabric,
        program_words(folder, program, inputs, count),
        stalls=fabric_simulation.Stalls(stalls, stalls, seed),
        progress=progress,
        top=folder.manifest.top,
        waves=waves,
    )
    return _collected(folder, program, done, count)


def _collected(
    folder: Folder, program: NetworkProgram, done: ProgramResult, count: int
) -> Simulation:
    """The program says when all is done: batches share its cycles, but for those of the setup, evenly."""
    from hlsgen.schedule.grid_network.ports import batch_of, result_words
    from hlsgen.verify.fabric_simulation import collected

    batch = batch_of(program.inputs)
    share = 0 if done.cycles is None else (done.cycles - len(program.setup)) // -(-count // batch)
    words = result_words(program.fabric, program.outputs)
    return collected(
        done,
        program.run_cycles,
        count,
        words,
        lambda unload: _outputs(folder, program, unload, count),
        lambda whole: [share] * whole if share else [],
        batch,
    )


def _outputs(
    folder: Folder, program: NetworkProgram, unload: np.ndarray, count: int
) -> dict[str, np.ndarray]:
    """What the fabric sent back for samples, as value name -> (count, *tensor_shape)."""
    from hlsgen.schedule.grid_network.ports import outputs_of

    streams = outputs_of(program.fabric, program.outputs, unload, count)
    return {port.value: port.to_tensor(streams[port.channel]) for port in folder.manifest.outputs}


def _program_ports(plan: NetworkPlan, lowered: Lowered) -> dict[str, Any]:
    """Of the manifest: the ports, and where their elements are in the fabric's tiles."""
    from hlsgen.rtl.manifest import port
    from hlsgen.schedule.grid_network.ports import input_bands, output_bands

    return {
        "inputs": tuple(port(layout, "load") for layout in lowered.inputs),
        "outputs": tuple(port(layout, "unload") for layout in lowered.outputs),
        "details": {
            "fabric": plan.fabric.name,
            "input_bands": [asdict(band) for band in input_bands(plan)],
            "output_bands": [asdict(band) for band in output_bands(plan)],
            "run_cycles": [phase.cycles for phase in plan.phases],
        },
    }


def _schedule_text(plan: NetworkPlan) -> str:
    lines = [
        f"{number:4}  {phase.kind:8} {phase.process:24} {phase.cycles:8} cycles {phase.macs:10} MACs"
        for number, phase in enumerate(plan.phases)
    ]
    return "\n".join([f"network {plan.dataflow.name} on fabric {plan.fabric.name}", *lines, ""])

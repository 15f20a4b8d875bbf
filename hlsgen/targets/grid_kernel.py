"""Loop kernels mapped to a fabric (schedule grid)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hlsgen.artefact.board_ports import BoardPorts
from hlsgen.artefact.folder import Artefact, Folder
from hlsgen.errors import BadOption
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
from hlsgen.targets.kernel_source import KernelSource
from hlsgen.targets.target import Target

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.cycle_model.program import ProgramResult
    from hlsgen.fabric.ir import Fabric
    from hlsgen.host.traffic import Traffic
    from hlsgen.loops.ir import Kernel
    from hlsgen.schedule.grid_kernel.kernel_image import KernelImage
    from hlsgen.schedule.grid_kernel.run_kernel import MappedKernel
    from hlsgen.verify.reference import Reference, Samples
    from hlsgen.verify.run import Failure, Request, Runs, TraceRequest
    from hlsgen.verify.simulation import Simulation

LARGEST_SEED = 9999


@dataclass(frozen=True)
class GridKernelOptions:
    """``fabric``: a preset or a TOML file. ``seed`` and ``time_limit`` (seconds for all loop graphs) of the search; ``exact``: small graphs are
    also searched by a solver, where OR-Tools is installed; ``as_given`` keeps every operation of the graph. Raises BadOption."""

    fabric: str = "cgra_4x4"
    seed: int = 0
    time_limit: float = 100.0
    exact: bool = True
    as_given: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BadOption(
                "--seed",
                f"expected a whole number of 0 to {LARGEST_SEED}, found {self.seed}",
                "Choose a seed of this range.",
            )
        if not 0 <= self.time_limit < math.inf:
            raise BadOption(
                "--time-limit",
                f"expected seconds, 0 or more, found {self.time_limit:g}",
                "Leave it out for 100 seconds.",
            )


class GridKernel(Target[KernelSource]):
    """See :class:`hlsgen.targets.target.Target`."""

    kind: ClassVar[str] = "grid_kernel"
    source: ClassVar[str] = "kernel"
    schedule: ClassVar[str] = "grid"
    has_waves: ClassVar[bool] = True
    options: ClassVar[type] = GridKernelOptions

    def compile(
        self, source: KernelSource, options: GridKernelOptions, progress: Progress
    ) -> Artefact:
        """Map a kernel to a fabric, replay it in the cycle model, and emit the fabric's Verilog."""
        from hlsgen.fabric.file import load_fabric
        from hlsgen.schedule.grid_kernel.drawing import to_svg
        from hlsgen.schedule.grid_kernel.map_report import kernel_report
        from hlsgen.schedule.grid_kernel.picture import to_text
        from hlsgen.schedule.grid_kernel.run_kernel import map_kernel, replay
        from hlsgen.verify.kernel_inputs import random_arrays

        fabric, seed = load_fabric(options.fabric), options.seed
        kernel = _cleaned(source, fabric, options.as_given)
        mapped = map_kernel(kernel, fabric, seed, options.time_limit, options.exact, progress)
        progress("replaying in the cycle model", None)
        replay(mapped, random_arrays(mapped.kernel, source.text, source.function, seed))
        circuit = fabric_circuit(options.fabric, options.name, progress)
        image = mapped.image
        files = {
            **circuit.files(),
            "configurations.bin": image.configurations.astype("<u4").tobytes(),
            **source.files(mapped.kernel),
        }
        for number, mapping in enumerate(mapped.mappings):
            suffix = f"_{number}" if len(mapped.mappings) > 1 else ""
            files[f"mapping{suffix}.svg"] = to_svg(mapping).encode()
        text = "\n".join(to_text(mapping) for mapping in mapped.mappings)
        report = kernel_report(kernel.name, mapped.mappings, image.run_cycles, text)
        manifest = replace(
            circuit.manifest,
            kind=self.kind,
            interval_cycles=report.head.interval_cycles,
            latency_cycles=report.head.latency_cycles,
            details=_details(mapped, source),
        )
        return Artefact(files, manifest, report)

    def check_verify(self, folder: Folder, engine: str) -> None:
        check_engine(engine)

    def reference(self, folder: Folder, name: str) -> Reference:
        from hlsgen.verify.kernel import kernel_reference

        return kernel_reference(folder, name)

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        """The runs of a program take the same cycles under stalls and without: one simulation tells both."""
        from hlsgen.verify.run import Runs

        if request.engine == "board":
            from hlsgen.host.board import run_on_board

            traffic = self.traffic(folder, samples.hardware, samples.count)
            return run_on_board(folder, traffic, request.port, progress)
        stalls = request.stalls, request.seed
        simulation = _simulated(folder, samples.hardware, samples.count, stalls, progress)
        return Runs(simulation, simulation)

    def trace(self, folder: Folder, request: TraceRequest, progress: Progress) -> None:
        _simulated(folder, request.inputs, request.count, request.stalls, progress, request.path)

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        """What lies between the arrays of a kernel is in no memory: the first wrong store, and whether the cycle model gives it, too."""
        from hlsgen.cycle_model.program import run_program
        from hlsgen.schedule.grid_kernel.kernel_image import program, results
        from hlsgen.verify.kernel import kernel_reference

        store = kernel_reference(folder, "numpy").first_wrong(failure)
        if store is None:
            return None
        image, sample = kernel_image(folder), failure.first_sample
        given = {name: values[sample] for name, values in failure.inputs.items()}
        done = run_program(image.fabric, program(image, [given]))
        if done.refused:
            return f"{store}. The cycle model refuses the program"
        modelled = results(image, done.unload)
        same = all((modelled[name] == failure.outputs[name][sample]).all() for name in modelled)
        where = "the program is wrong" if same else "the circuit does not do what the program says"
        return f"{store}. {'The same' if same else 'Another result'} in the cycle model: {where}"

    def board_ports(self, folder: Folder) -> BoardPorts:
        return load_port(fabric_of(folder))

    def traffic(self, folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
        from hlsgen.schedule.grid_kernel.kernel_image import program, words_of_results

        image = kernel_image(folder)
        arrays = [{name: values[k] for name, values in hardware.items()} for k in range(count)]
        return load_port_traffic(
            count,
            program(image, arrays),
            count * words_of_results(image),
            lambda unload: _outputs(image, unload, count),
        )


def _simulated(
    folder: Folder,
    inputs: Mapping[str, np.ndarray],
    count: int,
    stalls: tuple[str, int],
    progress: Progress,
    waves: Path | None = None,
) -> Simulation:
    """Executions of the kernel, one after the other."""
    from hlsgen.schedule.grid_kernel.kernel_image import program
    from hlsgen.verify import fabric_simulation

    image, (how, seed) = kernel_image(folder), stalls
    arrays = [{name: values[k] for name, values in inputs.items()} for k in range(count)]
    done = fabric_simulation.simulate_program(
        folder.directory,
        image.fabric,
        program(image, arrays),
        stalls=fabric_simulation.Stalls(how, how, seed),
        progress=progress,
        top=folder.manifest.top,
        waves=waves,
    )
    return _collected(image, done, count)


def kernel_image(folder: Folder) -> KernelImage:
    """The program parts of a mapped kernel; raises BadFile where they are not those that were compiled."""
    from hlsgen.schedule.grid_kernel.kernel_image import KernelImage, PlacedArray
    from hlsgen.verify.kernel import kernel_reference

    details = folder.manifest.details
    reference = kernel_reference(folder, "numpy")
    arrays = reference.arrays
    try:
        placed = tuple(
            PlacedArray(arrays[name], tuple((str(tile), int(base)) for tile, base in copies))
            for name, copies in details["copies"].items()
        )
        cycles = tuple(int(number) for number in details["run_cycles"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise incomplete(folder, error) from None
    words = program_part(folder, "configurations.bin")
    return KernelImage(reference.kernel.name, fabric_of(folder), placed, words, cycles)


def _collected(image: KernelImage, done: ProgramResult, count: int) -> Simulation:
    """Cycles are those of the runs alone, one execution after the other."""
    from hlsgen.schedule.grid_kernel.kernel_image import words_of_results
    from hlsgen.verify.fabric_simulation import collected

    step, runs = words_of_results(image), len(image.run_cycles)

    def cycles(whole: int) -> list[int]:
        return [sum(done.run_cycles[k * runs : (k + 1) * runs]) for k in range(whole)]

    return collected(
        done,
        image.run_cycles,
        count,
        step,
        lambda unload: _outputs(image, unload, count),
        cycles,
    )


def _outputs(image: KernelImage, unload: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """What the fabric sent back for executions, as array name -> (count, *shape)."""
    import numpy as np

    from hlsgen.schedule.grid_kernel.kernel_image import results, words_of_results

    step = words_of_results(image)
    executions = [results(image, unload[k * step : (k + 1) * step]) for k in range(count)]
    return {
        name: np.stack([one[name] for one in executions]).astype(np.int64) for name in executions[0]
    }


def _cleaned(source: KernelSource, fabric: Fabric, as_given: bool) -> Kernel:
    """The kernel as it is mapped: checked, cleaned, with the fabric's words where it has none of its own."""
    from hlsgen.loops.check import check
    from hlsgen.loops.clean import clean

    kernel = source.kernel if source.function else _with_word(source.kernel, fabric)
    operators = {operator for kind in fabric.pe_kinds for operator in kind.operators}
    for graph in kernel.graphs:
        check(graph)
    graphs = tuple(clean(graph, as_given, operators) for graph in kernel.graphs)
    return replace(kernel, graphs=graphs)


def _details(mapped: MappedKernel, source: KernelSource) -> dict[str, object]:
    image = mapped.image
    return {
        "fabric": mapped.fabric.name,
        "kernel": source.identity(mapped.kernel),
        "copies": {placed.array.name: list(placed.copies) for placed in image.arrays},
        "run_cycles": list(image.run_cycles),
    }


def _with_word(kernel: Kernel, fabric: Fabric) -> Kernel:
    """A graph from another project with the fabric's words: such graphs have no word type of their own."""
    from hlsgen.algebra.types import ElementType

    word = ElementType(fabric.word_bits, True)
    graphs = []
    for graph in kernel.graphs:
        arrays = tuple(
            replace(array, element=word) if array.element == graph.word else array
            for array in graph.arrays
        )
        graphs.append(replace(graph, word=word, arrays=arrays))
    return replace(kernel, graphs=tuple(graphs))

"""A whole kernel on a fabric: its loop graphs mapped, its arrays placed, its program replayed in the cycle model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.fabric.configuration import LINES, Configuration
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.configuration_words import address_bits
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import Packet, RunPacket, to_words
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.few_marks import with_few_marks
from hlsgen.loops.ir import Kernel
from hlsgen.loops.moves import with_moves
from hlsgen.loops.narrow_indices import with_narrow_indices
from hlsgen.loops.wider_words import with_wider_words
from hlsgen.progress import Progress, silent
from hlsgen.schedule.grid_kernel.bank_layout import BankLayout, homes_of, lay_out
from hlsgen.schedule.grid_kernel.contexts import to_configuration
from hlsgen.schedule.grid_kernel.kernel_image import KernelImage, PlacedArray, compare, program
from hlsgen.schedule.grid_kernel.map import map_graph
from hlsgen.schedule.grid_kernel.mapping import GridMapping


@dataclass(frozen=True)
class MappedKernel:
    """``mappings`` and ``configurations``: of every loop graph of ``kernel``, in the order in which they run."""

    kernel: Kernel
    fabric: Fabric
    mappings: tuple[GridMapping, ...]
    layout: BankLayout
    configurations: tuple[Configuration, ...]

    @property
    def image(self) -> KernelImage:
        """What running the kernel takes. Every configuration is written while the run before is in progress."""
        packets: list[Packet] = []
        for configuration in self.configurations:
            packets += [*pack(self.fabric, configuration), RunPacket()]
        bases = self.layout.bases
        return KernelImage(
            self.kernel.name,
            self.fabric,
            tuple(
                PlacedArray(array, tuple(bases[array.name].items()))
                for array in self.layout.arrays
                if array.name in bases
            ),
            to_words(packets),
            tuple(configuration.cycles for configuration in self.configurations),
        )


def map_kernel(
    kernel: Kernel,
    fabric: Fabric,
    seed: int = 0,
    time_limit: float = 100.0,
    exact: bool = True,
    progress: Progress = silent,
) -> MappedKernel:
    """Every loop graph mapped; ``kernel`` is clean (``loops.clean``). ``time_limit`` in seconds is for all graphs together.

    Raises what ``map_graph``, ``lay_out`` and ``to_configuration`` raise.
    """
    bits = min((address_bits(tile) for tile in fabric.tiles), default=1)
    wide = [with_wider_words(graph, fabric.word_bits) for graph in kernel.graphs]
    few = [with_few_marks(graph, LINES - 1) for graph in wide]
    graphs = tuple(with_moves(with_narrow_indices(graph, bits)) for graph in few)
    kernel = replace(kernel, graphs=graphs)
    homes = homes_of(kernel, fabric)
    mappings = []
    for graph in kernel.graphs:
        progress(f"mapping {graph.name} to fabric {fabric.name}", None)
        used = {operation.array for operation in graph.operations}
        mine = {array: tile for array, tile in homes.items() if array in used}
        share = time_limit / len(kernel.graphs)
        mappings.append(map_graph(graph, fabric, seed, share, exact, homes=mine))
    return configured(kernel, mappings)


def configured(kernel: Kernel, mappings: Sequence[GridMapping]) -> MappedKernel:
    """The configurations of mappings, one for each loop graph of the kernel."""
    layout = lay_out(kernel, mappings)
    configurations = tuple(to_configuration(mapping, layout) for mapping in mappings)
    return MappedKernel(kernel, mappings[0].fabric, tuple(mappings), layout, configurations)


def replay(mapped: MappedKernel, arrays: Mapping[str, np.ndarray]) -> ProgramResult:
    """One execution in the cycle model; raises Mismatch unless results and cycles are those of the kernel's meaning and mappings."""
    image = mapped.image
    outcome = run_program(mapped.fabric, program(image, [arrays]))
    compare(image, [evaluate_kernel(mapped.kernel, arrays)], outcome)
    return outcome

"""A whole kernel on a fabric: its loop graphs mapped, its arrays placed, its program for the load port, its results read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.arch.configuration import Configuration
from hlsgen.arch.configuration_words import address_bits
from hlsgen.arch.fabric import Fabric
from hlsgen.arch.program import (
    Packet,
    Read,
    Run,
    Write,
    bank_elements,
    bank_words,
    configure,
    hello,
    tile_unit,
    to_words,
)
from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.errors import Mismatch
from hlsgen.loops.evaluate import dtype, element_value, evaluate_kernel
from hlsgen.loops.ir import Array, Kernel
from hlsgen.loops.moves import with_moves
from hlsgen.loops.narrow_indices import with_narrow_indices
from hlsgen.schedule.grid.bank_layout import BankLayout, homes_of, lay_out
from hlsgen.schedule.grid.contexts import to_configuration
from hlsgen.schedule.grid.map import map_graph
from hlsgen.schedule.grid.mapping import GridMapping


@dataclass(frozen=True)
class MappedKernel:
    """``mappings`` and ``configurations``: of every loop graph of ``kernel``, in the order in which they run."""

    kernel: Kernel
    fabric: Fabric
    mappings: tuple[GridMapping, ...]
    layout: BankLayout
    configurations: tuple[Configuration, ...]

    @property
    def run_cycles(self) -> tuple[int, ...]:
        """Enabled cycles of every run."""
        return tuple(configuration.cycles for configuration in self.configurations)


def map_kernel(
    kernel: Kernel, fabric: Fabric, seed: int = 0, time_limit: float = 100.0, exact: bool = True
) -> MappedKernel:
    """Every loop graph mapped; ``kernel`` is clean (``loops.clean``). ``time_limit`` in seconds is for all graphs together.

    Raises what ``map_graph``, ``lay_out`` and ``to_configuration`` raise.
    """
    bits = min((address_bits(tile) for tile in fabric.tiles), default=1)
    graphs = tuple(with_moves(with_narrow_indices(graph, bits)) for graph in kernel.graphs)
    kernel = replace(kernel, graphs=graphs)
    homes = homes_of(kernel, fabric)
    mappings = []
    for graph in kernel.graphs:
        used = {item.array for item in graph.operations}
        mine = {array: tile for array, tile in homes.items() if array in used}
        share = time_limit / len(kernel.graphs)
        mappings.append(map_graph(graph, fabric, seed, share, exact, homes=mine))
    return configured(kernel, mappings)


def configured(kernel: Kernel, mappings: Sequence[GridMapping]) -> MappedKernel:
    """The configurations of mappings, one for each loop graph of the kernel."""
    layout = lay_out(kernel, mappings)
    configurations = tuple(to_configuration(mapping, layout) for mapping in mappings)
    return MappedKernel(kernel, mappings[0].fabric, tuple(mappings), layout, configurations)


def kernel_program(mapped: MappedKernel, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The words of the load port (uint32) for one execution on ``arrays`` (input and inout arrays by name).

    Greeting, arrays (those not given as zeros), every configuration while the run before is in progress, and the reads of the results.
    """
    fabric = mapped.fabric
    packets: list[Packet] = [hello(fabric)]
    for array, tile, base in _copies(mapped):
        unit = tile_unit(fabric, fabric.tile(tile))
        words = bank_words(fabric.tile(tile), _elements(array, arrays))
        packets.append(Write(unit, base * fabric.tile(tile).bits // 32, words))
    for configuration in mapped.configurations:
        packets += [*configure(fabric, configuration), Run()]
    packets += [read for _, read in _reads(mapped)]
    return to_words(packets)


def results(mapped: MappedKernel, unload: np.ndarray) -> dict[str, np.ndarray]:
    """The output and inout arrays in what the program's reads sent back, by name, with shapes and element types."""
    found: dict[str, np.ndarray] = {}
    place = 0
    for array, read in _reads(mapped):
        tile = mapped.fabric.tiles[read.unit - len(mapped.fabric.cells)]
        words = unload[place : place + read.count]
        place += read.count
        elements = bank_elements(tile, words, array.element.signed)[: array.size]
        cut = np.asarray(element_value(elements, array.element))
        found[array.name] = cut.astype(dtype(array.element)).reshape(array.shape)
    return found


def replay(mapped: MappedKernel, arrays: Mapping[str, np.ndarray]) -> ProgramResult:
    """One execution in the cycle model; raises Mismatch unless results and cycles are those of the kernel's meaning and mappings."""
    outcome = run_program(mapped.fabric, kernel_program(mapped, arrays))
    compare(mapped, arrays, outcome)
    return outcome


def compare(mapped: MappedKernel, arrays: Mapping[str, np.ndarray], outcome: ProgramResult) -> None:
    """Raise Mismatch where the outcome of the kernel's program on ``arrays`` is not the kernel's meaning, or took other cycles."""
    where = f"kernel {mapped.kernel.name} on {mapped.fabric.name}"
    if outcome.refused:
        raise Mismatch(where, "expected the program to be taken, found it refused", "Map again.")
    wanted = evaluate_kernel(mapped.kernel, arrays)
    found = results(mapped, outcome.unload)
    for name, expected in wanted.items():
        if name not in found:
            continue
        wrong = np.flatnonzero(found[name].reshape(-1) != expected.reshape(-1))
        if len(wrong):
            first = int(wrong[0])
            raise Mismatch(
                f"{where}, array {name}",
                f"expected {expected.reshape(-1)[first]} at element {first}, found {found[name].reshape(-1)[first]}"
                f" ({len(wrong)} of {expected.size} differ)",
                "The compiler is at fault: report the kernel with its seed.",
            )
    if outcome.run_cycles != mapped.run_cycles:
        raise Mismatch(
            where,
            f"expected runs of {mapped.run_cycles} cycles, found {outcome.run_cycles}",
            "The compiler is at fault: report the kernel with its seed.",
        )


def _copies(mapped: MappedKernel) -> list[tuple[Array, str, int]]:
    """(array, tile, base) of every copy of every array that is used."""
    return [
        (array, tile, base)
        for array in mapped.layout.arrays
        for tile, base in mapped.layout.bases.get(array.name, {}).items()
    ]


def _reads(mapped: MappedKernel) -> list[tuple[Array, Read]]:
    """The reads of the results, in the order of the arrays."""
    found = []
    for array, tile, base in _copies(mapped):
        if array.role in ("output", "inout"):
            item = mapped.fabric.tile(tile)
            lanes = 32 // item.bits
            unit = tile_unit(mapped.fabric, item)
            found.append((array, Read(unit, base // lanes, -(-array.size // lanes))))
    return found


def _elements(array: Array, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if array.values is not None:
        return np.array(array.values, dtype=np.int64)
    if array.name in arrays:
        return np.asarray(arrays[array.name], dtype=np.int64).reshape(-1)
    return np.zeros(array.size, dtype=np.int64)

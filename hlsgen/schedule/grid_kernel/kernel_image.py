"""A kernel ready for a fabric, without its mappings: what a compiled folder holds, and all that running it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.cycle_model.program import ProgramResult
from hlsgen.errors import Mismatch
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import Packet, ReadPacket, WritePacket, to_words
from hlsgen.fabric.program import bank_elements, bank_words, hello, tile_unit
from hlsgen.loops.ir import Array


@dataclass(frozen=True)
class PlacedArray:
    """``copies``: (tile, element of its bank at which the array begins)."""

    array: Array
    copies: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class KernelImage:
    """``configurations``: words of the load port (uint32) that write and run every configuration, one after the other.

    ``run_cycles``: enabled cycles of every run.
    """

    name: str
    fabric: Fabric
    arrays: tuple[PlacedArray, ...]
    configurations: np.ndarray
    run_cycles: tuple[int, ...]

    @property
    def results(self) -> tuple[tuple[Array, ReadPacket], ...]:
        """Output and inout arrays with the packets that read them back, in the order of the arrays."""
        reads = []
        for placed in self.arrays:
            if placed.array.role in ("output", "inout"):
                ((name, base),) = placed.copies
                tile = self.fabric.tile(name)
                unit = tile_unit(self.fabric, tile)
                count = -(-placed.array.size // tile.lanes)
                reads.append((placed.array, ReadPacket(unit, base // tile.lanes, count)))
        return tuple(reads)


def program(image: KernelImage, samples: Sequence[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The words of the load port (uint32): greeting, then for every sample its arrays, the runs, the reads of the results.

    Arrays that are not given hold zeros.
    """
    fabric = image.fabric
    parts = [to_words([hello(fabric)])]
    for arrays in samples:
        writes: list[Packet] = []
        for placed in image.arrays:
            elements = _elements(placed.array, arrays)
            for name, base in placed.copies:
                tile = fabric.tile(name)
                words = bank_words(tile, elements)
                writes.append(WritePacket(tile_unit(fabric, tile), base // tile.lanes, words))
        reads = [read for _, read in image.results]
        parts += [to_words(writes), image.configurations, to_words(reads)]
    return np.concatenate(parts)


def results(image: KernelImage, unload: np.ndarray) -> dict[str, np.ndarray]:
    """The output and inout arrays in what one sample's reads sent back, by name, with shapes and element types."""
    arrays: dict[str, np.ndarray] = {}
    place = 0
    for array, read in image.results:
        tile = image.fabric.tiles[read.unit - len(image.fabric.cells)]
        words = unload[place : place + read.count]
        place += read.count
        elements = bank_elements(tile, words, array.element.signed)[: array.size]
        cut = np.asarray(array.element.decode(elements))
        arrays[array.name] = cut.astype(array.element.native).reshape(array.shape)
    return arrays


def words_of_results(image: KernelImage) -> int:
    """How many words one sample sends back."""
    return sum(read.count for _, read in image.results)


def compare(
    image: KernelImage, expected: Sequence[Mapping[str, np.ndarray]], outcome: ProgramResult
) -> None:
    """Raise Mismatch where the outcome of the program of some samples is not as ``expected``, or its runs took other cycles."""
    where = f"kernel {image.name} on {image.fabric.name}"
    if outcome.refused:
        raise Mismatch(where, "expected the program to be taken, found it refused", "Map again.")
    step = words_of_results(image)
    for number, sample in enumerate(expected):
        arrays = results(image, outcome.unload[number * step : (number + 1) * step])
        for name, values in arrays.items():
            elements = sample[name].reshape(-1)
            wrong = np.flatnonzero(values.reshape(-1) != elements)
            if len(wrong):
                first = int(wrong[0])
                raise Mismatch(
                    f"{where}, sample {number}, array {name}",
                    f"expected {elements[first]} at element {first}, found {values.reshape(-1)[first]}"
                    f" ({len(wrong)} of {elements.size} differ)",
                    "The compiler is at fault: report the kernel with its seed.",
                )
    runs = image.run_cycles * len(expected)
    if outcome.run_cycles != runs:
        raise Mismatch(
            where,
            f"expected runs of {runs} cycles, found {outcome.run_cycles}",
            "The compiler is at fault: report the kernel with its seed.",
        )


def _elements(array: Array, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if array.values is not None:
        return np.array(array.values, dtype=np.int64)
    if array.name in arrays:
        return np.asarray(arrays[array.name], dtype=np.int64).reshape(-1)
    return np.zeros(array.size, dtype=np.int64)

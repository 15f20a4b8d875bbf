"""Where the arrays of a kernel lie in the memory tiles of a fabric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hlsgen.algebra.packets import LOAD_BITS
from hlsgen.errors import DoesNotFit
from hlsgen.fabric.ir import Fabric
from hlsgen.loops.ir import Array, Kernel
from hlsgen.schedule.grid_kernel.mapping import GridMapping


@dataclass(frozen=True)
class BankLayout:
    """``bases[array][tile]``: the element of the tile's bank at which a copy of the array begins, for all runs of a kernel."""

    arrays: tuple[Array, ...]
    bases: Mapping[str, Mapping[str, int]]


def arrays_of(kernel: Kernel) -> tuple[Array, ...]:
    """The arrays of all loop graphs, each once, in the order of their first use."""
    arrays: dict[str, Array] = {}
    for graph in kernel.graphs:
        for array in graph.arrays:
            arrays.setdefault(array.name, array)
    return tuple(arrays.values())


def homes_of(kernel: Kernel, fabric: Fabric) -> Mapping[str, str]:
    """The tile of every array that several loop graphs use and some write: there must be one copy.

    The arrays with most accesses first, each to the tile with the fewest so far that has room. Raises DoesNotFit where none has.
    """
    accesses: dict[str, int] = {}
    graphs: dict[str, int] = {}
    written = set()
    for graph in kernel.graphs:
        used = [operation.array for operation in graph.operations if operation.array is not None]
        written |= {
            operation.array for operation in graph.operations if operation.operator == "store"
        }
        for name in used:
            accesses[name] = accesses.get(name, 0) + 1
        for name in set(used):
            graphs[name] = graphs.get(name, 0) + 1
    shared = [array for array in arrays_of(kernel) if graphs.get(array.name, 0) > 1]
    shared = [array for array in shared if array.name in written]
    load = {tile.name: 0 for tile in fabric.tiles}
    room = {tile.name: tile.words for tile in fabric.tiles}
    homes: dict[str, str] = {}
    for array in sorted(shared, key=lambda array: (-accesses[array.name], -array.size)):
        fitting = [
            tile.name
            for tile in fabric.tiles
            if room[tile.name] >= array.size and tile.bits >= array.element.bits
        ]
        if not fitting:
            raise DoesNotFit(
                f"kernel {kernel.name}, array {array.name}",
                f"expected a tile of {fabric.name} with room for {array.size} elements of {array.element.bits} bits"
                f" beside the other arrays, found at most {max(room.values(), default=0)} elements",
                "Use a fabric with larger tiles, or smaller arrays.",
            )
        home = min(fitting, key=lambda name: load[name])
        homes[array.name] = home
        load[home] += accesses[array.name]
        room[home] -= array.size
    return homes


def lay_out(kernel: Kernel, mappings: Sequence[GridMapping]) -> BankLayout:
    """A place for every array in every tile where a mapping reads or writes it; raises DoesNotFit where a bank is too small."""
    fabric = mappings[0].fabric
    next_free = {tile.name: 0 for tile in fabric.tiles}
    bases: dict[str, dict[str, int]] = {}
    for array in arrays_of(kernel):
        for mapping in mappings:
            for home in mapping.tiles.get(array.name, ()):
                places = bases.setdefault(array.name, {})
                if home not in places:
                    places[home] = next_free[home]
                    next_free[home] += _rounded(array.size, fabric.tile(home).bits)
    for tile in fabric.tiles:
        if next_free[tile.name] > tile.words:
            raise DoesNotFit(
                f"kernel {kernel.name}, tile {tile.name} of {fabric.name}",
                f"expected at most {tile.words} elements, found {next_free[tile.name]}:"
                f" {next_free[tile.name] - tile.words} too many",
                "Use a fabric with larger tiles, or smaller arrays.",
            )
    return BankLayout(arrays_of(kernel), bases)


def _rounded(size: int, bits: int) -> int:
    """Whole load words, so that no write of the load port touches two arrays."""
    lanes = LOAD_BITS // bits
    return -(-size // lanes) * lanes

"""Fabrics for networks, of any size, for the tests."""

from __future__ import annotations

from hlsgen.fabric.ir import Fabric, MemoryTile, PeKind


def network_fabric(
    rows: int = 4,
    columns: int = 4,
    west: int = 2048,
    north: int = 2048,
    parameters: int = 64,
    generators: int = 2,
    operators: tuple[str, ...] = ("multiply_accumulate", "maximum_accumulate"),
    bits: int = 8,
    streams: bool = False,
) -> Fabric:
    """Multiply-accumulate cells with latency 3, 32-bit accumulators, and words of twice the ``bits`` of an element; where there are no ``streams``,
    without sources of predicates."""
    sources: tuple[tuple[str, tuple[str, ...]], ...] = () if streams else (("predicate", ()),)
    kind = PeKind("mac", tuple((operator, 3) for operator in operators), sources)
    west_tiles = tuple(
        MemoryTile(f"west_{r}", "west", (r, 0), west, bits, generators, generators, parameters)
        for r in range(rows)
    )
    north_tiles = tuple(
        MemoryTile(f"north_{c}", "north", (0, c), north, bits, 1, 1) for c in range(columns)
    )
    return Fabric(
        name=f"mac_{rows}x{columns}",
        pe_kinds=(kind,),
        kinds=((kind.name,) * columns,) * rows,
        tiles=(*west_tiles, *north_tiles),
        word_bits=2 * bits,
        accumulator_bits=32,
        hops=(1,),
        torus=False,
        registers=0,
        contexts=2,
        stages=1,
        drain=True,
    )

"""Small fabrics that between them have everything that a fabric can have or lack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.fabric.file import check_fabric
from hlsgen.fabric.ir import Fabric, MemoryTile, PeKind

WORDS = tuple(
    name for name in WORD_OPERATORS if name != "multiply" and not WORD_OPERATORS[name].accumulates
)
FULL = PeKind("full", (*((name, 1) for name in WORDS), ("multiply", 2), ("multiply_accumulate", 2)))
SLOW = PeKind(
    "slow",
    (
        ("move", 1),
        ("select", 4),
        ("add", 4),
        ("multiply_accumulate", 4),
        ("maximum_accumulate", 4),
    ),
)


def small_fabric() -> Fabric:
    """2 x 3 cells of two kinds with express links, rotating registers, drain chains, 8-bit and 16-bit tiles."""
    plain = ("move", "add", "subtract", "xor", "less", "select", "minimum", "shift_right")
    kinds = (
        PeKind("alu", tuple((name, 1) for name in plain)),
        PeKind(
            "mac",
            (
                ("add", 1),
                ("select", 1),
                ("multiply", 3),
                ("multiply_accumulate", 3),
                ("maximum_accumulate", 3),
            ),
        ),
    )
    return Fabric(
        name="small",
        pe_kinds=kinds,
        kinds=(("mac", "alu", "mac"), ("mac", "mac", "alu")),
        tiles=(
            MemoryTile("west_0", "west", (0, 0), 64, 8, 2, 2, 8),
            MemoryTile("west_1", "west", (1, 0), 32, 8, 1, 2, 8),
            MemoryTile("north_1", "north", (0, 1), 32, 16, 2, 1),
            MemoryTile("south_2", "south", (1, 2), 16, 16, 1, 1),
        ),
        word_bits=16,
        accumulator_bits=32,
        hops=(1, 2),
        torus=False,
        registers=3,
        contexts=4,
        stages=3,
        drain=True,
    )


def torus_fabric() -> Fabric:
    """3 x 3 full cells of 32 bits whose links to neighbours wrap around; no drain."""
    return Fabric(
        name="torus",
        pe_kinds=(FULL,),
        kinds=(("full",) * 3,) * 3,
        tiles=(
            MemoryTile("west_0", "west", (0, 0), 32, 32, 2, 2),
            MemoryTile("west_2", "west", (2, 0), 32, 32, 1, 1),
            MemoryTile("east_1", "east", (1, 2), 32, 16, 1, 1),
        ),
        word_bits=32,
        accumulator_bits=40,
        hops=(1,),
        torus=True,
        registers=4,
        contexts=3,
        stages=4,
        drain=False,
    )


def row_fabric() -> Fabric:
    """One row of two kinds on a torus with links of every length, 12-bit words, 64-bit accumulators, banks that are not a power of two."""
    return Fabric(
        name="row",
        pe_kinds=(FULL, SLOW),
        kinds=(("full", "slow", "full", "slow"),),
        tiles=(
            MemoryTile("west_0", "west", (0, 0), 40, 8, 1, 2, 5),
            MemoryTile("north_1", "north", (0, 1), 20, 8, 1, 1),
            MemoryTile("east_0", "east", (0, 3), 64, 8, 1, 1),
        ),
        word_bits=12,
        accumulator_bits=64,
        hops=(1, 2, 3),
        torus=True,
        registers=5,
        contexts=5,
        stages=5,
        drain=True,
        loops=2,
        trip_bits=4,
    )


def straight_fabric() -> Fabric:
    """2 x 3 cells whose words go straight on, as in the presets for networks: two kinds, of which the western one has constants."""
    edge = (
        ("a", ("memory_west",)),
        ("b", ("constant", "N", "memory_north")),
        ("predicate", ()),
        ("memory", ("N", "S", "memory_west")),
        ("N", ("S", "memory_west")),
        ("E", ("memory_west",)),
        ("S", ("N", "memory_west", "memory_north")),
        ("W", ()),
    )
    mac = (
        ("a", ("W",)),
        ("b", ("N", "memory_north")),
        ("predicate", ()),
        ("memory", ("memory_north",)),
        ("N", ()),
        ("E", ("W",)),
        ("S", ("N", "memory_north")),
        ("W", ()),
    )
    west = tuple(MemoryTile(f"west_{row}", "west", (row, 0), 32, 8, 2, 2, 4) for row in range(2))
    north = tuple(MemoryTile(f"north_{c}", "north", (0, c), 32, 8, 1, 1) for c in range(3))
    return Fabric(
        name="straight",
        pe_kinds=(
            PeKind("edge", (("multiply_accumulate", 2), ("maximum_accumulate", 2)), edge),
            PeKind("mac", (("multiply_accumulate", 2),), mac),
        ),
        kinds=(("edge", "mac", "mac"),) * 2,
        tiles=(*west, *north),
        word_bits=16,
        accumulator_bits=32,
        hops=(1,),
        torus=False,
        registers=0,
        contexts=2,
        stages=1,
        drain=True,
        loops=3,
    )


def column_fabric() -> Fabric:
    """One column of slow operators with one context and one stage."""
    west = tuple(MemoryTile(f"west_{r}", "west", (r, 0), 32, 16, 1, 1, 2) for r in range(3))
    return Fabric(
        name="column",
        pe_kinds=(SLOW,),
        kinds=(("slow",),) * 3,
        tiles=(*west, MemoryTile("east_2", "east", (2, 0), 16, 16, 1, 1)),
        word_bits=16,
        accumulator_bits=24,
        hops=(1,),
        torus=False,
        registers=2,
        contexts=1,
        stages=1,
        drain=True,
    )


def one_cell() -> Fabric:
    """A cell that accumulates, with a tile that requantises."""
    return Fabric(
        name="cell",
        pe_kinds=(PeKind("mac", (("add", 1), ("multiply_accumulate", 3))),),
        kinds=(("mac",),),
        tiles=(MemoryTile("west_0", "west", (0, 0), 16, 8, 1, 1, 2),),
        word_bits=8,
        accumulator_bits=16,
        hops=(1,),
        torus=False,
        registers=3,
        contexts=2,
        stages=2,
        drain=True,
        loops=2,
    )


def watched_cell() -> Fabric:
    """A cell with a tile that has everything and another one to show what the first reads."""
    return replace(
        one_cell(),
        name="watched",
        tiles=(
            MemoryTile("west_0", "west", (0, 0), 16, 8, 2, 2, 4),
            MemoryTile("north_0", "north", (0, 0), 8, 8, 1, 1),
        ),
        word_bits=12,
        accumulator_bits=24,
        contexts=3,
        stages=3,
        loops=3,
    )


def edges() -> Mapping[str, Fabric]:
    """What a fabric's numbers are at their ends, in one or two cells."""
    cell = one_cell()
    tile = replace(cell.tiles[0], parameters=0)
    fast = PeKind("mac", (("xor", 1),))
    two = (("mac",), ("mac",))
    fabrics = {
        "nothing but an operator": replace(
            cell,
            pe_kinds=(fast,),
            tiles=(tile,),
            accumulator_bits=0,
            registers=0,
            contexts=1,
            stages=1,
            drain=False,
        ),
        "one register, context, stage and loop": replace(
            cell, registers=1, contexts=1, stages=1, loops=1, trip_bits=3
        ),
        "two rows, each the other's neighbour on both sides": replace(cell, kinds=two, torus=True),
        "no registers": replace(cell, registers=0),
        "no operators": replace(
            cell, pe_kinds=(PeKind("mac", ()),), tiles=(tile,), accumulator_bits=0, drain=False
        ),
        "one slow operator": replace(
            cell,
            pe_kinds=(PeKind("mac", (("multiply", 5),)),),
            tiles=(tile,),
            accumulator_bits=0,
            drain=False,
        ),
        "words of two bits": replace(cell, word_bits=2, accumulator_bits=2),
        "the widest words": replace(
            cell,
            word_bits=32,
            accumulator_bits=64,
            tiles=(replace(tile, words=2, bits=32),),
            drain=False,
        ),
        "a bank of nine elements": replace(
            cell, tiles=(replace(cell.tiles[0], words=9, parameters=1),)
        ),
    }
    for fabric in fabrics.values():
        check_fabric(fabric)
    return fabrics

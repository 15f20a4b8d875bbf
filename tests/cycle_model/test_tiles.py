"""Memory tiles of the cycle model: where elements lie, and what the ports do in every iteration, against nests of plain loops."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from support.example_fabrics import column_fabric, edges, row_fabric, small_fabric, torus_fabric

from hlsgen.cycle_model.tiles import Banks, Ports, ports
from hlsgen.cycle_model.visible import Places
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    LineTap,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric

FABRICS = {
    fabric.name: fabric
    for fabric in (small_fabric(), torus_fabric(), row_fabric(), column_fabric())
} | edges()
ITERATIONS = 16


@pytest.mark.parametrize("name", FABRICS)
def test_every_element_and_every_padding_has_a_place_of_its_own(name: str) -> None:
    fabric = FABRICS[name]
    noise = np.random.default_rng(1)
    sizes = [1 << (tile.words - 1).bit_length() for tile in fabric.tiles]
    contents = {
        tile.name: noise.integers(-(1 << 31), 1 << 31, size)
        for tile, size in zip(fabric.tiles, sizes, strict=True)
    }
    banks = Banks.of(fabric, contents)
    assert list(banks.sizes) == sizes
    places = [range(first, first + size) for first, size in zip(banks.first, sizes, strict=True)]
    paddings = [banks.padding(k) for k in range(len(sizes))]
    assert sorted([*(p for row in places for p in row), banks.zero, *paddings]) == list(
        range(len(banks.cells))
    )
    assert not banks.cells[[banks.zero, *paddings]].any()
    read_back = banks.contents()
    for tile in fabric.tiles:
        assert read_back[tile.name].tolist() == (contents[tile.name] % (1 << tile.bits)).tolist()


def test_elements_that_are_not_given_are_zero() -> None:
    banks = Banks.of(small_fabric(), {"west_1": np.array([[1, -2], [3, 4]])})
    contents = banks.contents()
    assert contents["west_1"].tolist() == [1, 254, 3, 4, *([0] * 28)]
    assert not any(contents[name].any() for name in ("west_0", "north_1", "south_2"))


WALK = Generator(
    (GeneratorLoop(3, 7, 1, -1), GeneratorLoop(4, -2, -1, 1)),
    delay=2,
    start=5,
    base=40,
    wrap_bits=4,
    row=1,
    column=0,
    rows=3,
    columns=2,
    mark_first=1,
    mark_last=0,
)


def walked(generator: Generator) -> list[tuple[int, bool, bool, bool] | None]:
    """(address, inside, first, last) in every iteration, None outside the generator's run."""
    steps: list[tuple[int, bool, bool, bool] | None] = [None] * generator.delay
    extents = [loop.extent for loop in generator.loops]
    for trips in product(*map(range, extents)):
        moved = list(zip(trips, generator.loops, strict=True))
        walk = generator.start + sum(trip * loop.stride for trip, loop in moved)
        if generator.wrap_bits is not None:
            walk %= 1 << generator.wrap_bits
        row = generator.row + sum(trip * loop.row for trip, loop in moved)
        column = generator.column + sum(trip * loop.column for trip, loop in moved)
        inside = generator.rows is None or (
            0 <= row < generator.rows and 0 <= column < (generator.columns or 0)
        )
        first = generator.mark_first is not None and not any(trips[generator.mark_first :])
        last = generator.mark_last is not None and all(
            trip == extent - 1
            for trip, extent in list(zip(trips, extents, strict=True))[generator.mark_last :]
        )
        steps.append((generator.base + walk, inside, first, last))
    return (steps + [None] * ITERATIONS)[:ITERATIONS]


def ports_of(
    fabric: Fabric, tiles: dict[str, TileConfiguration], interval: int
) -> tuple[Banks, tuple[Ports, ...]]:
    banks = Banks.of(fabric, {})
    told = Configuration(fabric_hash(fabric), interval, (8,), (), 8, (), tuple(tiles.items()))
    return banks, ports(told, Places.of(fabric), banks, ITERATIONS)


@pytest.mark.parametrize("padded", [True, False])
def test_affine_reads_take_the_elements_of_a_nest_of_loops(padded: bool) -> None:
    fabric = small_fabric()  # tiles 0 to 2 have 64, 32 and 32 elements of 8, 8 and 16 bits
    other = Generator((GeneratorLoop(ITERATIONS, 3),), start=-1)
    walk = WALK if padded else Generator(WALK.loops, start=5, base=61, mark_last=1)
    west = TileConfiguration(
        reads=(ReadContext("affine", 1, 3), ReadContext()),
        read_generators=(other, walk),
        padding=-3,
    )
    north = TileConfiguration(
        reads=(ReadContext("affine", 0, -2, signed=False), ReadContext("affine", 0)),
        read_generators=(other,),
        padding=-70_000,
    )
    banks, (slot_0, slot_1) = ports_of(fabric, {"north_1": north, "west_0": west}, 2)
    assert banks.cells[banks.padding(0)] == 253
    assert banks.cells[banks.padding(2)] == -70_000 % (1 << 16)
    assert slot_0.reads is not None and slot_1.reads is not None
    assert (slot_0.reads.tiles.tolist(), slot_1.reads.tiles.tolist()) == ([0, 2], [2])
    assert slot_0.reads.half.tolist() == [128, 0]
    assert slot_1.reads.half.tolist() == [1 << 15]
    for iteration, step in enumerate(walked(walk)):
        element, marks = slot_0.reads.elements[iteration, 0], slot_0.reads.marks[iteration, 0]
        if step is None:
            assert (element, marks) == (banks.zero, 0)
            continue
        address, inside, first, last = step
        assert element == ((address + 3) % 64 if inside else banks.padding(0))
        assert marks == 2 * first + last
    for offset, slot, column in ((-2, slot_0, 1), (0, slot_1, 0)):
        assert slot.reads is not None
        addresses = [(3 * k - 1 + offset) % 32 + 96 for k in range(ITERATIONS)]
        assert slot.reads.elements[:, column].tolist() == addresses
    assert slot_0.writes is None and not slot_0.other_reads and not slot_0.other_writes


def test_affine_writes_put_words_where_a_nest_of_loops_says_and_only_then() -> None:
    fabric = small_fabric()
    plain = Generator((GeneratorLoop(5, 2), GeneratorLoop(2, 1)), delay=1, base=60)
    west = TileConfiguration(
        writes=(
            WriteContext("affine", 1, 7, data="register_b", when=1, element_bits=5, signed=False),
            WriteContext("stream", data="late", predicate=LineTap(0, 1)),
        ),
        write_generators=(WALK, plain),
    )
    south = TileConfiguration(
        writes=(
            WriteContext("affine", 0, data="late", element_bits=12),
            WriteContext("affine", 0, data="stream_in"),
        ),
        write_generators=(plain,),
    )
    banks, (slot_0, slot_1) = ports_of(fabric, {"west_0": west, "south_2": south}, 2)
    writes, places = slot_0.writes, Places.of(fabric)
    assert writes is not None and slot_1.writes is None
    assert writes.sources.tolist() == [
        places.index((0, 0), "register_b"),
        places.index((1, 2), "late"),
    ]
    assert (writes.cut.tolist(), writes.half.tolist()) == ([31, 4095], [0, 1 << 11])
    assert writes.bits.tolist() == [255, 65535]
    for iteration, step in enumerate(walked(plain)):
        enabled = writes.enables[iteration].tolist()
        if step is None:
            assert enabled == [False, False]
            continue
        number = iteration - plain.delay
        assert enabled == [number % 2 == 1, True]
        assert writes.elements[iteration].tolist() == [
            (step[0] + 7) % 64 + banks.first[0],
            step[0] % 16 + banks.first[3],
        ]
    assert [(write.tile, write.source) for write in slot_1.other_writes] == [
        (0, places.index((0, 0), "late")),
        (3, None),
    ]
    assert [write.sequence is not None for write in slot_1.other_writes] == [True, True]


def test_reads_and_writes_by_an_index_name_the_word_that_is_the_index() -> None:
    fabric = small_fabric()
    by_index = WriteContext("indexed", 1, 2, "register_a", "late")
    west = TileConfiguration(
        reads=(ReadContext("indexed", 0, 2, "late"), ReadContext("stream")),
        writes=(by_index, WriteContext()),
        read_generators=(WALK,),
        write_generators=(WALK, Generator(data_driven=True)),
    )
    north = TileConfiguration(reads=(ReadContext(), ReadContext("address", 0, 1, "result")))
    _, (slot_0, slot_1) = ports_of(fabric, {"west_0": west, "north_1": north}, 2)
    places = Places.of(fabric)
    (read,) = slot_0.other_reads
    assert (read.tile, read.index) == (0, places.index((0, 0), "late"))
    assert read.sequence is not None and read.context == west.reads[0]
    stream, address = slot_1.other_reads
    assert (stream.tile, stream.index) == (0, 0)
    assert (address.tile, address.index) == (2, places.index((0, 1), "result"))
    assert address.sequence is None
    (write,) = slot_0.other_writes
    assert (write.tile, write.index) == (0, places.index((0, 0), "register_a"))
    assert write.source == places.index((0, 0), "late")
    assert write.sequence is None, "its generator is driven by data"

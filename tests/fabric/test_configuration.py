"""Configurations: what is packed comes back, and what a fabric cannot be told is refused in three lines with the shortfall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from support.example_fabrics import (
    column_fabric,
    edges,
    row_fabric,
    small_fabric,
    straight_fabric,
    torus_fabric,
)
from support.random_configurations import random_configuration

from hlsgen.algebra.mark import Mark
from hlsgen.errors import BadFile, DoesNotFit, IllegalGraph
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    LineTap,
    PeContext,
    ReadContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_packing import pack, unpack
from hlsgen.fabric.configuration_words import CONTROL_UNIT, TILE_STEPS
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.packets import WritePacket

FABRICS = {
    fabric.name: fabric
    for fabric in (
        small_fabric(),
        torus_fabric(),
        row_fabric(),
        column_fabric(),
        straight_fabric(),
    )
} | edges()


@pytest.mark.parametrize("name", FABRICS)
def test_unpacking_gives_a_configuration_that_packs_to_the_same_words(name: str) -> None:
    fabric, draw = FABRICS[name], Random(name)
    for _ in range(20):
        words = pack(fabric, random_configuration(fabric, draw))
        assert pack(fabric, unpack(fabric, words)) == words


def test_a_cell_without_registers_reads_none() -> None:
    fabrics = [fabric for fabric in FABRICS.values() if not fabric.registers]
    assert len(fabrics) >= 2
    for fabric in fabrics:
        draw = Random(fabric.name)
        told = unpack(fabric, pack(fabric, random_configuration(fabric, draw)))
        contexts = [context for _, row in told.pes for context in row]
        assert {(c.read_a, c.read_b, c.register) for c in contexts} <= {(0, 0, None)}


def test_unpacking_gives_back_what_was_told() -> None:
    fabric, packed = small_fabric(), plain()
    unpacked = unpack(fabric, pack(fabric, packed))
    assert unpacked.interval == packed.interval and unpacked.cycles == packed.cycles
    assert unpacked.pes == packed.pes
    assert unpacked.lines[:1] == (Mark("last", 5),)  # of six levels, the inner two told
    tile = dict(unpacked.tiles)["west_0"]
    assert tile.reads == dict(packed.tiles)["west_0"].reads
    told = dict(packed.tiles)["west_0"].read_generators[0]
    assert tile.read_generators[0].loops[-2:] == told.loops
    assert replace(tile.read_generators[0], loops=told.loops) == told


def plain() -> Configuration:
    """A configuration that the small fabric takes, of which every refusal below changes one thing."""
    generator = Generator(
        (GeneratorLoop(3, 5, 1, -1), GeneratorLoop(4, -2, 0, 1)), 2, 7, 9, 4, -1, 2, 3, 4
    )
    context = PeContext(
        operator="multiply_accumulate",
        a="E",
        b="memory_west",
        predicate=LineTap(1, 2),
        constant=-5,
        register=(2, "late"),
        links=(("E", "register_a"),),
    )
    tile = TileConfiguration(
        reads=(ReadContext("affine", 0, 3), ReadContext("indexed", 0, 60, "late", False, 5)),
        writes=(WriteContext("affine", 0, 1, None, "late", None, 1, 8), WriteContext()),
        read_generators=(generator,),
        write_generators=(Generator((GeneratorLoop(2, 1), GeneratorLoop(4, 8))),),
        padding=-3,
    )
    return Configuration(
        fabric_hash(small_fabric()),
        2,
        (3, 4),
        (Mark("last", 1),),
        40,
        (((0, 0), (context, PeContext())),),
        (("west_0", tile),),
    )


def with_pe(**changes: object) -> Configuration:
    configuration = plain()
    ((cell, (first, second)),) = configuration.pes
    return replace(configuration, pes=((cell, (replace(first, **changes), second)),))  # type: ignore[arg-type]


def with_tile(**changes: object) -> Configuration:
    configuration = plain()
    ((name, tile),) = configuration.tiles
    return replace(configuration, tiles=((name, replace(tile, **changes)),))  # type: ignore[arg-type]


def with_read(**changes: object) -> Configuration:
    generator = dict(plain().tiles)["west_0"].read_generators[0]
    return with_tile(read_generators=(replace(generator, **changes),))  # type: ignore[arg-type]


def streaming() -> Configuration:
    """Two ports that take words of the input stream in one slot."""
    configuration = with_tile(reads=(ReadContext("stream"), ReadContext()))
    other = TileConfiguration(writes=(WriteContext("stream", data="stream_in"), WriteContext()))
    return replace(configuration, tiles=(*configuration.tiles, ("north_1", other)))


DRIVEN = Generator((GeneratorLoop(2, 1),), data_driven=True)
LOOPS = (GeneratorLoop(2, 1),) * 7
AFFINE = (WriteContext("affine", data="late"), WriteContext())

REFUSED: dict[str, tuple[Callable[[], Configuration], str]] = {
    "another fabric's": (lambda: replace(plain(), fabric_hash=1), "hash"),
    "slots": (lambda: replace(plain(), interval=5), "at most 4 slots, found 5: 1 too many"),
    "loops": (lambda: replace(plain(), loops=(1,) * 8), "at most 6 loops, found 8: 2 too many"),
    "marks": (lambda: replace(plain(), lines=(Mark("last", 0),) * 4), "at most 3 marks"),
    "loop of no trips": (lambda: replace(plain(), loops=(0, 4)), "at least 1"),
    "long loop": (lambda: replace(plain(), loops=(1 << 16,)), "expected 0 to 65535"),
    "contexts": (lambda: replace(plain(), interval=1), "a context for each of 1 slots"),
    "operator": (lambda: with_pe(operator="xor"), "found xor"),
    "source": (lambda: with_pe(a="N"), "found N"),
    "result as operand": (lambda: with_pe(b="result"), "found result"),
    "link": (lambda: with_pe(links=(("N", "late"),)), "found N"),
    "constant": (lambda: with_pe(constant=1 << 15), "expected -32768 to 32767"),
    "stage": (lambda: with_pe(predicate=LineTap(0, 4)), "expected 0 to 3"),
    "generator loops": (lambda: with_read(loops=LOOPS), "at most 6 loops, found 7: 1 too many"),
    "generator trips": (lambda: with_read(loops=(GeneratorLoop(0),)), "found -1"),
    "delay": (lambda: with_read(delay=1 << 10), "expected 0 to 1023"),
    "wrap": (lambda: with_read(wrap_bits=7), "found 127"),
    "coordinates": (lambda: with_read(column=2046), "expected coordinates of -2048 to 2047"),
    "read generators": (
        lambda: with_tile(read_generators=(Generator(),) * 3),
        "at most 2 read generators, found 3: 1 too many",
    ),
    "no such generator": (lambda: with_tile(read_generators=()), "number 0"),
    "level": (
        lambda: with_tile(writes=(replace(AFFINE[0], when=2), WriteContext())),
        "a level of 2 loops",
    ),
    "write of a driven generator": (lambda: with_tile(write_generators=(DRIVEN,)), "data driven"),
    "requantiser of a loop": (
        lambda: with_tile(requantiser=Requantiser("float32")),
        "a data-driven generator",
    ),
    "writes beside results": (
        lambda: with_tile(
            write_generators=(Generator((GeneratorLoop(),) * 2), DRIVEN),
            requantiser=Requantiser("float32", 1),
        ),
        "no other writes",
    ),
    "data of a write": (
        lambda: with_tile(writes=(replace(AFFINE[0], data=None), WriteContext())),
        "found None",
    ),
    "padding": (lambda: with_tile(padding=200), "expected -128 to 127"),
    "input stream": (streaming, "one port taking from stream_in, found 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_fabric_cannot_be_told_is_refused(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises((IllegalGraph, DoesNotFit)) as error:
        pack(small_fabric(), make())
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 3


def test_units_without_a_part_refuse_what_is_for_it() -> None:
    fabric = torus_fabric()  # neither drain nor coordinates
    generator = Generator((GeneratorLoop(2),), rows=3)
    for tile in (
        TileConfiguration(padding=1, read_generators=(generator,)),
        TileConfiguration(read_generators=(generator,)),
        TileConfiguration(
            write_generators=(DRIVEN,), requantiser=Requantiser("float32", 0, 3, 0, 0, 1)
        ),
    ):
        configuration = replace(
            plain(),
            fabric_hash=fabric_hash(fabric),
            interval=1,
            pes=(),
            tiles=(("west_0", tile),),
        )
        with pytest.raises(DoesNotFit, match="this unit has none"):
            pack(fabric, configuration)


def test_words_that_are_no_configuration_are_refused() -> None:
    fabric = small_fabric()
    control = pack(fabric, plain())[-1]
    with pytest.raises(BadFile) as error:
        unpack(fabric, [control, WritePacket(0, 0, (0xFFFFFFFF,))])
    assert len(str(error.value).splitlines()) == 3
    with pytest.raises(BadFile):  # cycles, but no interval
        unpack(fabric, [WritePacket(CONTROL_UNIT, 0, (0xFFFFFFF8, 7))])


def test_a_level_of_one_trip_and_of_more_is_refused() -> None:
    """Whether a level has one trip stands in the settings and in its step; words in which these differ are refused."""
    fabric = small_fabric()
    words = pack(fabric, with_read(loops=(GeneratorLoop(4, 1),)))
    step = max(write.address for write in words if write.unit < CONTROL_UNIT)
    assert step >= TILE_STEPS
    changed = [
        replace(write, words=(write.words[0] & ~0xFFFF, *write.words[1:]))
        if write.address == step
        else write
        for write in words
    ]
    with pytest.raises(BadFile):
        unpack(fabric, changed)

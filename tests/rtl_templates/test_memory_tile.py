"""A memory tile against the cycle model: every word it reads is shown, and its marks by what is accumulated between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import fabric_bench
from support.example_fabrics import one_cell, straight_fabric, watched_cell
from support.random_configurations import random_program, watched_configuration

from hlsgen.cycle_model.program import run_program
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import ReadPacket, RunPacket, WritePacket, to_words
from hlsgen.fabric.program import bank_elements, hello, tile_unit


def check(seed: int, runs: int) -> None:
    fabric = watched_cell()
    words, _ = random_program(fabric, seed, runs, watched_configuration)
    want, got = run_program(fabric, words), fabric_bench.run(fabric, words, (), seed)
    assert got.run_cycles == want.run_cycles
    assert got.stream_out == want.stream_out
    np.testing.assert_array_equal(got.unload, want.unload)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))]
)
def test_a_tile_reads_and_writes_as_in_the_cycle_model(seed: int) -> None:
    check(seed, 12 if seed == 0 else 40)


def shifting(count: int) -> Configuration:
    """Every element is read while the one before it, read a cycle ago, is written to its place."""
    fabric = one_cell()
    walk = Generator((GeneratorLoop(count, 1),))
    tile = TileConfiguration(
        reads=(ReadContext("affine"),),
        writes=(WriteContext("affine", 0, 0, None, "memory_west"),),
        read_generators=(walk,),
        write_generators=(walk,),
    )
    return Configuration(fabric_hash(fabric), 1, (count,), (), count, (), (("west_0", tile),))


def test_a_read_in_the_cycle_of_a_write_gives_the_old_element() -> None:
    """Element k is replaced by element k - 1, which was read a cycle ago; were the new one read, all would become 0."""
    fabric, told = one_cell(), shifting(12)
    program = to_words(
        [
            hello(fabric),
            WritePacket(1, 0, (0x04030201, 0x08070605, 0x0C0B0A09)),
            *pack(fabric, told),
            RunPacket(),
            ReadPacket(1, 0, 3),
        ]
    )
    want = [0, *range(1, 12)]
    for outcome in (run_program(fabric, program), fabric_bench.run(fabric, program)):
        assert bank_elements(fabric.tiles[0], outcome.unload, signed=True).tolist() == want


def storing(fabric: Fabric, interval: int, cycles: int) -> Configuration:
    """The first tile writes elements 0 to 3 once an interval until the end."""
    tile = TileConfiguration(
        writes=(WriteContext("affine", data="memory_west"), WriteContext())[:interval],
        write_generators=(Generator((GeneratorLoop(cycles // 4), GeneratorLoop(4, 1))),),
    )
    trips = cycles // interval
    tiles = ((fabric.tiles[0].name, tile),)
    return Configuration(fabric_hash(fabric), interval, (trips,), (), cycles, (), tiles)


@pytest.mark.parametrize("fabric", [one_cell(), straight_fabric()], ids=lambda fabric: fabric.name)
@pytest.mark.parametrize("interval", [1, 2])
def test_the_load_port_writes_a_bank_that_the_array_is_writing(
    fabric: Fabric, interval: int
) -> None:
    """The array writes elements 0 to 3 all the time, the load port the others in between or afterwards; nothing is lost."""
    tile = fabric.tiles[0]
    unit, rows = tile_unit(fabric, tile), range(0x11223344, 0x11223343 + tile.words // tile.lanes)
    # The first words can be there before the array writes; of all, some are refused.
    for count in (1, len(rows)):
        program = to_words(
            [
                hello(fabric),
                *pack(fabric, storing(fabric, interval, 120)),
                RunPacket(),
                WritePacket(unit, 1, tuple(rows[:count])),
                ReadPacket(unit, 1, count),
                ReadPacket(unit, 0, 1),
            ]
        )
        for seed in range(2):
            outcome = fabric_bench.run(fabric, program, (), seed, idle=0.1 * seed)
            assert outcome.unload.tolist() == [*rows[:count], 0]


@pytest.mark.parametrize("fabric", [one_cell(), straight_fabric()], ids=lambda fabric: fabric.name)
def test_a_word_that_had_to_wait_for_the_end_of_a_run_is_there_in_the_next_one(
    fabric: Fabric,
) -> None:
    """The next run copies elements 4 to 7, which were refused in every cycle of the run before, to 0 to 3."""
    unit = tile_unit(fabric, fabric.tiles[0])
    walk = Generator((GeneratorLoop(4, 1),))
    tile = TileConfiguration(
        reads=(ReadContext("affine"),),
        writes=(WriteContext("affine", data="memory_west"),),
        read_generators=(replace(walk, base=4),),
        write_generators=(replace(walk, delay=1),),
    )
    tiles = ((fabric.tiles[0].name, tile),)
    copying = Configuration(fabric_hash(fabric), 1, (5,), (), 5, (), tiles)
    program = to_words(
        [
            hello(fabric),
            *pack(fabric, storing(fabric, 1, 120)),
            RunPacket(),
            *pack(fabric, copying),
            WritePacket(unit, 1, (0x11223344,)),
            RunPacket(),
            ReadPacket(unit, 0, 2),
        ]
    )
    assert fabric_bench.run(fabric, program, idle=0).unload.tolist() == [0x11223344] * 2

"""A memory tile against the cycle model: every word it reads is shown, and its marks by what is accumulated between them."""

from __future__ import annotations

import numpy as np
import pytest
from support import fabric_bench
from support.example_fabrics import one_cell, watched_cell
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
from hlsgen.fabric.packets import ReadPacket, RunPacket, WritePacket, to_words
from hlsgen.fabric.program import bank_elements, hello


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


def test_the_load_port_writes_a_bank_that_the_array_is_writing() -> None:
    """The array writes elements 0 to 3 all the time, the load port the others in between; nothing is lost."""
    fabric = one_cell()
    tile = TileConfiguration(
        writes=(WriteContext("affine", data="memory_west"), WriteContext()),
        write_generators=(Generator((GeneratorLoop(15), GeneratorLoop(4, 1))),),
    )
    told = Configuration(fabric_hash(fabric), 2, (60,), (), 120, (), (("west_0", tile),))
    rows = (0x11223344, 0x55667788, 0x99AABBCC)
    program = to_words(
        [
            hello(fabric),
            *pack(fabric, told),
            RunPacket(),
            WritePacket(1, 1, rows),
            ReadPacket(1, 0, 4),
        ]
    )
    for seed in range(3):
        outcome = fabric_bench.run(fabric, program, (), seed, idle=0.1 * seed)
        assert outcome.unload.tolist() == [0, *rows]

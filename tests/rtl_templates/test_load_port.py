"""The load port: what waits for a run to end does, and what need not does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import fabric_bench
from support.example_fabrics import one_cell, small_fabric
from support.random_configurations import random_configuration, random_program

from hlsgen.cycle_model.program import run_program
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    PeContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.packets import Packet, ReadPacket, RunPacket, WaitPacket, WritePacket, to_words
from hlsgen.fabric.program import hello, write_parameters

LONG = 400
"""Cycles of a run that is still in progress when the next configuration has been written."""


def counting(cycles: int) -> Configuration:
    """Adds 1 to the accumulator in every cycle, and writes what it shows in every other one to elements 0 to 3 in turn."""
    fabric = one_cell()
    tile = TileConfiguration(
        writes=(WriteContext("affine", data="late"), WriteContext()),
        write_generators=(Generator((GeneratorLoop(cycles), GeneratorLoop(4, 1))),),
    )
    context = PeContext("multiply_accumulate", "constant", "constant", constant=1)
    return Configuration(
        fabric_hash(fabric),
        2,
        (cycles,),
        (),
        cycles,
        (((0, 0), (context, context)),),
        (("west_0", tile),),
    )


def test_a_run_and_a_read_wait_for_the_run_before_and_configurations_do_not() -> None:
    fabric = one_cell()
    packets: list[Packet] = [hello(fabric)]
    for cycles in (LONG, 9, LONG):
        packets += [*pack(fabric, counting(cycles)), RunPacket()]
    packets += [ReadPacket(1, 0, 1)]
    program = to_words(packets)
    want, got = run_program(fabric, program), fabric_bench.run(fabric, program, idle=0)
    assert got.run_cycles == want.run_cycles == (LONG, 9, LONG)
    assert got.unload.tolist() == want.unload.tolist()
    # Two of the three configurations are written during the run before.
    assert got.cycles is not None
    assert got.cycles < sum(want.run_cycles) + len(to_words(pack(fabric, counting(9)))) + 60


def test_what_comes_after_a_wait_comes_after_the_run() -> None:
    fabric = one_cell()
    start: list[Packet] = [hello(fabric), *pack(fabric, counting(LONG)), RunPacket()]
    written: list[Packet] = [WritePacket(1, 0, (0x01020304,)), ReadPacket(1, 0, 1)]
    last = fabric_bench.run(fabric, to_words([*start, WaitPacket(), *written]), idle=0).unload
    assert last.tolist() == [0x01020304]
    during = fabric_bench.run(fabric, to_words([*start, *written]), idle=0).unload
    assert (
        during.tolist()
        == run_program(fabric, to_words([*start, ReadPacket(1, 0, 1)])).unload.tolist()
    )


@pytest.mark.parametrize("reset_after", [40, 160, 290, 420, 700])
def test_after_a_reset_at_any_moment_a_program_runs_as_at_first(reset_after: int) -> None:
    """Though most registers of the array have none: they are written, or cleared by the start of a run, before they count."""
    fabric = replace(small_fabric(), registers=0)  # nothing clears a register file
    words, _ = random_program(
        fabric, 1, 6, lambda *given: random_configuration(*given, streams=False)
    )
    want, got = run_program(fabric, words), fabric_bench.run(fabric, words, reset_after=reset_after)
    assert got.run_cycles == want.run_cycles
    assert got.unload.tolist() == want.unload.tolist()


def test_a_tile_that_is_not_written_does_nothing_in_the_next_run() -> None:
    """Not even finish words that are drained, as it did in the run before."""
    fabric = one_cell()
    tile = TileConfiguration(
        write_generators=(Generator((GeneratorLoop(4, 1),), data_driven=True),),
        requantiser=Requantiser("multiply_shift", 0, 1, 0, -9, 9),
    )
    context = PeContext("multiply_accumulate", constant=1, drain="always")
    told = Configuration(
        fabric_hash(fabric), 1, (4,), (), 30, (((0, 0), (context,)),), (("west_0", tile),)
    )
    packets: list[Packet] = [
        hello(fabric),
        write_parameters(fabric, fabric.tiles[0], 0, [(0, 2, 0)]),
        *pack(fabric, told),
        RunPacket(),
        ReadPacket(1, 0, 1),
        WritePacket(1, 0, (0,)),
        *pack(fabric, replace(told, tiles=())),
        RunPacket(),
        ReadPacket(1, 0, 1),
    ]
    program = to_words(packets)
    for outcome in (run_program(fabric, program), fabric_bench.run(fabric, program)):
        assert outcome.unload.tolist() == [0x04030201, 0]

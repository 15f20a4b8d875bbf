"""The cycle model where random configurations do not lead: FIFOs, line buffers, collisions, runs cut short, programs that are not for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from support import fabric_bench
from support.example_fabrics import one_cell, small_fabric

from hlsgen.algebra.mark import Mark
from hlsgen.cycle_model import machine
from hlsgen.cycle_model.machine import State, Streams
from hlsgen.cycle_model.program import ProgramResult, run_program
from hlsgen.errors import IllegalGraph, Mismatch
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
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric, MemoryTile
from hlsgen.fabric.packets import HelloPacket, Packet, ReadPacket, RunPacket, WritePacket, to_words
from hlsgen.fabric.program import bank_elements, hello

EXECUTE: dict[str, Callable[[Fabric, np.ndarray, Sequence[int]], ProgramResult]] = {
    "cycle model": run_program,
    "circuit": fabric_bench.run,
}
both = pytest.mark.parametrize("how", EXECUTE)


def run(
    fabric: Fabric,
    told: Configuration,
    parameters: Mapping[str, np.ndarray] | None = None,
    stream_in: Sequence[int] = (),
) -> Mapping[str, np.ndarray]:
    """The banks after one run of the cycle model on a fabric after reset."""
    state = State.of(fabric, {}, parameters or {})
    machine.run(fabric, told, state, Streams(list(stream_in)))
    return state.banks.contents()


def configuration(
    fabric: Fabric,
    cycles: int,
    contexts: Sequence[PeContext] = (),
    tile: TileConfiguration | None = None,
    loops: tuple[int, ...] = (),
) -> Configuration:
    """For the first cell and the first tile."""
    interval = max(1, len(contexts), len(tile.reads if tile else ()))
    return Configuration(
        fabric_hash(fabric),
        interval,
        loops or (cycles,),
        (),
        cycles,
        (((0, 0), tuple(contexts)),) if contexts else (),
        ((fabric.tiles[0].name, tile),) if tile else (),
    )


@both
def test_a_tile_is_a_fifo_between_a_writer_and_a_later_reader(how: str) -> None:
    """Words wait in a ring of four elements for as many iterations as the reader starts later."""
    fabric, depth, count = one_cell(), 3, 20
    ring = Generator((GeneratorLoop(count, 1),), wrap_bits=2)
    # What is read in iteration k is at the cell, and given, in iteration k + 1.
    tile = TileConfiguration(
        reads=(ReadContext("affine"), ReadContext()),
        writes=(
            WriteContext("affine", data="stream_in"),
            WriteContext("stream", data="memory_west", predicate=LineTap(0, 0)),
        ),
        read_generators=(replace(ring, delay=depth),),
        write_generators=(ring,),
    )
    fabric = replace(fabric, stages=8)
    told = configuration(fabric, 2 * (count + depth), (), tile, (count + depth,))
    program = to_words([hello(fabric), *pack(fabric, told), RunPacket()])
    words = [(37 * k) % 251 - 125 for k in range(count)]
    outcome = EXECUTE[how](fabric, program, words)
    assert outcome.stream_out == (0,) * depth + tuple(words)


def line_buffer_fabric() -> Fabric:
    """A cell that adds, beside a tile with three read generators."""
    cell = one_cell()
    return replace(
        cell,
        pe_kinds=(replace(cell.pe_kinds[0], latencies=(("add", 1),)),),
        tiles=(MemoryTile("west_0", "west", (0, 0), 16, 8, 3, 1),),
        word_bits=16,
        accumulator_bits=0,
        registers=2,
        contexts=4,
        stages=16,
        drain=False,
    )


@both
def test_a_line_buffer_keeps_the_rows_that_a_window_needs(how: str) -> None:
    """Sums of three elements above one another, of an image that streams through a ring of 16 elements: four rows of four."""
    fabric, rows, columns = line_buffer_fabric(), 6, 4
    pixels = rows * columns
    image = np.random.default_rng(1).integers(-100, 100, (rows, columns))
    walk = (GeneratorLoop(rows - 2, columns), GeneratorLoop(columns, 1))
    delay = 2 * columns  # the third row's first element is there one slot before it is read
    readers = tuple(Generator(walk, delay=delay, start=k * columns, wrap_bits=4) for k in range(3))
    # What slot 3 reads comes in slot 0 of the next iteration, which ends the sum; it is given in slot 1.
    given = WriteContext("stream", data="register_a", predicate=LineTap(0, 1 + delay))
    tile = TileConfiguration(
        reads=(ReadContext(), *(ReadContext("affine", k) for k in range(3))),
        writes=(WriteContext("affine", data="stream_in"), given, WriteContext(), WriteContext()),
        read_generators=readers,
        write_generators=(Generator((GeneratorLoop(pixels, 1),), wrap_bits=4),),
    )
    # A register written in iteration k under index 0 has index 1 in iteration k + 1.
    added = PeContext("add", "memory_west", "register_a", register=(0, "result"))
    contexts = (replace(added, read_a=1), PeContext(), replace(added, b="constant"), added)
    told = configuration(fabric, 4 * (pixels + 2), contexts, tile, (pixels - delay,))
    program = to_words([hello(fabric), *pack(fabric, told), RunPacket()])
    outcome = EXECUTE[how](fabric, program, [int(v) for v in image.reshape(-1)])
    want = image[:-2] + image[1:-1] + image[2:]
    assert outcome.stream_out == tuple(want.reshape(-1).tolist())


def counting(fabric: Fabric, cycles: int, **changes: object) -> Configuration:
    """Adds 1 to the accumulator in every cycle and writes what it shows from address 0 on."""
    context = PeContext("multiply_accumulate", "constant", "constant", constant=1)
    tile = TileConfiguration(
        writes=(WriteContext("affine", data="late"),),
        write_generators=(Generator((GeneratorLoop(16, 1),)),),
    )
    return configuration(fabric, cycles, (replace(context, **changes),), tile)  # type: ignore[arg-type]


@both
def test_an_operator_that_a_run_does_not_last_to_the_end_of_leaves_nothing(how: str) -> None:
    """Of eight additions the last two do not reach the accumulator, which the next run goes on from."""
    fabric = one_cell()  # an accumulation takes three cycles
    packets: list[Packet] = [hello(fabric)]
    for _ in range(2):
        packets += [*pack(fabric, counting(fabric, 8)), RunPacket()]
    packets.append(ReadPacket(1, 0, 2))
    outcome = EXECUTE[how](fabric, to_words(packets), ())
    elements = bank_elements(fabric.tiles[0], outcome.unload, signed=True)
    assert elements.tolist() == [0, 0, 7, 8, 9, 10, 11, 12]


@both
def test_a_run_without_a_configuration_has_no_cycles_and_units_that_are_none_read_as_zeros(
    how: str,
) -> None:
    fabric = one_cell()
    configured = pack(fabric, counting(fabric, 4))
    packets: list[Packet] = [hello(fabric), WritePacket(1, 0, (1, 2, 3, 4)), RunPacket()]
    packets += [
        *configured,
        RunPacket(),
        RunPacket(),
        ReadPacket(1, 0, 1),
        ReadPacket(0, 0, 2),
        ReadPacket(9, 0, 1),
    ]
    packets += [WritePacket(9, 0, (7,)), WritePacket(1, 3 << 28, (7,)), ReadPacket(1, 1, 1)]
    outcome = EXECUTE[how](fabric, to_words(packets), ())
    assert outcome.run_cycles == (0, 4, 0)
    assert outcome.unload.tolist() == [0x02010000, 0, 0, 0, 2]


@both
def test_a_program_for_another_fabric_is_refused_by_its_hash(how: str) -> None:
    fabric, other = one_cell(), replace(one_cell(), registers=2)
    start = [*pack(fabric, counting(fabric, 4)), RunPacket(), ReadPacket(1, 0, 1)]
    for packets in ([hello(other), *start], start, [HelloPacket(0), hello(fabric), *start]):
        outcome = EXECUTE[how](fabric, to_words(packets), ())
        assert outcome.refused
        assert outcome.run_cycles == ()
        assert len(outcome.unload) == 0
    assert not EXECUTE[how](fabric, to_words([hello(fabric), *start]), ()).refused


def test_a_configuration_of_another_fabric_is_refused_in_three_lines() -> None:
    fabric, other = one_cell(), replace(one_cell(), registers=2)
    with pytest.raises(IllegalGraph) as error:
        run(fabric, counting(other, 4))
    assert f"{fabric_hash(fabric):08x}" in str(error.value)
    assert f"{fabric_hash(other):08x}" in str(error.value)
    assert len(str(error.value).splitlines()) == 3


def test_an_input_stream_that_ends_too_early_is_refused() -> None:
    fabric = one_cell()
    tile = TileConfiguration(reads=(ReadContext("stream"),))
    with pytest.raises(IllegalGraph, match="expected more than 3 words") as error:
        run(fabric, configuration(fabric, 4, (), tile), stream_in=[1, 2, 3])
    assert len(str(error.value).splitlines()) == 3


def test_drained_words_that_meet_are_a_mismatch() -> None:
    """Two cells of a row that drain in the same cycle are well; one cycle apart the eastern word runs into the western cell's."""
    fabric = small_fabric()
    mac = PeContext(
        "multiply_accumulate", constant=1, predicate=LineTap(1), clear="always", drain="always"
    )
    for latest, meets in ((0, False), (1, True)):
        late = replace(mac, predicate=LineTap(1, latest))
        told = Configuration(
            fabric_hash(fabric),
            1,
            (8,),
            (Mark("first", 0),),
            20,
            (((1, 0), (late,)), ((1, 1), (mac,))),
            (),
        )
        if meets:
            with pytest.raises(Mismatch, match="passing word"):
                run(fabric, told)
        else:
            run(fabric, told)


def test_results_without_a_generator_are_not_written() -> None:
    fabric = one_cell()
    tile = TileConfiguration(
        write_generators=(Generator(data_driven=True),),
        requantiser=Requantiser("multiply_shift", 0, 1, 0, -9, 9),
    )
    told = replace(counting(fabric, 20, drain="always"), tiles=((fabric.tiles[0].name, tile),))
    banks = run(fabric, told, {fabric.tiles[0].name: np.array([(0, 1, 0)])})
    assert not banks[fabric.tiles[0].name].any()
    program = to_words([hello(fabric), *pack(fabric, told), RunPacket(), ReadPacket(1, 0, 4)])
    assert not fabric_bench.run(fabric, program).unload.any()

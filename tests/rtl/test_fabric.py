"""The circuit of a fabric against the cycle model: random configurations, bit for bit and cycle for cycle, under all stalls."""

from __future__ import annotations

import itertools
from pathlib import Path
from random import Random

import numpy as np
import pytest
from random_configurations import random_configuration, small_fabric

from hlsgen.arch.fabric import Fabric
from hlsgen.arch.program import (
    Hello,
    Packet,
    Read,
    Run,
    Wait,
    Write,
    configure,
    hello,
    tile_unit,
    to_words,
    write_parameters,
)
from hlsgen.cycle_model.program import run_program
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog
from hlsgen.verify.fabric_simulation import Stalls, simulate_program
from sim.stalls import STALLS

RUNS = 12
STREAM_WORDS = 2000


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fabric")
    (folder / "design.v").write_text(to_verilog(emit_fabric(small_fabric())))
    return folder


def random_program(fabric: Fabric, seed: int) -> tuple[np.ndarray, list[int]]:
    """Parameters, then runs, each on banks of any content and followed by the reading of all; and words to stream in."""
    draw = Random(seed)
    packets: list[Packet] = [hello(fabric)]
    for tile in fabric.tiles:
        rows = [
            (draw.randint(-9999, 9999), draw.getrandbits(26), draw.getrandbits(30))
            for _ in range(tile.parameters)
        ]
        if rows:
            packets.append(write_parameters(fabric, tile, 0, rows))
    for _ in range(RUNS):
        for tile in fabric.tiles:
            content = tuple(draw.getrandbits(32) for _ in range(tile.words * tile.bits // 32))
            packets.append(Write(tile_unit(fabric, tile), 0, content))
        packets += [*configure(fabric, random_configuration(fabric, draw)), Run()]
        for tile in fabric.tiles:
            packets.append(Read(tile_unit(fabric, tile), 0, tile.words * tile.bits // 32))
    return to_words(packets), [draw.randint(-(1 << 15), (1 << 15) - 1) for _ in range(STREAM_WORDS)]


@pytest.mark.parametrize(
    ("seed", "idle", "backpressure"),
    [(k, *pair) for k, pair in enumerate(itertools.product(STALLS, STALLS))],
)
def test_random_programs_run_as_in_the_cycle_model(
    circuit: Path, seed: int, idle: str, backpressure: str
) -> None:
    fabric = small_fabric()
    words, stream = random_program(fabric, seed)
    want = run_program(fabric, words, stream)
    got = simulate_program(
        circuit, fabric, words, stream, len(want.stream_out), Stalls(idle, backpressure, seed)
    )
    assert got.run_cycles == want.run_cycles
    np.testing.assert_array_equal(got.unload, want.unload)
    assert got.stream_out == want.stream_out
    assert len(set(want.unload.tolist())) > 400


def test_a_program_for_another_fabric_is_refused(circuit: Path) -> None:
    fabric = small_fabric()
    words, stream = random_program(fabric, 3)
    other = to_words([Hello(12345)])
    for program in (np.concatenate([other, words]), words[2:]):
        want = run_program(fabric, program, stream)
        got = simulate_program(circuit, fabric, program, stream)
        assert got.refused and want.refused
        assert len(got.unload) == len(want.unload) == 0
        assert got.run_cycles == want.run_cycles == ()


def test_a_configuration_is_written_while_the_one_before_runs(circuit: Path) -> None:
    """Two programs of the same runs, with and without waiting for the end of a run before the next one is written."""
    fabric, draw = small_fabric(), Random(5)
    configurations = [random_configuration(fabric, draw, streams=False) for _ in range(4)]
    together: list[Packet] = [hello(fabric)]
    apart: list[Packet] = [hello(fabric)]
    for item in configurations:
        together += [*configure(fabric, item), Run()]
        apart += [*configure(fabric, item), Run(), Wait()]
    reads = [Read(tile_unit(fabric, tile), 0, 4) for tile in fabric.tiles]
    first = simulate_program(circuit, fabric, to_words([*together, *reads]))
    second = simulate_program(circuit, fabric, to_words([*apart, *reads]))
    assert first.cycles is not None and second.cycles is not None
    assert first.cycles < second.cycles
    np.testing.assert_array_equal(first.unload, second.unload)

"""The circuit of a fabric against the cycle model: random configurations, bit for bit and cycle for cycle, under all stalls."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hlsgen.sim.stalls import STALLS
from support import fabric_bench
from support.example_fabrics import column_fabric, edges, row_fabric, small_fabric, torus_fabric
from support.random_configurations import random_configuration, random_program
from support.verilog_lint import lint

from hlsgen.cycle_model.program import run_program
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.file import load_fabric
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import HelloPacket, Packet, ReadPacket, RunPacket, WaitPacket, to_words
from hlsgen.fabric.program import hello, tile_unit
from hlsgen.rtl.fabric import emit_fabric
from hlsgen.rtl.verilog import to_verilog
from hlsgen.verify.fabric_simulation import Stalls, simulate_program

RUNS = 12


def written(fabric: Fabric, folder: Path) -> Path:
    (folder / "design.v").write_text(to_verilog(emit_fabric(fabric)))
    return folder


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(small_fabric(), tmp_path_factory.mktemp("fabric"))


def compare(circuit: Path, fabric: Fabric, seed: int, stalls: Stalls) -> None:
    words, stream = random_program(fabric, seed, RUNS)
    want = run_program(fabric, words, stream)
    got = simulate_program(circuit, fabric, words, stream, len(want.stream_out), stalls)
    assert got.run_cycles == want.run_cycles
    np.testing.assert_array_equal(got.unload, want.unload)
    assert got.stream_out == want.stream_out
    assert len(set(want.unload.tolist())) > 100


@pytest.mark.parametrize(
    ("seed", "idle", "backpressure"),
    [(k, *pair) for k, pair in enumerate(itertools.product(STALLS, STALLS))],
)
def test_random_programs_run_as_in_the_cycle_model(
    circuit: Path, seed: int, idle: str, backpressure: str
) -> None:
    compare(circuit, small_fabric(), seed, Stalls(idle, backpressure, seed))


OTHERS: dict[str, Callable[[], Fabric]] = {
    "torus": torus_fabric,
    "row": row_fabric,
    "column": column_fabric,
    "icebreaker_2x2": lambda: load_fabric("icebreaker_2x2"),
    "cgra_4x4": lambda: load_fabric("cgra_4x4"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_fabrics_of_other_kinds_run_as_in_the_cycle_model(name: str, tmp_path: Path) -> None:
    fabric = OTHERS[name]()
    circuit = written(fabric, tmp_path)
    for seed, stall in enumerate(STALLS):
        compare(circuit, fabric, seed, Stalls(stall, STALLS[-1 - seed], seed))


EDGES = edges()
BENIGN = ("CASEOVERLAP", "CMPCONST", "UNDRIVEN")
"""Choices where the first that is true counts; fields of one bit compared with 1; outputs that nobody reads."""
QUICK = ("nothing but an operator", "one register, context, stage and loop")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in EDGES]
)
def test_fabrics_at_the_ends_of_their_numbers_run_as_in_the_cycle_model(
    name: str, tmp_path: Path
) -> None:
    fabric = EDGES[name]
    assert lint(written(fabric, tmp_path) / "design.v", *BENIGN) == ""
    for seed in range(1 if name in QUICK else 4):
        words, stream = random_program(fabric, seed, 6)
        want, got = run_program(fabric, words, stream), fabric_bench.run(fabric, words, stream)
        assert got.run_cycles == want.run_cycles
        np.testing.assert_array_equal(got.unload, want.unload)
        assert got.stream_out == want.stream_out


def test_a_program_for_another_fabric_is_refused(circuit: Path) -> None:
    fabric = small_fabric()
    words, stream = random_program(fabric, 3, RUNS)
    other = to_words([HelloPacket(12345)])
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
    for configuration in configurations:
        together += [*pack(fabric, configuration), RunPacket()]
        apart += [*pack(fabric, configuration), RunPacket(), WaitPacket()]
    reads = [ReadPacket(tile_unit(fabric, tile), 0, 4) for tile in fabric.tiles]
    first = simulate_program(circuit, fabric, to_words([*together, *reads]))
    second = simulate_program(circuit, fabric, to_words([*apart, *reads]))
    assert first.cycles is not None and second.cycles is not None
    assert first.cycles < second.cycles
    np.testing.assert_array_equal(first.unload, second.unload)

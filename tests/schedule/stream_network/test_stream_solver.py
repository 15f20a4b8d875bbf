"""The stream scheduler against brute force, and what it says where nothing fits."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from support.small_dataflows import chain, residual

from hlsgen.algebra.types import S8, ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.board import boards, load_board
from hlsgen.cost.process import finish_products
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.errors import BadOption, DoesNotFit
from hlsgen.schedule.stream_network.candidates import Candidates
from hlsgen.schedule.stream_network.check import check
from hlsgen.schedule.stream_network.choices import choices_of
from hlsgen.schedule.stream_network.effort import EFFORTS, STEP, knee, soonest
from hlsgen.schedule.stream_network.geometry import sample_cycles
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of
from hlsgen.schedule.stream_network.report import network_report
from hlsgen.schedule.stream_network.select import (
    GAP,
    NEGLIGIBLE,
    Alternatives,
    Budget,
    area,
    choose,
    slowest,
    word_conflicts,
)
from hlsgen.schedule.stream_network.solver import schedule

ULX3S = load_board("ulx3s_85f")
ICEBREAKER = load_board("icebreaker")


def random_choices(random: np.random.Generator, processes: int = 3) -> tuple[Alternatives, ...]:
    """A chain of processes with random cycles, costs and words; every second one has rows with wide words."""
    choices: list[Alternatives] = []
    for k in range(processes):
        count = int(random.integers(3, 7))
        factors = np.ones((count, 8), np.int64)
        factors[:, 6] = random.choice([1, 1, 2, 3, 4], count)
        factors[:, 5] = random.choice([1, 2, 3, 4, 6, 8], count)
        rows = Candidates(
            factors,
            np.zeros((count, 2), np.int64),
            random.integers(10, 60, count),
            random.integers(0, 9, count),
            random.integers(50, 400, count).astype(np.float64),
            random.integers(0, 6, count),
            random.integers(1, 20, count),
            factors[:, 5],
        )
        choices.append(Alternatives(f"p{k}", rows, (f"p{k - 1}",) if k else ()))
    return tuple(choices)


def within(budget: Budget, used: Budget) -> bool:
    return used.dsp <= budget.dsp and used.lut <= budget.lut and used.bram <= budget.bram


def test_the_interval_is_the_best_that_brute_force_finds() -> None:
    random = np.random.default_rng(3)
    impossible = 0
    for _ in range(60):
        choices = random_choices(random)
        budget = Budget(int(random.integers(3, 20)), float(random.integers(300, 900)), 9)
        selections = product(*(range(len(c.rows)) for c in choices))
        fitting = [
            chosen
            for chosen in selections
            if within(budget, Budget.used(choices, chosen)) and not word_conflicts(choices, chosen)
        ]
        best = choose(choices, budget)
        if not fitting:
            impossible += 1
            assert best is None
            continue
        slowest = [
            max(int(c.rows.cycles[row]) for c, row in zip(choices, chosen, strict=True))
            for chosen in fitting
        ]
        assert best is not None and best in fitting
        assert slowest[fitting.index(best)] == min(slowest)
    assert 3 < impossible < 57


def test_at_a_target_the_fewest_luts_are_used() -> None:
    random = np.random.default_rng(5)
    for _ in range(40):
        choices = random_choices(random)
        budget = Budget(30, 2000.0, 20)
        fitting = [
            Budget.used(choices, chosen).lut
            for chosen in product(*(range(len(c.rows)) for c in choices))
            if not word_conflicts(choices, chosen)
            and all(c.rows.cycles[row] <= 40 for c, row in zip(choices, chosen, strict=True))
        ]
        best = choose(choices, budget, target=40, minimise="lut")
        if not fitting:
            assert best is None
            continue
        assert best is not None
        least = min(fitting)
        assert Budget.used(choices, best).lut <= least * (1 + GAP + NEGLIGIBLE) + 1


@pytest.mark.parametrize(
    "dataflow", [chain((8, 8, 3), ((8, 3, 1), (4, 1, 1))), residual((6, 6, 4))]
)
def test_a_schedule_is_legal_and_the_slowest_process_sets_the_interval(dataflow) -> None:  # type: ignore[no-untyped-def]
    plan = schedule(dataflow, ULX3S, StreamOptions(target_interval=1500))
    check(plan)
    slowest = max(sample_cycles(p, plan.arrays[p.name]) for p in dataflow.processes)
    assert slowest <= plan.interval <= 1500
    assert plan.interval <= slowest * 1.01 + 4


BOUNDS: dict[str, tuple[StreamOptions, ...]] = {
    "dsp": tuple(StreamOptions(effort="max", dsp=n) for n in (0, 2, 8)),
    "multipliers": tuple(StreamOptions(effort="max", multipliers=n) for n in (4, 8, 20)),
    "lut": tuple(StreamOptions(effort="max", lut=n) for n in (2000, 2500, 3500)),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_larger_bound_never_makes_it_slower(bound: str) -> None:
    dataflow = chain((8, 8, 4), ((8, 3, 1), (8, 3, 1)))
    board = replace(ICEBREAKER, lut=6000)
    intervals = [schedule(dataflow, board, options).interval for options in BOUNDS[bound]]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[0] > intervals[-1]


def as_json(plan: StreamSchedule) -> dict[str, Any]:
    """The report's figures."""
    return network_report(plan, ULX3S).as_json()


@pytest.mark.parametrize("most", [4, 5, 9, 40])
def test_multipliers_bound_all_of_arrays_and_finishing_in_blocks_or_luts(most: int) -> None:
    dataflow = chain((8, 8, 4), ((8, 3, 1), (8, 3, 1)))
    plan = schedule(dataflow, ULX3S, StreamOptions(effort="max", multipliers=most))
    count = 0
    for process in dataflow.processes:
        array = plan.arrays[process.name]
        count += array.unroll.rows * array.unroll.lanes
        count += array.finish_lanes * finish_products(process)
    assert most - 3 <= count <= most


def test_dsp_and_lut_bound_what_is_predicted() -> None:
    dataflow = chain((8, 8, 4), ((8, 3, 1), (8, 3, 1)))
    options = StreamOptions(effort="max", dsp=5, lut=2500)
    data = as_json(schedule(dataflow, ULX3S, options))
    assert data["dsp"] <= 5
    assert 1800 < data["lut"] <= 2500


def test_a_bound_below_every_design_names_it_and_what_is_needed() -> None:
    dataflow = chain((8, 8, 4), ((8, 3, 1), (8, 3, 1)))
    with pytest.raises(DoesNotFit, match="needs 4 multipliers, 1 more than the budget of 3") as e:
        schedule(dataflow, ULX3S, StreamOptions(multipliers=3))
    assert e.value.remedy == "Without --multipliers it would fit."


def test_the_knee_has_the_least_area_for_its_rate() -> None:
    dataflow = chain((8, 8, 4), ((16, 3, 1), (16, 3, 1)))
    options = StreamOptions()
    choices, budget = choices_of(dataflow, ULX3S, options), budget_of(dataflow, ULX3S, options)
    fastest = choose(choices, budget)
    assert fastest is not None
    balanced = knee(choices, budget, fastest)
    price = area(choices, balanced, budget) * slowest(choices, balanced)
    for cycles in np.unique(np.concatenate([c.rows.cycles for c in choices])):
        chosen = choose(choices, budget, int(cycles))
        if chosen is not None:
            other = area(choices, chosen, budget) * slowest(choices, chosen)
            assert other >= price * (2 - STEP), cycles


def test_the_fastest_design_has_the_most_samples_a_second_at_the_clock_of_its_size() -> None:
    dataflow = chain((8, 8, 4), ((16, 3, 1), (16, 3, 1)))
    options = StreamOptions()
    choices, budget = choices_of(dataflow, ULX3S, options), budget_of(dataflow, ULX3S, options)
    fewest = choose(choices, budget)
    assert fewest is not None

    def time(chosen: tuple[int, ...], slope: float) -> float:
        return slowest(choices, chosen) * (1 + slope * Budget.used(choices, chosen).lut)

    for slope in (0.0, 1e-4, 1e-2):
        fastest = soonest(choices, budget, fewest, lambda lut, slope=slope: 1 + slope * lut)  # type: ignore[misc]
        for cycles in np.unique(np.concatenate([c.rows.cycles for c in choices])):
            chosen = choose(choices, budget, int(cycles))
            if chosen is not None:
                assert time(chosen, slope) >= time(fastest, slope) * (2 - STEP), (slope, cycles)
    assert slowest(choices, fastest) > slowest(choices, fewest)  # where wires cost so much


def test_efforts_grow_in_area_and_speed() -> None:
    dataflow = chain((8, 8, 8), ((16, 3, 1), (16, 3, 1)))
    small, balanced, largest = (
        as_json(schedule(dataflow, ULX3S, StreamOptions(effort=effort))) for effort in EFFORTS
    )
    for key, order in (("lut", 1), ("interval_cycles", -1)):
        assert order * small[key] < order * balanced[key] < order * largest[key]
    assert balanced["lut"] < 0.4 * largest["lut"]


def test_an_unknown_effort_is_refused() -> None:
    options = StreamOptions(effort="huge")
    with pytest.raises(BadOption, match="expected one of small, balanced, max; found 'huge'"):
        schedule(chain((8, 8, 4), ((8, 3, 1),)), ULX3S, options)


def test_a_target_is_met_with_less_than_the_fastest_design() -> None:
    dataflow = chain((8, 8, 4), ((8, 3, 1),))
    slow = as_json(schedule(dataflow, ULX3S, StreamOptions(target_interval=4000)))
    fast = as_json(schedule(dataflow, ULX3S))
    assert slow["interval_cycles"] <= 4000
    assert slow["multipliers"] < fast["multipliers"]
    assert slow["lut"] < fast["lut"]


def test_an_override_is_kept() -> None:
    dataflow = chain((8, 8, 4), ((8, 3, 1), (4, 3, 1)))
    unroll = Unroll(o=2, kx=3)
    plan = schedule(dataflow, ULX3S, StreamOptions(overrides={"conv0": unroll}))
    assert plan.arrays["conv0"].unroll == unroll


def test_an_override_of_an_unknown_process_names_the_processes() -> None:
    with pytest.raises(BadOption, match="conv0, conv1") as refusal:
        schedule(
            chain((8, 8, 4), ((8, 3, 1), (4, 3, 1))),
            ULX3S,
            StreamOptions(overrides={"conv7": Unroll()}),
        )
    assert len(str(refusal.value).splitlines()) == 3


def test_an_override_beyond_the_loop_is_refused() -> None:
    with pytest.raises(BadOption, match=r"1 <= o <= 8; found .* o 9"):
        schedule(
            chain((8, 8, 4), ((8, 3, 1),)), ULX3S, StreamOptions(overrides={"conv0": Unroll(o=9)})
        )


@pytest.mark.parametrize(
    ("unroll", "reason"),
    [
        (Unroll(g=2, o=1), "all 3 outputs of a group"),
        (Unroll(g=2, i=2), "g or i to be 1"),
        (Unroll(i=2), "steps of g that are whole words"),
    ],
)
def test_an_override_that_the_hardware_cannot_do_names_the_rule(
    unroll: Unroll, reason: str
) -> None:
    build = DataflowBuilder("grouped")
    taps = np.ones((4, 3, 1, 1, 3), int)
    source = build.input("x", (4, 4, 12), S8)
    finish = Epilogue(ElementType(32, True))
    build.output(
        build.multiply_accumulate("conv", source, taps, PlanarWindow((1, 1)), (4, 4), finish)
    )
    with pytest.raises(BadOption, match=reason) as refused:
        schedule(build.build(), ULX3S, StreamOptions(overrides={"conv": unroll}))
    assert len(str(refused.value).splitlines()) == 3


def test_a_target_out_of_reach_names_the_rate_that_is_reached() -> None:
    dataflow = chain((16, 16, 8), ((16, 3, 1), (16, 3, 1)))
    fastest = schedule(dataflow, ICEBREAKER).interval
    with pytest.raises(DoesNotFit, match="at most 200 cycles per sample") as refusal:
        schedule(dataflow, ICEBREAKER, StreamOptions(target_interval=200))
    assert f"needs {fastest}" in str(refusal.value) or "fastest design" in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 3


def test_too_many_weights_name_the_ram_blocks_and_a_board() -> None:
    dataflow = chain((2, 2, 128), ((128, 3, 1),))
    with pytest.raises(DoesNotFit) as refusal:
        schedule(dataflow, ICEBREAKER)
    assert "RAM blocks (" in refusal.value.problem and "kbit of memory)" in refusal.value.problem
    assert "more than the budget of 23 (92 kbit)" in refusal.value.problem
    assert "conv0" in refusal.value.problem and "(constants 1," in refusal.value.problem
    assert "LUT" not in refusal.value.problem, "weights are not spilled into logic"
    assert "It would fit on board tang_nano_20k" in refusal.value.remedy or (
        "It would fit on board" in refusal.value.remedy
    )


def test_an_unknown_board_names_the_nearest() -> None:
    with pytest.raises(BadOption, match="ulx3s_85f") as refusal:
        load_board("ulx3s85f")
    assert "Did you mean ulx3s_85f" in refusal.value.remedy


def test_boards_hold_their_resources() -> None:
    assert {board.name for board in boards()} >= {"ulx3s_85f", "icebreaker", "pynq_z2"}
    assert all(board.lut > 0 and board.dsp >= 0 and board.bram > 0 for board in boards())


def test_the_report_has_the_promised_keys() -> None:
    plan = schedule(chain((8, 8, 3), ((8, 3, 1),)), ULX3S, StreamOptions(target_interval=2000))
    data = as_json(plan)
    assert data["macs"] == 8 * 8 * 8 * 27
    assert 0 < data["utilisation"] <= 1
    for key in ("multipliers", "latency_cycles", "lut", "ff", "clock_mhz"):
        assert data[key] > 0
    assert data["layers"][0]["cycles"] <= data["interval_cycles"]
    assert "conv0" in network_report(plan, ULX3S).text

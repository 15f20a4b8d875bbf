"""Requantisers are equal to the float32 reference for every accumulator, and the proof rejects wrong parameters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hlsgen.algebra.scalar import RequantiseFloat32, RequantiseMultiplyShift, RoundSignificand
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.errors import TypeMismatch
from hlsgen.requantise import (
    Rounding,
    choose,
    choose_add,
    find_multiply_shift,
    find_rounded_add,
    requantise,
    thresholds,
    verify_multiply_shift,
)
from hlsgen.requantise.choice import choose_for, float32_parameters


def layer(scales: np.ndarray, zero_point: int, low: int, high: int, bound: int) -> Rounding:
    scales = np.asarray(scales, dtype=np.float32)
    bounds = np.full(scales.shape, bound, dtype=np.int64)
    return Rounding(scales, zero_point, low, high, -bounds, bounds)


def random_scales(count: int, low: float, high: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (2.0 ** random.uniform(low, high, count)).astype(np.float32)


def test_reference_rounds_half_to_even() -> None:
    rounded = requantise(np.array([-3, -1, 1, 3, 5]), np.float32(0.5), 10, -128, 127)
    assert rounded.tolist() == [8, 10, 10, 12, 12]


def test_thresholds_are_the_first_accumulators_of_their_results() -> None:
    rounding = layer(random_scales(5, -9, -6), -7, -128, 127, 30_000)
    every = np.arange(-30_000, 30_001)
    results = rounding.evaluate(np.broadcast_to(every, (5, every.size)))
    for channel, limits in enumerate(thresholds(rounding)):
        expected = np.searchsorted(results[channel], np.arange(-127, 128), side="left") - 30_000
        assert np.array_equal(limits, expected)


@pytest.mark.parametrize(("low", "high"), [(-128, 127), (0, 255), (-8, 7), (10, 10)])
def test_multiply_shift_equals_the_reference_for_every_accumulator(low: int, high: int) -> None:
    rounding = layer(random_scales(12, -8, -5), 3 if low < 0 else 0, low, high, 50_000)
    form = find_multiply_shift(rounding)
    assert form is not None
    every = np.broadcast_to(np.arange(-50_000, 50_001), (12, 100_001))
    assert np.array_equal(form.evaluate(every), rounding.evaluate(every))
    assert verify_multiply_shift(rounding, form)


def test_a_constant_that_a_channel_has_for_itself_lies_inside_its_window() -> None:
    rounding = layer(random_scales(12, -12, -5), 3, -128, 127, 50_000)
    parameters = find_multiply_shift(rounding)
    assert parameters is not None
    assert len(set(parameters.rounding)) > 1, "else all channels share one constant"
    for step in (-1, 1):
        moved = dataclasses.replace(parameters, rounding=parameters.rounding + step)
        assert verify_multiply_shift(rounding, moved)


@pytest.mark.parametrize("zero", [-128, 127])
def test_a_channel_of_one_result_widens_the_sum_of_no_other(zero: int) -> None:
    scales = np.array([1e-19, 0.00015526882, 0.0016726451, 0.0025029022], np.float32)
    most = np.full(scales.shape, 200_000)
    rounding = Rounding(scales, zero, -128, 127, -most, most)
    parameters = find_multiply_shift(rounding, nudges=3)
    assert parameters is not None
    assert len(set(parameters.rounding)) > 1, "else all channels share one constant"
    assert verify_multiply_shift(rounding, parameters)
    assert np.all(np.abs(parameters.rounding) <= 129 << parameters.op.shift)


def test_the_proof_rejects_parameters_that_are_wrong_for_one_accumulator() -> None:
    rounding = layer(random_scales(3, -8, -7), 0, -128, 127, 40_000)
    form = find_multiply_shift(rounding)
    assert form is not None
    changed = form.rounding.copy()
    changed[1] += 1 << (form.op.shift - 4)
    assert not verify_multiply_shift(rounding, dataclasses.replace(form, rounding=changed))


def test_few_thresholds_need_few_multiplier_bits() -> None:
    form = find_multiply_shift(layer(np.array([np.pi / 10]), 0, -8, 7, 100))
    assert form is not None
    assert int(form.multiplier.max()).bit_length() <= 8


@pytest.mark.parametrize("spread", [(-4, -3), (-9, -6), (-14, -9)])
def test_float32_form_equals_the_reference_near_every_threshold(spread: tuple[int, int]) -> None:
    rounding = layer(random_scales(20, *spread), 5, -128, 127, (1 << 24) - 1)
    op, multiplier = float32_parameters(rounding)
    limits = thresholds(rounding)
    points = np.concatenate([limits + step for step in (-2, -1, 0, 1, 2)], axis=1)
    points = np.clip(points, -(1 << 24) + 1, (1 << 24) - 1)
    results = op.evaluate(np, points, multiplier[:, None])
    assert np.array_equal(results, rounding.evaluate(points))


def test_float32_form_rounds_ties_of_powers_of_two_to_even() -> None:
    rounding = layer(np.array([2.0**-4]), 1, -128, 127, 4000)
    op, multiplier = float32_parameters(rounding)
    every = np.arange(-4000, 4001)[None]
    assert np.array_equal(op.evaluate(np, every, multiplier[:, None]), rounding.evaluate(every))


def test_choose_falls_back_to_the_float32_form_where_ties_defeat_multiply_shift() -> None:
    choice = choose(np.array([2.0**-4], np.float32), 0, -128, 127, -4000, 4000)
    assert isinstance(choice.op, RequantiseFloat32)
    choice = choose(np.array([np.pi / 300], np.float32), 0, -128, 127, -4000, 4000)
    assert isinstance(choice.op, RequantiseMultiplyShift)


@pytest.mark.parametrize("scale", [0.0, -0.5, np.inf, np.nan])
def test_a_scale_that_is_not_positive_and_finite_is_refused(scale: float) -> None:
    with pytest.raises(TypeMismatch, match="expected positive finite scales"):
        layer(np.array([0.25, scale]), 0, -128, 127, 100)
    assert layer(np.array([0.25, 1e-30]), 0, -128, 127, 100).scale.size == 2


@pytest.mark.parametrize(("least", "greatest"), [(0, 3000), (-3000, 0)])
def test_the_float32_form_is_exact_for_sums_of_one_sign(least: int, greatest: int) -> None:
    scale = np.array([0.0371], np.float32)
    rounding = Rounding(scale, 3, -128, 127, np.array([least]), np.array([greatest]))
    op, multiplier = float32_parameters(rounding)
    sums = np.arange(least, greatest + 1)[None]
    assert np.array_equal(op.evaluate(np, sums, multiplier[:, None]), rounding.evaluate(sums))


def test_a_channel_of_tiny_scale_costs_the_others_nothing() -> None:
    choice = choose(np.array([2.0**-4, 1e-12], np.float32), 4, -128, 127, -4000, 4000)
    assert isinstance(choice.op, RequantiseFloat32)
    assert choice.constants[0][1] == 0


def test_accumulators_that_float32_rounds_are_refused_only_where_unsaturated() -> None:
    wide = 1 << 26
    rounding = layer(np.array([2.0**-12], np.float32), 0, -128, 127, wide)
    float32_parameters(rounding)
    rounding = layer(np.array([2.0**-18], np.float32), 0, -128, 127, wide)
    with pytest.raises(TypeMismatch, match="2\\*\\*24"):
        float32_parameters(rounding)


@pytest.mark.parametrize("scale", [3.7e-6, 2.0**-18, 1.9e-7])
def test_accumulators_above_24_bits_are_rounded_as_float32_rounds_them(scale: float) -> None:
    rounding = layer(np.array([scale, scale * 1.01]), 3, -128, 127, (1 << 29) + 12_345)
    choice = choose_for(rounding)
    assert choice.accumulator_rounding is not None
    limits = thresholds(rounding)
    random = np.random.default_rng(1)
    points = np.concatenate(
        [limits + step for step in (-65, -33, -32, -17, -16, -8, -4, -2, -1, 0, 1, 2, 4, 16, 33)]
        + [random.integers(-(1 << 29), 1 << 29, (2, 4000))],
        axis=1,
    )
    points = np.clip(points, rounding.accumulator_low[:, None], rounding.accumulator_high[:, None])
    rounded = choice.accumulator_rounding.evaluate(np, points)
    results = choice.op.evaluate(np, rounded, *(c[:, None] for c in choice.constants))
    assert np.array_equal(results, rounding.evaluate(points))
    unrounded = choice.op.evaluate(np, points, *(c[:, None] for c in choice.constants))
    assert not np.array_equal(unrounded, results), "else nothing is shown"


def test_integers_rounded_to_24_significant_bits_are_those_of_float32() -> None:
    random = np.random.default_rng(2)
    wide = random.integers(-(1 << 39), 1 << 39, 20_000) >> random.integers(0, 30, 20_000)
    ties = (random.integers(1 << 23, 1 << 24, 2_000) * 2 + 1) << random.integers(0, 12, 2_000)
    for values in (wide, ties, -ties, ties + 1, ties - 1):
        rounded = RoundSignificand(24).evaluate(np, values)
        assert np.array_equal(rounded, values.astype(np.float32).astype(np.int64))


def test_choose_add_equals_the_truth_for_all_pairs() -> None:
    random = np.random.default_rng(1)
    for elements in ((S8, S8), (U8, S8)):
        a = np.arange(elements[0].minimum, elements[0].maximum + 1)[:, None]
        b = np.arange(elements[1].minimum, elements[1].maximum + 1)[None]
        for _ in range(3):
            ratio = random.uniform(0.3, 1.2, 2)
            real = ratio[0] * (a - 3) + ratio[1] * (b + 5)
            truth = np.clip(np.rint(real) - 2, -128, 127).astype(np.int64)
            op = choose_add(truth, elements, (ratio[0], ratio[1]), -128, 127)
            assert op is not None
            assert np.array_equal(op.evaluate(np, a, b), truth)
            assert len(op.exceptions) <= 2


def test_powers_of_two_are_added_with_ties_to_even() -> None:
    a = np.arange(-128, 128)[:, None]
    truth = np.clip(np.rint(0.5 * (a - 2) + 0.25 * (a.T + 1)) + 3, -128, 127).astype(np.int64)
    add = find_rounded_add(truth, (S8, S8), (0.5, 0.25), (2, -1, 3), -128, 127)
    assert add is not None
    total = add.multiplier_a * a + add.multiplier_b * a.T + add.offset
    assert np.array_equal(add.op.evaluate(np, total, np.int64(1)), truth)
    assert find_rounded_add(truth, (S8, S8), (0.51, 0.25), (2, -1, 3), -128, 127) is None


def test_powers_of_two_are_added_with_an_odd_zero_point_before_rounding() -> None:
    a = np.arange(-128, 128)[:, None]
    truth = np.clip(np.rint(0.5 * (a - 2) + 0.25 * (a.T + 1) + 3), -128, 127).astype(np.int64)
    add = find_rounded_add(truth, (S8, S8), (0.5, 0.25), (2, -1, 3), -128, 127)
    assert add is not None
    total = add.multiplier_a * a + add.multiplier_b * a.T + add.offset
    assert np.array_equal(add.op.evaluate(np, total, np.int64(1)), truth)


def test_choose_add_finds_nothing_where_more_pairs_are_ties_than_it_may_list() -> None:
    a = np.arange(-128, 128)[:, None]
    truth = np.clip(np.rint(0.5 * a + 0.5 * a.T), -128, 127).astype(np.int64)
    assert choose_add(truth, (S8, S8), (0.5, 0.5), -128, 127) is None


@pytest.mark.parametrize(("octaves", "most"), [((-9.85, -9.64), 3), ((-9.85, -12.43), 3)])
def test_few_raised_accumulators_make_multiply_shift_exact(
    octaves: tuple[float, float], most: int
) -> None:
    rounding = layer(np.array([2.0**x for x in octaves], np.float32), -128, -128, 127, 200_000)
    assert find_multiply_shift(rounding) is None
    form = next(
        f for n in range(1, most + 1) if (f := find_multiply_shift(rounding, n)) is not None
    )
    every = np.broadcast_to(np.arange(-200_000, 200_001), (2, 400_001))
    assert np.array_equal(form.evaluate(every), rounding.evaluate(every))
    assert verify_multiply_shift(rounding, form)
    moved = dataclasses.replace(form, nudges=form.nudges + 1)
    assert not verify_multiply_shift(rounding, moved)


def test_a_nudge_is_a_late_threshold_or_lies_above_the_range() -> None:
    rounding = layer(random_scales(6, -8, -5), 0, -128, 127, 20_000)
    nudged = find_multiply_shift(rounding, 3)
    assert nudged is not None
    limits = thresholds(rounding)
    needed = [set(nudges) & set(row) for nudges, row in zip(nudged.nudges, limits, strict=True)]
    assert 0 < sum(map(len, needed)) < 18
    for nudges, late in zip(nudged.nudges, needed, strict=True):
        assert len(set(nudges)) == 3
        assert set(nudges) - late <= {20_001, 20_002, 20_003}


@pytest.mark.parametrize("near", [(0, 0), (2, -2), (-2, 1), (-1, -1), (1, 2)])
def test_multipliers_near_the_scales_ratios_are_tried(near: tuple[int, int]) -> None:
    """Of shift 8: what is exact with multipliers up to 2 away is found there, without exceptions."""
    a, b = np.arange(-128, 128)[:, None], np.arange(-128, 128)[None]
    total = (180 + near[0]) * a + (75 + near[1]) * b + 77
    truth = np.clip(total >> 8, -128, 127)
    op = choose_add(truth, (S8, S8), (180 / 256, 75 / 256), -128, 127)
    assert op is not None
    assert (op.shift, op.exceptions) == (8, ())
    assert np.array_equal(op.evaluate(np, a, b), truth)


def test_an_operand_of_a_tiny_scale_has_no_negative_multiplier() -> None:
    """A fabric's multipliers are unsigned: a table of exceptions stands in for what a negative one would give."""
    a, b = np.arange(-16, 16)[:, None], np.arange(-2, 2)[None]
    truth = b + (a < -8)
    elements = ElementType(5, True), ElementType(2, True)
    op = choose_add(truth, elements, (1e-6, 1.0), -2, 2)
    assert op is not None
    assert op.multiplier_a >= 0 and op.multiplier_b > 0
    assert 0 < len(op.exceptions) <= 64
    assert np.array_equal(op.evaluate(np, a, b), truth)
    swapped = choose_add(truth.T, elements[::-1], (1.0, 1e-6), -2, 2)
    assert swapped is not None
    assert swapped.multiplier_a > 0 and swapped.multiplier_b >= 0


def test_without_nudges_the_float32_form_takes_their_place() -> None:
    scales = random_scales(20, -9, -8, seed=3)
    plain = choose(scales, -3, -128, 127, -60_000, 60_000)
    assert plain.nudges is not None
    form = choose(scales, -3, -128, 127, -60_000, 60_000, nudged=False)
    assert form.nudges is None
    assert isinstance(form.op, RequantiseFloat32)
    every = np.broadcast_to(np.arange(-60_000, 60_001, 7), (20, 17_143))
    rounding = layer(scales, -3, -128, 127, 60_000)
    constants = [values[:, None] for values in form.constants]
    assert np.array_equal(form.op.evaluate(np, every, *constants), rounding.evaluate(every))


def test_scales_far_apart_share_a_unit_where_rounded_multipliers_are_exact() -> None:
    # as trained networks have them: a tiny scale, a large bias, and two results in all
    scales = np.concatenate([random_scales(20, -9, -8, seed=3), np.float32([6.950277e-07, 1e-5])])
    low = np.array([-60_000] * 20 + [26_480_370, 800_000])
    high = np.array([60_000] * 20 + [26_636_685, 950_000])
    form = choose(scales, -128, -128, 127, low, high, nudged=False)
    assert isinstance(form.op, RequantiseFloat32)
    assert form.constants[0].max() < 1 << 32
    assert form.bias is not None
    for channel in range(22):
        every = np.arange(low[channel], high[channel] + 1)
        results = form.op.evaluate(
            np, every + form.bias[channel], np.array(form.constants[0][channel])
        )
        assert np.array_equal(results, requantise(every, scales[channel], -128, -128, 127))
    assert len(set(requantise(np.array([low[20], high[20]]), scales[20], -128, -128, 127))) == 2


def test_scales_too_far_apart_for_a_shared_unit_are_refused() -> None:
    scales = np.concatenate([random_scales(20, -9, -8, seed=3), np.float32([2.0**-22 * 1.37])])
    with pytest.raises(TypeMismatch, match="expected multipliers of at most 32 bits, found"):
        choose(scales, 0, -128, 127, -15_000_000, 15_000_000, nudged=False)

"""Cells of functions that change at few places: every integer is right, and what has no such form is counted."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.add import Formula, QuantisedAdd
from hlsgen.requantise.cells import COMBINE, Combination, PairForm, find_pair_form, find_steps


def test_steps_equal_a_function_at_and_beyond_its_points() -> None:
    random = np.random.default_rng(0)
    for spread in (3, 40, 5000):
        points = np.cumsum(random.integers(spread // 2, spread, 400)) - 9000
        results = random.integers(-3, 4, 400)
        steps = find_steps(points, results)
        assert steps is not None
        assert np.array_equal(steps.evaluate(np, points), results)
        ends = np.array([points[0] - 10**9, points[-1] + 10**9])
        assert np.array_equal(steps.evaluate(np, ends), results[[0, -1]])


def test_steps_of_a_constant_are_one_cell_and_of_noise_none() -> None:
    constant = find_steps(np.arange(5), np.full(5, 7))
    assert constant is not None and len(constant.cells) == 1
    assert np.array_equal(constant.evaluate(np, np.arange(-9, 9)), np.full(18, 7))
    assert find_steps(np.arange(9000), np.arange(9000) % 2) is None


SCALES = (
    (0.05, 0.0625, 0.1),
    (0.5, 0.625, 1.0),
    (0.1, 0.1, 0.1),
    (0.02, 0.04, 0.03),
    (0.001, 0.2, 0.1),
    (0.0371, 0.0522, 0.0417),
)


@pytest.mark.parametrize("formula", ["float", "chain"])
@pytest.mark.parametrize("elements", [(U8, U8), (S8, U8)])
def test_every_sum_of_two_operands_has_a_form(
    elements: tuple[ElementType, ElementType], formula: Formula
) -> None:
    for scales in SCALES:
        first, second, third = (float(np.float32(scale)) for scale in scales)
        op = QuantisedAdd(
            first, 3, second, 90, third, 7, 0, 255, elements[0], elements[1], U8, formula
        )
        a, b = (np.arange(e.minimum, e.maximum + 1) for e in elements)
        reals = (side.reshape(-1) for side in op.addends(a, b))
        form = find_pair_form(op.table(), *reals, "sum")
        assert isinstance(form, PairForm), f"{form} pairs have none at {scales}"
        total = np.add.outer(form.first, form.second)
        assert np.array_equal(form.steps.evaluate(np, total), op.table())


@pytest.mark.parametrize("combination", ["product", "minimum", "maximum"])
def test_form_of_a_pair_is_right_for_all_pairs(combination: Combination) -> None:
    a, b = np.linspace(-3, 5, 256) ** 3, np.linspace(-1, 1, 256)
    reals = COMBINE[combination](a[:, None], b[None, :])
    truth = np.clip(np.rint(40 * reals), -128, 127).astype(np.int64)
    form = find_pair_form(truth, a, b, combination)
    assert isinstance(form, PairForm)
    values = COMBINE[combination](form.first[:, None], form.second[None, :])
    assert np.array_equal(form.steps.evaluate(np, values), truth)


def test_pairs_without_a_form_are_counted() -> None:
    a = np.arange(256.0)
    truth = (np.add.outer(np.arange(256), 3 * np.arange(256)) % 7).astype(np.int64)
    count = find_pair_form(truth, a, a, "sum")
    assert isinstance(count, int) and 1000 < count < 65_536

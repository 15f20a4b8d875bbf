"""Scales without ties: no reachable sum is near a half, in exact arithmetic, and no order of float additions decides a result."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hlsgen.requantise.mean import Mean
from hlsgen.requantise.tie_free import Means

COUNTS = [(n,) for n in (2, 3, 4, 5, 6, 8, 9, 12, 16, 25, 49, 64, 120)] + [
    (2, 4),
    (4, 6, 9),
    (9, 10),
]
RATIOS = (1.0, 0.5, 0.77, 1.31, 4 / 3)
STEP = 0.0371


def distances(step: Fraction, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The result below each mean, and how far the mean is from the half above it: exact until the last division."""
    over, under = step.numerator, step.denominator
    assert int(np.abs(sums).max()) * over < 2**61 and under < 2**61
    below = sums * over // under
    return below, np.abs(2 * sums * over - (2 * below + 1) * under) / (2 * under)


@pytest.mark.parametrize("counts", COUNTS, ids=str)
@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("zero", [0, 121, 128, 255])
def test_every_reachable_sum_is_farther_from_halves_than_float32_errs(
    counts: tuple[int, ...], ratio: float, zero: int
) -> None:
    chosen = Means(STEP, counts, -zero, 255 - zero, 0, 255).tie_free(STEP * ratio, zero)
    assert chosen is not None and 0.999999 <= chosen[0] / (STEP * ratio) <= 1.125
    for count in counts:
        step = Fraction(float(np.float32(STEP))) / (count * Fraction(chosen[0]))
        sums = np.arange(-zero * count, (255 - zero) * count + 1)
        below, far = distances(step, sums)
        within = (below + chosen[1] >= 0) & (below + chosen[1] < 255)
        assert within.sum() > 100
        magnitude = np.abs(sums) if zero in (0, 255) else count * max(zero, 255 - zero)
        factors = (count + 4) * 2.0**-24
        noise = factors / (1 - factors) * float(step) * magnitude + 2.0**-16
        assert np.all((far > noise)[within])


@pytest.mark.parametrize("count", [4, 6, 16, 49])
@pytest.mark.parametrize("zero", [0, 128])
def test_no_order_of_additions_nor_place_of_the_zero_point_decides_a_result(
    count: int, zero: int
) -> None:
    random = np.random.default_rng(count)
    means = Means(STEP, (count,), -zero, 255 - zero, 0, 255)
    chosen = means.tie_free(STEP, zero)
    assert chosen is not None
    elements = random.integers(0, 256, (20000, count)) - zero
    reals = elements.astype(np.float32) * np.float32(STEP)
    scale, after = np.float32(chosen[0]), np.float32(chosen[1])
    results = []
    for order in [np.arange(count), *(random.permutation(count) for _ in range(5))]:
        total = np.zeros(len(reals), np.float32)
        for k in order:
            total = total + reals[:, k]
        pairs = reals[:, order]
        while pairs.shape[1] > 1:
            odd = pairs[:, -1:] if pairs.shape[1] % 2 else pairs[:, :0]
            pairs = np.concatenate([pairs[:, 0:-1:2] + pairs[:, 1::2], odd], axis=1)
        for sums in (total, pairs[:, 0]):
            reciprocal = np.float32(1) / np.float32(count)
            for mean in (sums / np.float32(count) / scale, sums * reciprocal * (1 / scale)):
                results += [np.round(mean) + after, np.round(mean + after)]
    own = Mean(STEP, count, chosen[0], chosen[1], False)
    results.append(own.results(np, elements.sum(axis=1).astype(np.float32)))
    bounded = np.clip(np.array(results), 0, 255)
    assert np.all(bounded == bounded[0])


@pytest.mark.parametrize("count", [2, 4, 6, 16])
def test_equal_scales_before_and_after_an_even_window_have_ties(count: int) -> None:
    means = Means(STEP, (count,), 0, 255, 0, 255)
    assert means.near_halves(STEP, 0) == 255
    assert Means(STEP, (count + 1,), 0, 255, 0, 255).near_halves(STEP, 0) == 0


def test_a_window_too_large_for_float32_has_no_scale_without_ties() -> None:
    assert Means(STEP, (4096,), 0, 255, 0, 255).tie_free(STEP, 0) is None


def test_large_windows_with_exact_additions_have_scales_without_ties() -> None:
    assert Means(2.0**-5, (1024,), 0, 255, 0, 255).tie_free(2.0**-5, 0) is not None

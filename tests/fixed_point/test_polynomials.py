"""Polynomials by segment: their error is what they say, on every integer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hlsgen.algebra.expression import evaluated
from hlsgen.algebra.types import ElementType
from hlsgen.fixed_point.format import Format
from hlsgen.fixed_point.functions import ACCEPTED, piecewise

S16 = ElementType(16, True)
FUNCTIONS: list[tuple[Callable[[np.ndarray], np.ndarray], float, float]] = [
    (np.tanh, -6, 6),
    (np.exp, -8, 0),
    (np.sin, -3, 3),
    (np.sqrt, 0.25, 1),
    (lambda x: np.where(x >= 0, x, 0.01 * x), -4, 4),
    (lambda x: 0 * x, -1, 1),
]


@pytest.mark.parametrize(("function", "low", "high"), FUNCTIONS)
def test_the_error_is_within_the_bound_on_every_integer(
    function: Callable[[np.ndarray], np.ndarray], low: float, high: float
) -> None:
    source = Format.holding(16, low, high)
    first, last = (int(v) for v in source.quantise([low, high]))
    points = np.arange(first, last + 1)
    truth = function(points * source.step)
    target = Format.holding(16, float(truth.min()), float(truth.max()))
    form = piecewise(function, source, first, last, target)
    assert form is not None
    results = evaluated(np, form.expression, {"r0": points}) * target.step
    largest = float(
        np.abs(results - np.clip(truth, -1e9, target.element.maximum * target.step)).max()
    )
    assert largest <= form.error + 1e-12
    assert form.error <= 2 * target.step


def test_arguments_beyond_the_range_are_clamped() -> None:
    source, target = Format(S16, 12), Format(S16, 14)
    form = piecewise(np.tanh, source, -4096, 4096, target)
    assert form is not None
    ends = evaluated(np, form.expression, {"r0": np.array([-32768, -4096, 4096, 32767])})
    assert ends[0] == ends[1] and ends[2] == ends[3]


def test_a_function_that_jumps_has_no_form() -> None:
    source, target = Format(S16, 8), Format(S16, 8)
    assert piecewise(lambda x: np.tan(x), source, -2000, 2000, target) is None
    assert ACCEPTED < 1e-3


def test_formats_hold_what_they_are_made_for() -> None:
    for largest in (1.0, 0.999999, 0.5, 3.7, 1e-6, 40000.0):
        for bits in (16, 24):
            format = Format.holding(bits, -largest / 3, largest)
            assert format.quantise(largest) <= format.element.maximum
            assert abs(format.quantise(largest) * format.step - largest) <= format.step
    assert Format.holding(16, 0.0, 0.0).fraction == 15

"""A choice is proved again before it is taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hlsgen.errors import TypeMismatch
from hlsgen.requantise import Rounding, choice, find_multiply_shift, requantise
from hlsgen.requantise.mean import Mean
from hlsgen.requantise.multiply_shift import MULTIPLIER_BITS, WIDE_MULTIPLIER_BITS, MultiplyShift


def test_parameters_that_are_not_exact_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(rounding: Rounding, nudges: int = 0, bits: int = 25) -> MultiplyShift | None:
        parameters = find_multiply_shift(rounding, nudges, bits)
        return parameters and replace(parameters, rounding=parameters.rounding + (1 << 12))

    monkeypatch.setattr(choice, "find_multiply_shift", wrong)
    scale = np.array([0.0123], np.float32)
    chosen = choice.choose(scale, 0, -128, 127, -9000, 9000)
    sums = np.arange(-9000, 9001)
    results = chosen.op.evaluate(np, sums, *chosen.constants)
    assert np.array_equal(results, requantise(sums, scale, 0, -128, 127))


FEW = [(number, MULTIPLIER_BITS) for number in range(4)]
MANY = [(number, WIDE_MULTIPLIER_BITS) for number in range(9)]


@pytest.mark.parametrize(
    ("mean", "tried"),
    [
        (None, FEW + MANY),
        (
            Mean(0.05, 12, 0.125, 3, True),
            FEW + MANY + [(n, WIDE_MULTIPLIER_BITS) for n in (16, 32)],
        ),
    ],
)
def test_forms_with_few_nudges_are_tried_before_those_with_many(
    mean: Mean | None, tried: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a scale without a float32 form, and of a mean that it does not give."""
    asked = []

    def none(rounding: Rounding, nudges: int = 0, bits: int = 25) -> None:
        asked.append((nudges, bits))

    monkeypatch.setattr(choice, "find_multiply_shift", none)
    scales = np.array([2.0**-29, 2.0**12] if mean is None else [float(mean.factor)], np.float32)
    most = np.full(scales.shape, 1530 if mean else 1 << 30)
    with pytest.raises(TypeMismatch):
        choice.choose_for(Rounding(scales, 3, -128, 127, -most, most, mean))
    assert asked == tried

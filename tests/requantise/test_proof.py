"""A choice is proved again before it is taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hlsgen.requantise import Rounding, choice, find_multiply_shift, requantise
from hlsgen.requantise.multiply_shift import MultiplyShift


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

"""Cells of functions that change ever more rarely: the function itself, in few cells, about its own origin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hlsgen.ops.float_tensors import SMALL_FLOATS
from hlsgen.ops.tensor_type import Element
from hlsgen.requantise.cells import find_changes, find_steps
from hlsgen.requantise.logarithmic_cells import find_logarithmic

REACH = 1 << 40
Function = Callable[[np.ndarray], np.ndarray]


def rounding(element: Element, scale: float, addend: float = 0.0, relu: bool = False) -> Function:
    """Numbers of a float format, in steps of its least, next to (x + addend) * scale."""
    form = SMALL_FLOATS[element]

    def function(x: np.ndarray) -> np.ndarray:
        reals = ((x + addend) * scale).astype(np.float32)
        reals = np.maximum(reals, 0) if relu else reals
        return (form.nearest(np, reals, "ROUND") / form.step).astype(np.int64)

    return function


FUNCTIONS = {
    "e4m3": rounding("f8e4m3fn", 3.1e-8),
    "e5m2": rounding("f8e5m2", 0.37e-4),
    "power_of_two": rounding("f8e4m3fn", 2.0**-30),
    "relu": rounding("f8e4m3fn", 3.1e-8, relu=True),
    "moved": rounding("f8e4m3fn", 3.1e-8, 7.7e9),
    "e2m1": rounding("f4e2m1", 1e-7),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_cells_are_the_function(name: str) -> None:
    function = FUNCTIONS[name]
    points = find_changes(function, -REACH, REACH)
    form = find_logarithmic(points, function(points))
    assert form is not None
    random = np.random.default_rng(2)
    sizes = np.exp2(random.uniform(0, 40, 20_000)).astype(np.int64)
    for x in (points, points + 1, points - 1, sizes, -sizes, sizes - 7_700_000_000):
        x = np.clip(x, -REACH, REACH)
        assert np.array_equal(form.evaluate(np, x), function(x))


def test_an_odd_function_has_the_cells_of_one_side() -> None:
    cells = {}
    for name in ("e4m3", "relu", "moved"):
        points = find_changes(FUNCTIONS[name], -REACH, REACH)
        form = find_logarithmic(points, FUNCTIONS[name](points))
        assert form is not None
        cells[name] = len(form.positive), len(form.negative)
        if name == "e4m3":
            assert find_steps(points, FUNCTIONS[name](points)) is None, "equal cells are too many"
    assert cells["e4m3"][1] == 0 and cells["e4m3"][0] <= 300
    assert cells["relu"][1] == 1 and cells["moved"][1] > 1


def test_a_function_of_one_change_or_of_changes_everywhere_has_no_such_cells() -> None:
    points = np.arange(10_000)
    assert find_logarithmic(points, np.minimum(points, 1)) is None
    assert find_logarithmic(points, points * 3) is None

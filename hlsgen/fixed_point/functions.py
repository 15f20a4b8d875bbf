"""Functions of one fixed-point number: polynomials by segment, whose error is checked over the whole range.

Segment k is the integers from origin + k * 2**shift on. On it, with u in [-1, 1) the place within, the function is about
c0 + c1 u + c2 u**2 + ...: the polynomial that is right at Chebyshev's nodes, evaluated by Horner's rule in integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.expression import Call, Expression, Literal, evaluated
from hlsgen.algebra.expression import Operand as Name
from hlsgen.algebra.scalar import Steps
from hlsgen.fixed_point import terms
from hlsgen.fixed_point.format import Format

Function = Callable[[np.ndarray], np.ndarray]
"""A function of reals, float64."""

SEGMENTS = (8, 16, 32, 64, 128, 256, 512)
GUARD_BITS = 5
"""Of coefficients, beyond the result's fraction."""
MOST_CHECKED = 1 << 16
"""Integers on which an error is measured one by one; of more, so many and both ends of every segment."""
FIRST_CHECKED = 1 << 12
"""Of those, on which a form is tried first."""
GOAL = 1.0
"""Steps of the result that an error may have for a form to be taken at once."""
ACCEPTED = 2.0**-11
"""The largest error of the best form, of the result's range."""
X = Name("r0")


@dataclass(frozen=True)
class Piecewise:
    """``expression`` of r0 is the function to ``error`` (a real, the largest found)."""

    expression: Expression
    error: float


def piecewise(
    function: Function, source: Format, low: int, high: int, target: Format
) -> Piecewise | None:
    """A form for integers of [low, high] of ``source`` (others are clamped to that range); None where no form reaches ``ACCEPTED``."""
    points = _points(low, high)
    with np.errstate(all="ignore"):
        truth = function(points * source.step)
    if not np.all(np.isfinite(truth)):
        return None
    bounded = np.clip(
        truth, target.element.minimum * target.step, target.element.maximum * target.step
    )
    spread = max(float(bounded.max() - bounded.min()), target.step)
    some = slice(None, None, max(1, len(points) // FIRST_CHECKED))
    best: Piecewise | None = None
    for expression in _forms(function, source, low, high, target):
        form = Piecewise(expression, _error(expression, points[some], bounded[some], target))
        if form.error <= GOAL * target.step:
            form = Piecewise(expression, _error(expression, points, bounded, target))
            if form.error <= GOAL * target.step:
                return form
        if best is None or form.error < best.error:
            best = form
    if best is None:
        return None
    whole = Piecewise(best.expression, _error(best.expression, points, bounded, target))
    return whole if whole.error <= ACCEPTED * spread else None


def _error(expression: Expression, points: np.ndarray, truth: np.ndarray, target: Format) -> float:
    """The largest difference at integers."""
    results = evaluated(np, expression, {"r0": points}) * target.step
    return float(np.abs(results - truth).max())


def _points(low: int, high: int) -> np.ndarray:
    if high - low < MOST_CHECKED:
        return np.arange(low, high + 1)
    even = np.linspace(low, high, MOST_CHECKED).astype(np.int64)
    borders = np.linspace(low, high, SEGMENTS[-1] + 1).astype(np.int64)
    return np.clip(np.concatenate([even, borders - 1, borders]), low, high)


def _forms(
    function: Function, source: Format, low: int, high: int, target: Format
) -> Iterator[Expression]:
    """Forms from the cheapest on."""
    degree = 2 if target.element.bits <= 16 else 3
    if high - low < SEGMENTS[-1]:
        yield _form(function, source, low, high, target, 0, 0)
        return
    shifts = {max(0, int(np.ceil(np.log2((high - low + 1) / count)))) for count in SEGMENTS}
    for shift in sorted(shifts, reverse=True):
        yield _form(function, source, low, high, target, shift, degree if shift > 0 else 0)


def _form(
    function: Function,
    source: Format,
    low: int,
    high: int,
    target: Format,
    shift: int,
    degree: int,
) -> Expression:
    origin = (low >> shift) << shift
    count = ((high - origin) >> shift) + 1
    starts = origin + (np.arange(count) << shift)
    half = (1 << shift) / 2
    nodes = np.cos((2 * np.arange(degree + 1) + 1) * np.pi / (2 * degree + 2))
    first = np.maximum(starts, low)[:, None]
    last = np.minimum(starts + (1 << shift) - 1, high)[:, None]
    places = first + (last - first) * (nodes + 1) / 2 if degree else first.astype(np.float64)
    with np.errstate(all="ignore"):
        values = function(places * source.step)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    own = (places - starts[:, None] - half) / half if degree else np.zeros_like(places)
    reals = _coefficients(own, values, degree)
    fraction = target.fraction + GUARD_BITS
    limit = 1 << (target.element.bits + GUARD_BITS + 1)
    integers = np.clip(np.rint(reals * 2.0**fraction), -limit, limit).astype(np.int64)
    x = terms.clamp(X, low, high)
    moved = terms.subtract(x, Literal(origin))
    cell = terms.floor_shift(terms.floor_shift(moved, shift), -shift)
    centred = terms.subtract(terms.subtract(moved, cell), Literal(int(half)))
    within = terms.clamp(centred, -int(half), int(half))  # no change: it says how narrow it is
    total = _table(x, origin, shift, integers[:, degree])
    for k in reversed(range(degree)):
        grown = terms.rounded_shift(terms.multiply(total, within), shift - 1)
        total = terms.add(grown, _table(x, origin, shift, integers[:, k]))
    return terms.brought(total, fraction, target)


def _coefficients(places: np.ndarray, values: np.ndarray, degree: int) -> np.ndarray:
    """Of the polynomials through ``values`` at ``places``, row by row; a part of a segment may be one integer, so the smallest of them."""
    powers = places[..., None] ** np.arange(degree + 1)
    inverse = np.linalg.pinv(powers)
    return np.einsum("sij,sj->si", inverse, values)


def _table(x: Expression, origin: int, shift: int, values: np.ndarray) -> Expression:
    """The value of the segment of x."""
    if np.all(values == values[0]):
        return Literal(int(values[0]))
    starts = origin + (np.arange(len(values)) << shift)
    cells = tuple((int(s), int(v), int(v)) for s, v in zip(starts, values, strict=True))
    return Call(Steps(origin, shift, cells), (x,))

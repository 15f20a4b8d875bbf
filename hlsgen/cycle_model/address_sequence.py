"""What depends on time alone: loop marks, and what every address generator gives, for all iterations of a run at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.fabric.configuration import Configuration, Generator
from hlsgen.fabric.configuration_words import COORDINATE_BITS

LIMIT = (1 << (COORDINATE_BITS - 1)) - 1
"""The limit of a coordinate that has none of its own beside one that has."""


@dataclass(frozen=True, eq=False)
class AddressSequence:
    """A generator in iterations 0 .. K - 1 (or, data driven, at steps 0 .. K - 1): arrays of K.

    ``valid``: it is in its run; ``last_from[level]``: loops from there on at their last trip.
    """

    address: np.ndarray
    parameter: np.ndarray
    inside: np.ndarray
    valid: np.ndarray
    first: np.ndarray
    last: np.ndarray
    last_from: tuple[np.ndarray, ...]


def address_sequence(generator: Generator, iterations: int) -> AddressSequence:
    """What a generator gives; addresses before they are taken modulo the bank's size."""
    extents = [loop.extent for loop in generator.loops]
    total = math.prod(extents) if extents else 0
    delay = 0 if generator.data_driven else generator.delay
    step = np.arange(iterations, dtype=np.int64) - delay
    valid = (step >= 0) & (step < total)
    at = np.clip(step, 0, max(0, total - 1))
    walk = np.full(iterations, generator.start, dtype=np.int64)
    row = np.full(iterations, generator.row, dtype=np.int64)
    column = np.full(iterations, generator.column, dtype=np.int64)
    parameter = np.full(iterations, generator.parameter, dtype=np.int64)
    inner = _inner_sizes(extents)
    for loop, size in zip(generator.loops, inner, strict=True):
        trip = at // size % loop.extent
        walk += trip * loop.stride
        row += trip * loop.row
        column += trip * loop.column
        parameter += trip * loop.row
    if generator.wrap_bits is not None:
        walk &= (1 << generator.wrap_bits) - 1
    inside = np.ones(iterations, dtype=bool)
    if generator.rows is not None or generator.columns is not None:
        rows = LIMIT if generator.rows is None else generator.rows
        columns = LIMIT if generator.columns is None else generator.columns
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    ends = tuple(
        valid & (at % (size * extent) == size * extent - 1)
        for size, extent in zip(inner, extents, strict=True)
    )
    nothing = np.zeros(iterations, dtype=bool)

    def first_from(level: int | None) -> np.ndarray:
        return nothing if level is None else valid & (at % math.prod(extents[level:]) == 0)

    def last_from(level: int | None) -> np.ndarray:
        return nothing if level is None else ends[level]

    return AddressSequence(
        address=generator.base + walk,
        parameter=parameter,
        inside=inside,
        valid=valid,
        first=first_from(generator.mark_first),
        last=last_from(generator.mark_last),
        last_from=ends,
    )


def line_values(configuration: Configuration, iterations: int, before: int) -> np.ndarray:
    """(4, before + iterations) bool: every line in iteration k at column before + k; false before iteration 0."""
    total = math.prod(configuration.loops)
    number = np.arange(iterations)
    inside = number < total
    lines = np.zeros((4, before + iterations), dtype=bool)
    lines[0, before:] = inside
    for line, mark in enumerate(configuration.lines, start=1):
        size = math.prod(configuration.loops[mark.level :])
        place = 0 if mark.edge == "first" else size - 1
        lines[line, before:] = inside & (number % size == place)
    return lines


def _inner_sizes(extents: Sequence[int]) -> list[int]:
    """For each level the product of the extents inside it."""
    return [math.prod(extents[level + 1 :]) for level in range(len(extents))]

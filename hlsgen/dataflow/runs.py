"""Processes over runs of neighbouring channels: what is reduced over each, and what then becomes of its elements (normalisations)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Expression
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue
from hlsgen.dataflow.ir import (
    Accumulate,
    Elementwise,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
    Read,
    ReducingStep,
    Write,
)
from hlsgen.dataflow.nest import nest
from hlsgen.dataflow.products import sum_type

_PIXEL = (Affine(0, (("y", 1),)), Affine(0, (("x", 1),)))


def run_maximum(builder: DataflowBuilder, name: str, source: str, length: int) -> str:
    """The greatest element of every run: a channel of (height, width, runs)."""
    element = builder.channels[source].element
    step = KeepMaximum(element.twos_complement, element.minimum)
    return _reduced(builder, name, source, length, step, element)


def run_sum(builder: DataflowBuilder, name: str, source: str, length: int) -> str:
    """The sum of every run."""
    element = builder.channels[source].element
    total = ElementType.holding(min(0, element.minimum * length), max(0, element.maximum * length))
    return _reduced(builder, name, source, length, Accumulate(total), total)


def run_squares(builder: DataflowBuilder, name: str, source: str, length: int, zero: int) -> str:
    """The sum of (x - zero)**2 over every run."""
    element = builder.channels[source].element
    total = sum_type(element, element, (zero, zero), length)
    step = MultiplyAccumulate(total, zeros=(zero, zero))
    return _reduced(builder, name, source, length, step, total)


def _reduced(
    builder: DataflowBuilder,
    name: str,
    source: str,
    length: int,
    step: ReducingStep,
    result: ElementType,
) -> str:
    height, width, channels = builder.channels[source].shape
    loops = nest((height, width), channels // length, 1, (1, 1), length)
    read = Read(source, (*_PIXEL, Affine(0, (("g", length), ("i", 1)))))
    reads = (read, read) if isinstance(step, MultiplyAccumulate) else (read,)
    return builder.reducing(name, loops, reads, step, Epilogue(result))


def run_pointwise(
    builder: DataflowBuilder,
    name: str,
    sources: Sequence[str],
    length: int,
    expression: Expression,
    element: ElementType,
    parameters: np.ndarray | None = None,
) -> str:
    """``expression`` of every element: r0, ... are the sources, of which some have one element for each run, then ``parameters``
    (number, runs, length)."""
    shape = max((builder.channels[source].shape for source in sources), key=lambda s: s[2])
    height, width, channels = shape
    whole = Affine(0, (("g", length), ("o", 1)))
    reads = tuple(
        Read(source, (*_PIXEL, whole if of_elements else Affine(0, (("g", 1),))))
        for source in sources
        for of_elements in (builder.channels[source].shape == shape,)
    )
    if parameters is not None:
        runs = height, width, channels // length
        reads += tuple(_parameter(builder, name, values, runs) for values in _alike(parameters))
    target = builder.channel(f"{name}_out", shape, element)
    loops = nest((height, width), channels // length, length, (1, 1), 1)
    return builder.process(
        Process(
            builder.unique(name),
            loops,
            reads,
            Write(target, (*_PIXEL, whole)),
            Pass(),
            Elementwise(expression),
        )
    )


def _alike(parameters: np.ndarray) -> np.ndarray:
    """Parameters (number, runs or 1, length or 1): an axis has one element where none of them differs along it."""
    if np.all(parameters == parameters[:, :1]):
        return parameters[:, :1]
    return parameters[:, :, :1] if np.all(parameters == parameters[:, :, :1]) else parameters


def _parameter(
    builder: DataflowBuilder, name: str, values: np.ndarray, runs: tuple[int, int, int]
) -> Read:
    """The read of a store with a value for every run and place in it, or for some of both."""
    rows, length = values.shape
    terms = [("o", 1)] if length > 1 else []
    if rows > 1:
        terms = [("y", runs[1] * runs[2] * length), ("x", runs[2] * length), ("g", length), *terms]
    store = builder.store(f"{name}_parameter", values.reshape(-1))
    return Read(store, (Affine(0, tuple(terms)),))

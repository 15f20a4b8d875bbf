"""What a step does: which reads it takes, what its accumulator can become, and which operand leaves it as it is."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, assert_never

import numpy as np

from hlsgen.algebra.scalar import Multiply
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.ir import (
    Accumulate,
    AccumulateTables,
    Dataflow,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
    ReducingStep,
    Step,
)

Combine = Callable[[Any, Any], Any]


def step_operands(step: Step) -> set[str]:
    """The reads that a step takes."""
    match step:
        case MultiplyAccumulate():
            return {"r0", "r1"}
        case Accumulate() | KeepMaximum():
            return {"r0"}
        case AccumulateTables():
            return {"r0", "r1", "r2"}
        case Pass():
            return set()
        case _:
            assert_never(step)


def combine(step: ReducingStep) -> Combine:
    """How the accumulator and a term come together; a term is r0, r0 * r1 of a multiply-accumulate, or what a table gives."""
    match step:
        case MultiplyAccumulate() | Accumulate() | AccumulateTables():
            return np.add
        case KeepMaximum():
            return np.maximum
        case _:
            assert_never(step)


def neutral(step: Step, element: ElementType) -> int | None:
    """The r0 of type ``element`` that never changes the accumulator; None where r0 is weighted (by 0) or not reduced."""
    match step:
        case Accumulate():
            return 0
        case KeepMaximum():
            return element.minimum
        case MultiplyAccumulate() | AccumulateTables() | Pass():
            return None
        case _:
            assert_never(step)


def accumulator_range(dataflow: Dataflow, process: Process, step: ReducingStep) -> tuple[int, int]:
    """The smallest and largest final value of the accumulator, for any values of the channels read.

    Intermediate sums may be larger: hardware adds modulo a power of two, so only the final value has to fit.
    """
    element = dataflow.element(process.reads[0].source)
    count = prod(loop.extent for loop in process.loops if loop.reduce)
    match step:
        case MultiplyAccumulate(init=init):
            weights = process.reads[1].source
            if weights in dataflow.stores:
                low, high = product_sum_ranges(dataflow.stores[weights].values, element)
                return init + int(low.min()), init + int(high.max())
            low_end, high_end = product_ends(*factor_types(dataflow, process, step))
            return init + count * low_end, init + count * high_end
        case Accumulate(init=init):
            return init + count * element.minimum, init + count * element.maximum
        case KeepMaximum(init=init):
            return max(init, element.minimum), max(init, element.maximum)
        case AccumulateTables(init=init):
            low, high = table_sum_ranges(dataflow.stores[process.reads[2].source].values)
            return init + int(low.min()), init + int(high.max())
        case _:
            assert_never(step)


def table_sum_ranges(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest sum of every output; ``tables`` (outputs, terms, entries). Reached where no element is part of two terms."""
    return tables.min(axis=2).sum(axis=1), tables.max(axis=2).sum(axis=1)


def factor_types(
    dataflow: Dataflow, process: Process, step: MultiplyAccumulate
) -> tuple[ElementType, ElementType]:
    """The types of the two factors: of r0 and r1 less their zeros."""
    elements = (dataflow.element(read.source) for read in process.reads[:2])
    first, second = (less(e, zero) for e, zero in zip(elements, step.zeros, strict=True))
    return first, second


def less(element: ElementType, zero: int) -> ElementType:
    """The narrowest type of an ``element`` less ``zero``; the type itself where that is 0."""
    if zero == 0:
        return element
    return ElementType.holding(element.minimum - zero, element.maximum - zero)


def product_ends(first: ElementType, second: ElementType) -> tuple[int, int]:
    """The least and the greatest product."""
    product = Multiply().result(first, second)
    return product.minimum, product.maximum


def product_sum_ranges(weights: np.ndarray, element: ElementType) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest sum of products of every output; ``weights`` (g, o, ky, kx, i), inputs of ``element``."""
    flat = weights.reshape(weights.shape[0] * weights.shape[1], -1).astype(np.int64)
    at_minimum, at_maximum = flat * element.minimum, flat * element.maximum
    low = np.minimum(at_minimum, at_maximum).sum(axis=1)
    high = np.maximum(at_minimum, at_maximum).sum(axis=1)
    return low, high


def product_sum_type(weights: np.ndarray, element: ElementType) -> ElementType:
    """The accumulator type that holds every sum of products, and zero."""
    low, high = product_sum_ranges(weights, element)
    return ElementType.holding(min(int(low.min()), 0), max(int(high.max()), 0))

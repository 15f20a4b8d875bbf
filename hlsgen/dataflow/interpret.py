"""The meaning of a Dataflow: every channel's values, for a batch of samples, in exact integers.

Loops are evaluated as array axes; only the reduce loops are walked one by one, so the text follows the definition in
``ir.py`` closely. A multiply-accumulate is a matrix product in float64, which is exact below 2**53.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from hlsgen.algebra.expression import Expression, evaluated, operand_names
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.finish import finish_expression
from hlsgen.dataflow.ir import (
    AccumulateTables,
    Dataflow,
    MultiplyAccumulate,
    Pass,
    Process,
    Read,
    ReducingStep,
)
from hlsgen.dataflow.step import combine
from hlsgen.errors import TypeMismatch

_CHUNK = 1 << 22  # elements of one gathered operand, which bounds the memory used


def interpret(dataflow: Dataflow, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values of all channels, by name, each (samples, height, width, channels) int64.

    ``inputs`` gives every input channel in that form. Raises TypeMismatch where an input's shape or range is wrong.
    """
    given = {name: _checked_input(dataflow, name, inputs) for name in dataflow.inputs}
    if dataflow.states:
        return _interpret_sequence(dataflow, given)
    return _interpret(dataflow, given)


def _interpret_sequence(
    dataflow: Dataflow, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """One sample after the other, since each takes what the one before it has left."""
    rows: dict[str, list[np.ndarray]] = {name: [] for name in dataflow.channels}
    kept = {
        state.read: np.full((1, *dataflow.channels[state.read].shape), state.initial, np.int64)
        for state in dataflow.states
    }
    for k in range(len(next(iter(inputs.values())))):
        sample = {name: array[k : k + 1] for name, array in inputs.items()}
        values = _interpret(dataflow, {**sample, **kept})
        kept = {state.read: values[state.written] for state in dataflow.states}
        for name, row in rows.items():
            row.append(values[name])
    return {name: np.concatenate(row) for name, row in rows.items()}


def _interpret(dataflow: Dataflow, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    values = dict(given)
    for process in dataflow.processes:
        values[process.write.channel] = interpret_process(dataflow, process, values)
    return values


def interpret_process(
    dataflow: Dataflow, process: Process, values: Mapping[str, np.ndarray]
) -> np.ndarray:
    """What one process writes, (samples, height, width, channels), given the values of the channels it reads."""
    sources = {
        read.source: values[read.source]
        if read.source in dataflow.channels
        else dataflow.stores[read.source].values.astype(np.int64)[None]
        for read in process.reads
    }
    samples = max((len(array) for array in sources.values()), default=1)
    target = dataflow.channels[process.write.channel]
    result = np.empty((samples, int(np.prod(target.shape))), dtype=np.int64)
    parallel = [loop.extent for loop in process.loops if not loop.reduce]
    row = int(np.prod(parallel[1:]))
    for samples_at, rows in _chunks(process, samples):
        part = {
            name: array if len(array) == 1 else array[samples_at] for name, array in sources.items()
        }
        finished = _evaluate_rows(process, part, rows)
        shape = (samples_at.stop - samples_at.start, rows.stop - rows.start, *parallel[1:])
        block = np.broadcast_to(finished, shape).reshape(shape[0], -1)
        result[samples_at, rows.start * row : rows.stop * row] = block
    _assert_fits(result, target.element, process.name)
    return result.reshape(samples, *target.shape)


def _checked_input(dataflow: Dataflow, name: str, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    channel = dataflow.channels[name]
    if name not in inputs:
        raise TypeMismatch(
            f"input {name}", f"expected samples, found inputs {sorted(inputs)}", "Name the input."
        )
    array = np.asarray(inputs[name])
    if array.shape[1:] != channel.shape or array.dtype.kind not in "iu":
        raise TypeMismatch(
            f"input {name}",
            f"expected integers (samples, {channel.shape}), found {array.dtype} {array.shape}",
            "Arrange the samples as (samples, height, width, channels).",
        )
    low, high = channel.element.minimum, channel.element.maximum
    if array.size and (array.min() < low or array.max() > high):
        raise TypeMismatch(
            f"input {name}",
            f"expected {low} to {high}, found {array.min()} to {array.max()}",
            "Quantise the samples first.",
        )
    return array.astype(np.int64)


def _chunks(process: Process, samples: int) -> Iterator[tuple[slice, slice]]:
    """Parts of (samples, outermost loop) small enough to gather; order does not matter."""
    extents = {loop.name: loop.extent for loop in process.loops}
    outer = process.loops[0]
    used = {name for read in process.reads for index in read.index for name, _ in index.terms}
    inner = int(np.prod([e for name, e in extents.items() if name != outer.name and name in used]))
    if isinstance(process.step, MultiplyAccumulate):
        operand = {name for index in process.reads[0].index for name, _ in index.terms}
        inner = int(np.prod([extents[n] for n in operand if n != outer.name]))
    per_sample = max(1, inner * outer.extent)
    step = max(1, _CHUNK // per_sample)
    rows = outer.extent if per_sample <= _CHUNK else max(1, _CHUNK // max(1, inner))
    for first in range(0, samples, step):
        for row in range(0, outer.extent, rows):
            yield (
                slice(first, min(first + step, samples)),
                slice(row, min(row + rows, outer.extent)),
            )


def _evaluate_rows(process: Process, sources: Mapping[str, np.ndarray], rows: slice) -> np.ndarray:
    """finish(...) at some values of the outermost loop; axes (sample, parallel loops...), broadcast where constant."""
    positions = _loop_axes(process, rows)
    operands: dict[str, np.ndarray] = {}
    expression = finish_expression(process)
    used = operand_names(expression)
    for k, read in enumerate(process.reads):
        if f"r{k}" in used:
            operands[f"r{k}"] = _gather(sources[read.source], read, positions)
    if not isinstance(process.step, Pass):
        accumulator = _reduce(process, process.step, sources, positions)
        _assert_fits(accumulator, process.step.accumulator, process.name)
        operands["acc"] = accumulator
    return np.asarray(evaluate_expression(expression, operands))


def _loop_axes(process: Process, rows: slice) -> dict[str, np.ndarray]:
    """For each parallel loop its values along an axis of its own; axis 0 is left for samples."""
    parallel = [loop for loop in process.loops if not loop.reduce]
    axes = {}
    for number, loop in enumerate(parallel):
        values = np.arange(loop.extent)
        if number == 0:
            values = values[rows]
        shape = [1] * (len(parallel) + 1)
        shape[number + 1] = len(values)
        axes[loop.name] = values.reshape(shape)
    return axes


def _reduce(
    process: Process,
    step: ReducingStep,
    sources: Mapping[str, np.ndarray],
    positions: Mapping[str, np.ndarray],
) -> np.ndarray:
    """The accumulator after all steps."""
    if isinstance(step, MultiplyAccumulate):
        return combine(step)(step.init, _product_sums(process, step, sources, positions))
    if isinstance(step, AccumulateTables):
        return combine(step)(step.init, _table_sums(process, step, sources))
    reduce = [loop for loop in process.loops if loop.reduce]
    read = process.reads[0]
    accumulator: np.ndarray = np.full([1] * (len(positions) + 1), step.init, dtype=np.int64)
    for point in product(*(range(loop.extent) for loop in reduce)):
        at = dict(zip((loop.name for loop in reduce), point, strict=True))
        term = _gather(sources[read.source], read, {**positions, **at})
        accumulator = combine(step)(accumulator, term)
    return accumulator


def _table_sums(
    process: Process, step: AccumulateTables, sources: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The sums of what the tables give, axes (sample, y, x, g, o) of extent 1 but for the first and the last."""
    vector, selection, tables = (sources[read.source] for read in process.reads[:3])
    vector, selection, tables = vector[:, 0, 0], selection[0], tables[0]
    outputs = len(tables)
    total = np.zeros((len(vector), outputs), np.int64)
    for term in range(tables.shape[1]):
        index = np.zeros((len(vector), outputs), np.int64)
        for number, place in enumerate(selection[:, term].T):
            code = (vector[:, place] + step.offset) & ((1 << step.bits) - 1)
            index |= code << (step.bits * number)
        total += tables[np.arange(outputs), term, index]
    return total.reshape(len(vector), 1, 1, 1, outputs)


def _product_sums(
    process: Process,
    step: MultiplyAccumulate,
    sources: Mapping[str, np.ndarray],
    positions: Mapping[str, np.ndarray],
) -> np.ndarray:
    """The sum of the products of both factors as a matrix product over (batch loops, rows of r0, columns of r1)."""
    reduce = [loop for loop in process.loops if loop.reduce]
    axes: dict[str, np.ndarray] = {}
    total = 1 + len(positions) + len(reduce)
    for name, array in positions.items():
        axes[name] = array.reshape(array.shape + (1,) * len(reduce))
    for number, loop in enumerate(reduce):
        shape = [1] * total
        shape[1 + len(positions) + number] = loop.extent
        axes[loop.name] = np.arange(loop.extent).reshape(shape)
    left, right = (
        _gather(sources[read.source], read, axes).astype(np.float64) - zero
        for read, zero in zip(process.reads[:2], step.zeros, strict=True)
    )
    full = np.broadcast_shapes(left.shape, right.shape, *(array.shape for array in axes.values()))
    reduced = tuple(range(1 + len(positions), total))
    left, right = (
        np.broadcast_to(a, [full[d] if d in reduced else a.shape[d] for d in range(total)])
        for a in (left, right)
    )
    both = [d for d in range(1 + len(positions)) if left.shape[d] == right.shape[d]]
    only_left = [d for d in range(1 + len(positions)) if d not in both and right.shape[d] == 1]
    only_right = [d for d in range(1 + len(positions)) if d not in both and left.shape[d] == 1]
    matrix_left = left.transpose(*both, *only_left, *only_right, *reduced).reshape(
        *(left.shape[d] for d in both), _size(left, only_left), -1
    )
    matrix_right = right.transpose(*both, *reduced, *only_left, *only_right).reshape(
        *(right.shape[d] for d in both), _size(right, reduced), -1
    )
    product_sums = matrix_left @ matrix_right
    assert product_sums.size == 0 or np.abs(product_sums).max() < 2.0**53
    order = [*both, *only_left, *only_right]
    shaped = product_sums.reshape([max(left.shape[d], right.shape[d]) for d in order])
    restored = shaped.transpose(np.argsort(order))
    return np.asarray(restored, dtype=np.int64)


def _size(array: np.ndarray, axes: list[int] | tuple[int, ...]) -> int:
    return int(np.prod([array.shape[d] for d in axes]))


def _gather(source: np.ndarray, read: Read, positions: Mapping[str, Any]) -> np.ndarray:
    """The read's values, axes as those of ``positions``; axis 0 is the sample (length 1 for a store)."""
    axes = max(array.ndim for array in positions.values() if isinstance(array, np.ndarray))
    sample = np.arange(source.shape[0]).reshape(-1, *(1,) * (axes - 1))
    indices = [np.asarray(index.at(positions)) for index in read.index]
    if read.outside is None:
        return np.asarray(source[(sample, *indices)])
    extents = source.shape[1:]
    inside = np.array(True)
    clipped = []
    for index, extent in zip(indices, extents, strict=True):
        inside = inside & (index >= 0) & (index < extent)
        clipped.append(np.clip(index, 0, extent - 1))
    return np.where(inside, source[(sample, *clipped)], read.outside)


def evaluate_expression(expression: Expression, operands: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of an expression whose operands ("acc", "r0", ...) have these values."""
    return np.asarray(evaluated(np, expression, operands), dtype=np.int64)


def _assert_fits(array: np.ndarray, element: ElementType, process: str) -> None:
    assert array.size == 0 or (element.minimum <= array.min() and array.max() <= element.maximum), (
        f"{process}: {array.min()} to {array.max()} does not fit {element}"
    )
    assert not element.bipolar or np.all(array), f"{process}: 0 is not {element}"

"""A process whose weights are wires: its constant matrix, what is added to each row, and the rounding behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from hlsgen.algebra.adder_graph import AdderGraph, Range
from hlsgen.algebra.lookup_table import LookupTable
from hlsgen.algebra.shift_rounding import ShiftRounding
from hlsgen.constant_products.digits import digit_count
from hlsgen.constant_products.solve import Rows, adder_graph, scaled_graph
from hlsgen.dataflow.finish import parameter_values
from hlsgen.dataflow.ir import (
    AccumulateTables,
    Clamped,
    Dataflow,
    Elementwise,
    LookedUp,
    MultiplyAccumulate,
    Parameter,
    Plain,
    Process,
    QuantisedSum,
    ScaledByFloat32,
    ScaledByShift,
    Signs,
    WeightedSum,
)
from hlsgen.ops.reason import Reason

_EXACT = 1 << 24
"""Integers below are float32 numbers."""


@dataclass(frozen=True)
class ConstantLayer:
    """rounding((matrix @ x) * factors + constants), row by row, where ``x`` is a word of the channel read, or with ``tables`` what
    they give of it."""

    matrix: Rows
    factors: tuple[int, ...]
    constants: tuple[int, ...]
    inputs: tuple[Range, ...]
    rounding: ShiftRounding
    tables: tuple[LookupTable, ...] = ()

    @property
    def digits(self) -> int:
        """Signed digits of the weights: what has to be added up, before anything is shared."""
        return digit_count(np.array(self.matrix, np.int64))

    @property
    def pairs(self) -> int:
        """Pairs of digits of the same output: what sharing looks at."""
        counts = [digit_count(row) for row in np.array(self.matrix, np.int64)]
        return sum(count * (count - 1) // 2 for count in counts)

    def graph(self) -> AdderGraph:
        """The adders that make the sums."""
        if all(factor & (factor - 1) == 0 for factor in self.factors):
            pairs = zip(self.matrix, self.factors, strict=True)
            rows = tuple(tuple(w * factor for w in row) for row, factor in pairs)
            return adder_graph(rows, self.constants, self.inputs)
        return scaled_graph(self.matrix, self.factors, self.constants, self.inputs)

    def rounds(self) -> bool:
        """Whether the rounding changes any sum."""
        graph = self.graph()
        for output in graph.outputs:
            if isinstance(output, int):
                low = high = output
            else:
                low, high = (end << output.shift for end in graph.ranges[output.node])
            if self.rounding.changes(low, high):
                return True
        return False


def constant_layer(dataflow: Dataflow, process: Process) -> ConstantLayer | Reason:
    """The layer of a process that reads whole vectors and multiplies them by weights of a store; else why it has none."""
    step = process.step
    if isinstance(step, AccumulateTables):
        return _of_tables(dataflow, process, step)
    if not isinstance(step, MultiplyAccumulate):
        return Reason("nothing is multiplied by weights")
    store = dataflow.stores.get(process.reads[1].source)
    if store is None:
        return Reason("its second factor is computed")
    if store.loadable:
        return Reason("its weights are loadable")
    channel = dataflow.channels[process.reads[0].source]
    outputs, inputs = process.extent("o"), process.extent("i")
    extents = {loop.name: loop.extent for loop in process.loops}
    if any(extents.get(name, 1) > 1 for name in ("y", "x", "g", "ky", "kx")):
        return Reason("it goes over positions or groups")
    if channel.shape != (1, 1, inputs):
        return Reason("it does not read a whole vector")
    finished = _finish(dataflow, process, step)
    if isinstance(finished, Reason):
        return finished
    factors, addends, rounding = finished
    weights = store.values.astype(np.int64).reshape(outputs, inputs)
    constants = np.broadcast_to(addends + step.init * factors, (outputs,))
    element = channel.element
    return _reduced(
        ConstantLayer(
            tuple(map(tuple, weights.tolist())),
            tuple(np.broadcast_to(factors, (outputs,)).tolist()),
            tuple(constants.tolist()),
            ((element.minimum, element.maximum),) * inputs,
            rounding,
        )
    )


def _of_tables(
    dataflow: Dataflow, process: Process, step: AccumulateTables
) -> ConstantLayer | Reason:
    """The layer of tables: each different one once, those that are constant among what is added."""
    match process.finish:
        case Plain(None):
            rounding = ShiftRounding.nothing(dataflow.channels[process.write.channel].element)
        case Clamped(op):
            rounding = ShiftRounding(0, 0, op.low, op.high)
        case _:
            return Reason("its finish is not of tables")
    selection, tables = (dataflow.stores[read.source].values for read in process.reads[1:3])
    outputs = len(tables)
    flips = sum(step.offset << (step.bits * number) for number in range(selection.shape[2]))
    values = tables[:, :, np.arange(tables.shape[2]) ^ flips]
    varies = np.ptp(values, axis=2) > 0
    constants = step.init + np.where(varies, 0, values[:, :, 0]).sum(axis=1)
    known: dict[LookupTable, int] = {}
    places = []
    for o, t in zip(*np.nonzero(varies), strict=True):
        table = LookupTable(
            tuple(selection[o, t].tolist()), step.bits, tuple(values[o, t].tolist())
        )
        places.append((int(o), known.setdefault(table, len(known))))
    if not known:
        return Reason("none of its tables depends on an input")
    matrix = np.zeros((outputs, len(known)), np.int64)
    for o, number in places:
        matrix[o, number] += 1
    return ConstantLayer(
        tuple(map(tuple, matrix.tolist())),
        (1,) * outputs,
        tuple(constants.tolist()),
        tuple(table.range for table in known),
        rounding,
        tuple(known),
    )


def _finish(
    dataflow: Dataflow, process: Process, step: MultiplyAccumulate
) -> tuple[np.ndarray, np.ndarray, ShiftRounding] | Reason:
    """(factors, addends, rounding) with which the finish is the rounding of the sum times a factor, and an addend."""

    def values(parameter: Parameter | None) -> np.ndarray:
        return parameter_values(dataflow, process, parameter)

    result = dataflow.channels[process.write.channel].element
    match process.finish:
        case Plain(bias):
            return np.ones(1, np.int64), values(bias), ShiftRounding.nothing(result)
        case Clamped(op):
            rounding = ShiftRounding(0, 0, op.low, op.high)
            return np.ones(1, np.int64), np.zeros(1, np.int64), rounding
        case ScaledByShift(op, multiplier, rounding_constant, bias, nudges):
            if nudges:
                return Reason("its requantiser raises single sums by 1")
            factors = values(multiplier)
            addends = values(bias) * factors + values(rounding_constant)
            return factors, addends, ShiftRounding(op.shift, 0, op.low, op.high)
        case Signs(bias):
            return np.ones(1, np.int64), values(bias), ShiftRounding.to_signs()
        case ScaledByFloat32(op, multiplier, bias, rounded):
            factors, addends = values(multiplier), values(bias)
            single = np.all(factors > 0) and np.all(factors & (factors - 1) == 0)
            reach = max(abs(step.accumulator.minimum), step.accumulator.maximum)
            if rounded is not None or not single or reach + np.abs(addends).max() >= _EXACT:
                return Reason("its requantiser rounds products of floats")
            scaled = ShiftRounding(op.q, op.zero_point, op.low, op.high, to_even=True)
            return factors, addends * factors, scaled
        case WeightedSum() | QuantisedSum() | LookedUp() | Elementwise():
            return Reason("its finish does not take a sum of products")
        case _:
            assert_never(process.finish)


def _reduced(layer: ConstantLayer) -> ConstantLayer:
    """The same without a power of two that divides all factors and constants."""
    both = np.bitwise_or.reduce(np.array([*layer.factors, *layer.constants], np.int64))
    rounding = layer.rounding
    least = int(rounding.to_even)
    zeros = int(both & -both).bit_length() - 1 if both else 0
    common = max(0, min(zeros, rounding.shift - least))
    return replace(
        layer,
        factors=tuple(f >> common for f in layer.factors),
        constants=tuple(c >> common for c in layer.constants),
        rounding=replace(rounding, shift=rounding.shift - common),
    )

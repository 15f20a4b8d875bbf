"""Neurons of few input bits as truth tables: a layer of constant weights in which every neuron has few of them that are not 0.

LogicNets trains such layers (Umuroglu et al., "LogicNets: co-designed neural networks and circuits for extreme-throughput applications", FPL 2020); here they
are seen in any network, by their weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.cost.constant import constant_cost
from hlsgen.cost.units import FAMILIES
from hlsgen.dataflow.constant_layer import ConstantLayer, constant_layer
from hlsgen.dataflow.ir import Dataflow, MultiplyAccumulate, Process
from hlsgen.dataflow.tables import table_process
from hlsgen.ops.lowering import SummedTables
from hlsgen.ops.reason import Reason

INDEX_BITS = 12
"""Bits of all inputs of a neuron that becomes a table, at most."""
MOST_ENTRIES = 1 << 20
"""Entries of the tables of one layer, at most."""


def with_truth_tables(dataflow: Dataflow, family: str) -> Dataflow:
    """The dataflow with those layers as tables that take fewer LUTs of the family so; names and results of processes stay."""
    stores, processes = dict(dataflow.stores), []
    for process in dataflow.processes:
        summed = _tables_of(dataflow, process)
        if summed is not None:
            changed = table_process(process, summed, stores)
            whole = replace(dataflow, stores=stores)
            if _luts(whole, changed, family) < _luts(dataflow, process, family):
                process = changed
        processes.append(process)
    if tuple(processes) == dataflow.processes:
        return dataflow
    read = {read.source for process in processes for read in process.reads}
    kept = {name: store for name, store in stores.items() if name in read}
    return replace(dataflow, stores=kept, processes=tuple(processes))


def _luts(dataflow: Dataflow, process: Process, family: str) -> float:
    layer = constant_layer(dataflow, process)
    assert isinstance(layer, ConstantLayer), f"{process.name} was a constant layer"
    element = dataflow.channels[process.write.channel].element
    cost = constant_cost(FAMILIES[family], layer, element, 1)
    return float(cost.lut)


def _tables_of(dataflow: Dataflow, process: Process) -> SummedTables | None:
    """The tables of a layer, one for each neuron; None where it is another kind of process, or a neuron has too many input bits."""
    if not isinstance(process.step, MultiplyAccumulate):
        return None
    layer = constant_layer(dataflow, process)
    if isinstance(layer, Reason):
        return None
    source = dataflow.element(process.reads[0].source)
    matrix = np.array(layer.matrix, np.int64)
    fan_in = max(1, int(np.count_nonzero(matrix, axis=1).max()))
    index_bits = fan_in * source.bits
    result = dataflow.channels[process.write.channel].element
    if (
        source.bipolar
        or result.bipolar
        or index_bits > INDEX_BITS
        or len(matrix) << index_bits > MOST_ENTRIES
    ):
        return None
    # places of weights that are not 0, filled up with others, of which the tables do not depend
    places = np.argsort(matrix == 0, axis=1, kind="stable")[:, :fan_in]
    weights = np.take_along_axis(matrix, places, axis=1)
    index = np.arange(1 << index_bits)
    codes = np.stack(
        [(index >> (source.bits * k)) & ((1 << source.bits) - 1) for k in range(fan_in)]
    )
    sums = weights @ source.decode(codes)
    totals = sums * np.array(layer.factors)[:, None] + np.array(layer.constants)[:, None]
    tables = layer.rounding.evaluate(np, totals)
    ends = int(tables.min()), int(tables.max())
    return SummedTables(places[:, None], tables[:, None], source.bits, 0, *ends)

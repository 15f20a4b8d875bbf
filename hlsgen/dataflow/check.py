"""Legality of a Dataflow. Every rule names itself in the error that it raises."""

from __future__ import annotations

import re

import numpy as np

from hlsgen.algebra.affine import Affine, box
from hlsgen.algebra.expression import Operand, expression_type, operand_names
from hlsgen.dataflow.bipolar import writes_signs
from hlsgen.dataflow.finish import finish_expression, parameters
from hlsgen.dataflow.ir import Dataflow, MultiplyAccumulate, Pass, Process, Read, ReadFinish
from hlsgen.dataflow.step import accumulator_range, step_operands
from hlsgen.errors import IllegalGraph, TypeMismatch

LOOP_ORDER = ("y", "x", "g", "o", "ky", "kx", "i")


def check(dataflow: Dataflow) -> None:
    """Raise IllegalGraph or TypeMismatch unless the dataflow keeps every rule of ``ir.py``.

    Names are identifiers and unique; every channel has one producer, which comes before its consumers; loops are in
    canonical order; indices stay in range (or ``outside`` is given); a write covers its channel exactly, in row-major
    order; types are wide enough.
    """
    _check_names(dataflow)
    for store in dataflow.stores.values():
        values = store.values
        outside = values.min() < store.element.minimum or values.max() > store.element.maximum
        if outside or (store.element.bipolar and not np.all(values)):
            raise TypeMismatch(
                f"store {store.name}",
                f"expected values of {store.element}, found {values.min()} to {values.max()}",
                "Widen the store's type.",
            )
    written = {*dataflow.inputs, *(state.read for state in dataflow.states)}
    for process in dataflow.processes:
        for read in process.reads:
            if read.source not in dataflow.stores and read.source not in written:
                raise _illegal(process, f"a source that is written before; found {read.source}")
        _check_loops(process)
        for number, read in enumerate(process.reads):
            _check_read(dataflow, process, number, read)
        _check_write(dataflow, process)
        _check_types(dataflow, process)
        if process.write.channel in written:
            raise _illegal(
                process, f"one producer for each channel; found two of {process.write.channel}"
            )
        written.add(process.write.channel)
    for name in (*dataflow.channels, *dataflow.outputs):
        if name not in written:
            raise IllegalGraph(
                f"channel {name}", "expected a producer, found none", "Add a process or an input."
            )
    _check_states(dataflow)


def _check_states(dataflow: Dataflow) -> None:
    for state in dataflow.states:
        written, read = dataflow.channels[state.written], dataflow.channels[state.read]
        if (written.shape, written.element) != (read.shape, read.element):
            raise TypeMismatch(
                f"state {state.read}",
                f"expected {read.element}{list(read.shape)}, found {written.element}{list(written.shape)}",
                "Write what is read.",
            )
        if dataflow.producer(state.written) is None or dataflow.producer(state.read) is not None:
            raise IllegalGraph(
                f"state {state.read}",
                f"expected a process that writes {state.written} and none that writes {state.read}, found another",
                "Copy an input before it is kept.",
            )


def _illegal(process: Process, expected: str) -> IllegalGraph:
    return IllegalGraph(
        f"process {process.name}", f"expected {expected}", "Correct the dataflow's text or builder."
    )


def _check_names(dataflow: Dataflow) -> None:
    names = [*dataflow.channels, *dataflow.stores, *(p.name for p in dataflow.processes)]
    for name in (dataflow.name, *names):
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise IllegalGraph(
                f"name {name!r}", "expected an identifier", "Use letters, digits and underscores."
            )
    if len(set(names)) != len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise IllegalGraph(f"name {double}", "expected one use, found more", "Rename one of them.")


def _check_loops(process: Process) -> None:
    names = [loop.name for loop in process.loops]
    if names != [name for name in LOOP_ORDER if name in names]:
        raise _illegal(process, f"loops in the order {' '.join(LOOP_ORDER)}; found {names}")
    for loop in process.loops:
        if loop.extent < 1 or loop.reduce != (loop.name in ("ky", "kx", "i")):
            raise _illegal(
                process, f"extents above 0 and only ky kx i as reduce loops; found {loop}"
            )


def _check_affine(process: Process, index: Affine, allowed: set[str]) -> None:
    names = [name for name, _ in index.terms]
    if len(set(names)) != len(names) or not set(names) <= allowed:
        raise _illegal(process, f"terms over distinct loops of {sorted(allowed)}; found {names}")
    if any(coefficient == 0 for _, coefficient in index.terms):
        raise _illegal(process, "no term with coefficient 0")


def _check_read(dataflow: Dataflow, process: Process, number: int, read: Read) -> None:
    where = f"read {number} of {read.source}"
    stored = read.source in dataflow.stores
    shape = (
        dataflow.stores[read.source].values.shape
        if stored
        else dataflow.channels[read.source].shape
    )
    if len(shape) != len(read.index):
        raise _illegal(process, f"{len(shape)} indices in {where}; found {len(read.index)}")
    trips = box(process.loops)
    for axis, (index, extent) in enumerate(zip(read.index, shape, strict=True)):
        _check_affine(process, index, {loop.name for loop in process.loops})
        low, high = index.range(trips)
        if read.outside is None and (low < 0 or high >= extent):
            raise _illegal(
                process,
                f"index {axis} of {where} in 0 to {extent - 1}; found {low} to {high}",
            )
    if read.outside is not None:
        element = dataflow.element(read.source)
        if stored or not element.minimum <= read.outside <= element.maximum:
            raise _illegal(
                process, f"an outside value of {element} in {where}; found {read.outside}"
            )


def _check_write(dataflow: Dataflow, process: Process) -> None:
    channel = dataflow.channels.get(process.write.channel)
    if channel is None or len(process.write.index) != 3:
        raise _illegal(process, f"a write of a channel; found {process.write.channel}")
    parallel = [loop for loop in process.loops if not loop.reduce]
    trips = box(process.loops)
    height_width_channels = channel.shape
    pitch = (height_width_channels[1] * height_width_channels[2], height_width_channels[2], 1)
    for index, extent in zip(process.write.index, channel.shape, strict=True):
        _check_affine(process, index, {loop.name for loop in parallel})
        if index.range(trips)[0] < 0 or index.range(trips)[1] >= extent:
            raise _illegal(process, f"a write inside {channel.name}; found an index outside")
    inner = 1
    for loop in reversed(parallel):
        step = sum(
            p * index.coefficient(loop.name)
            for p, index in zip(pitch, process.write.index, strict=True)
        )
        if loop.extent > 1 and step != inner:
            raise _illegal(
                process,
                f"a row-major write (step {inner} for loop {loop.name}); found step {step}",
            )
        inner *= loop.extent
    if inner != int(np.prod(channel.shape)):
        raise _illegal(
            process,
            f"{int(np.prod(channel.shape))} elements for {channel.name}; found {inner}",
        )


def _check_types(dataflow: Dataflow, process: Process) -> None:
    operands = {f"r{k}": dataflow.element(read.source) for k, read in enumerate(process.reads)}
    _check_operands(process, step_operands(process.step), set(operands))
    if isinstance(process.step, MultiplyAccumulate):
        _check_factors(dataflow, process, process.step)
    if not isinstance(process.step, Pass):
        low, high = accumulator_range(dataflow, process, process.step)
        accumulator = process.step.accumulator
        if low < accumulator.minimum or high > accumulator.maximum:
            raise _illegal(
                process, f"an accumulator that holds {low} to {high}; found {accumulator}"
            )
        operands["acc"] = accumulator
        if isinstance(process.finish, ReadFinish):
            raise _illegal(process, f"a finish of acc; found {type(process.finish).__name__}")
    expression = finish_expression(process)
    _check_operands(process, operand_names(expression), set(operands))
    _check_finish_reads(dataflow, process)
    result = expression_type(expression, operands)
    element = dataflow.channels[process.write.channel].element
    if element.bipolar:
        narrow = {name for name, channel in dataflow.channels.items() if channel.element.bipolar}
        fits = writes_signs(dataflow, process, narrow)
    else:
        # the types of results know no symmetric ranges
        whole = element.at_ports
        fits = whole.minimum <= result.minimum and result.maximum <= whole.maximum
    if not fits:
        raise _illegal(process, f"a result that fits {element}; found {result}")


def _check_factors(dataflow: Dataflow, process: Process, step: MultiplyAccumulate) -> None:
    """A store holds weights less their zero point."""
    if any(step.zeros) and process.reads[1].source in dataflow.stores:
        raise _illegal(process, f"zeros of channels only; found {step.zeros} beside a store")


def _check_finish_reads(dataflow: Dataflow, process: Process) -> None:
    reduce = {loop.name for loop in process.loops if loop.reduce and loop.extent > 1}
    for name in operand_names(finish_expression(process)) - {"acc"}:
        for index in process.reads[int(name[1:])].index:
            if any(loop in reduce for loop, _ in index.terms):
                raise _illegal(process, f"a finish that reads by parallel loops only; found {name}")
    for parameter in parameters(process):
        if isinstance(parameter, Operand):
            read = process.reads[int(parameter.name[1:])]
            if read.source not in dataflow.stores or read.index != (process.write.index[2],):
                raise _illegal(
                    process,
                    f"parameters from stores by output channel; found {read.source} as {parameter.name}",
                )


def _check_operands(process: Process, used: set[str], known: set[str]) -> None:
    if not used <= known:
        raise _illegal(process, f"operands of {sorted(known)}; found {sorted(used - known)}")

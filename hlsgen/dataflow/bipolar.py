"""Where one bit is enough: values that are -1 or 1 only, and sums of which only the sign is asked."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from hlsgen.algebra.expression import Call, Literal, Operand
from hlsgen.algebra.scalar import Add, Multiply, Steps
from hlsgen.algebra.types import BIPOLAR, ElementType
from hlsgen.dataflow.finish import parameter_values
from hlsgen.dataflow.ir import (
    Clamped,
    Dataflow,
    Elementwise,
    KeepMaximum,
    LookedUp,
    MultiplyAccumulate,
    Pass,
    Plain,
    Process,
    QuantisedSum,
    Read,
    ScaledByFloat32,
    ScaledByShift,
    Signs,
    Store,
    WeightedSum,
)
from hlsgen.dataflow.step import accumulator_range


def with_bipolar(dataflow: Dataflow) -> Dataflow:
    """The same values: sums of which only the sign is read end in ``Signs``, and what holds -1 and 1 only is of one bit.

    A channel stays in two bits where anything reads 0 outside of it, or takes a zero point from it.
    """
    dataflow = _with_signs(dataflow)
    narrow: set[str] = {
        name for name in dataflow.inputs if dataflow.channels[name].element == BIPOLAR
    }
    for process in dataflow.processes:
        if writes_signs(dataflow, process, narrow):
            narrow.add(process.write.channel)
    narrow -= set(dataflow.sinks)
    narrow -= {
        read.source
        for process in dataflow.processes
        for number, read in enumerate(process.reads)
        if read.outside not in (None, -1) or _zero(process, number)
    }
    return replace(
        dataflow,
        channels={
            name: replace(
                channel,
                element=BIPOLAR if name in narrow else channel.element.twos_complement,
            )
            for name, channel in dataflow.channels.items()
        },
        stores={
            name: replace(store, element=BIPOLAR) if _is_weight(dataflow, store) else store
            for name, store in dataflow.stores.items()
        },
    )


def without_bipolar(dataflow: Dataflow) -> Dataflow:
    """The same values, in two bits each."""
    channels = {
        name: replace(channel, element=channel.element.twos_complement)
        for name, channel in dataflow.channels.items()
    }
    return replace(dataflow, channels=channels)


def _zero(process: Process, number: int) -> int:
    """The zero point that the step takes from a read."""
    step = process.step
    return step.zeros[number] if isinstance(step, MultiplyAccumulate) and number < 2 else 0


def _is_weight(dataflow: Dataflow, store: Store) -> bool:
    """Whether a store has factors of a sum, all of them -1 or 1."""
    reads = [
        (process, number)
        for process in dataflow.processes
        for number, read in enumerate(process.reads)
        if read.source == store.name
    ]
    weighs = all(
        number == 1 and isinstance(process.step, MultiplyAccumulate) and not any(process.step.zeros)
        for process, number in reads
    )
    return weighs and bool(np.all(np.abs(store.values) == 1))


def writes_signs(dataflow: Dataflow, process: Process, narrow: Container[str]) -> bool:
    """Whether a process writes -1 and 1 only, where the channels ``narrow`` hold nothing else."""
    finish = process.finish
    match finish:
        case Signs():
            return True
        case LookedUp(op):
            element = dataflow.element(process.reads[0].source)
            entries = np.arange(element.minimum, element.maximum + 1) & 255
            return bool(np.all(np.abs(np.array(op.values)[entries]) == 1))
        case Elementwise(Call(Steps(cells=cells))):
            return all(abs(value) == 1 for cell in cells for value in cell[1:])
        case Plain(None):
            read = process.reads[0]
            outside = read.outside in (None, -1, 1)
            passes = isinstance(process.step, Pass | KeepMaximum)
            return passes and read.source in narrow and outside
        case Plain() | Clamped() | ScaledByShift() | ScaledByFloat32():
            return False
        case WeightedSum() | QuantisedSum() | Elementwise():
            return False
        case _:
            assert_never(finish)


@dataclass(frozen=True)
class _Threshold:
    """1 where factors * x + addends is ``least`` or more, else -1; turned round where ``falls``."""

    factors: np.ndarray
    addends: np.ndarray
    least: int
    falls: bool

    def of_sums(self, bias: np.ndarray, reach: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """(signs, offsets) by channel: the same, of x = sum + bias, is 1 where sign * sum + offset >= 0. ``reach``: of the sums."""
        low, high = reach
        factors, needed = (
            _by_channel(values, len(bias)) for values in (self.factors, self.least - self.addends)
        )
        signs, offsets = np.ones(len(bias), np.int64), np.empty(len(bias), np.int64)
        for k, (factor, need, own) in enumerate(zip(factors, needed, bias, strict=True)):
            if factor == 0:
                offsets[k] = -low if (need <= 0) != self.falls else -high - 1
                continue
            if factor > 0:  # from a least sum on
                signs[k], offsets[k] = 1, need // -factor + own
            else:  # up to a greatest sum
                signs[k], offsets[k] = -1, need // factor - own
            if self.falls:
                signs[k], offsets[k] = -signs[k], -offsets[k] - 1
        span = max(abs(low), abs(high)) + 1
        return signs, np.clip(offsets, -span, span)


def _with_signs(dataflow: Dataflow) -> Dataflow:
    """1. MultiplyAccumulate, Plain(bias) -> c -> Elementwise(Steps of one cell, -1 and 1) becomes MultiplyAccumulate, Signs(bias').

    Weights and bias of a channel change sign where the function falls.
    """
    for process in dataflow.processes:
        producer = dataflow.producer(process.reads[0].source)
        if producer is None or not _ends_in_sums(dataflow, producer):
            continue
        threshold = _threshold(dataflow, process)
        if threshold is not None:
            dataflow = _joined(dataflow, producer, process, threshold)
    return dataflow


def _ends_in_sums(dataflow: Dataflow, process: Process) -> bool:
    """Whether the sums of a process with constant weights go to one reader, and to no output."""
    written = process.write.channel
    alone = len(dataflow.consumers(written)) == 1 and written not in dataflow.sinks
    step = process.step
    weighted = isinstance(step, MultiplyAccumulate) and not any((*step.zeros, step.init))
    if not (alone and weighted and isinstance(process.finish, Plain)):
        return False
    weights = process.reads[1].source
    return weights in dataflow.stores and len(dataflow.consumers(weights)) == 1


def _threshold(dataflow: Dataflow, process: Process) -> _Threshold | None:
    """What a process that reads sums makes of them, where that is a sign."""
    match process.finish:
        case Elementwise(Call(Steps(cells=((least, below, above),)), (whole,))):
            if {below, above} != {-1, 1}:
                return None
        case _:
            return None
    one, nothing = np.ones(1, np.int64), np.zeros(1, np.int64)
    match whole:
        case Operand("r0"):
            return _Threshold(one, nothing, least, above < below)
        case Call(Multiply() | Add() as op, (Operand("r0"), given)):
            values = _given(dataflow, process, given)
            if values is None:
                return None
            factors, addends = (values, nothing) if isinstance(op, Multiply) else (one, values)
            return _Threshold(factors, addends, least, above < below)
        case _:
            return None


def _given(dataflow: Dataflow, process: Process, operand: object) -> np.ndarray | None:
    """The values by channel of a constant operand; None of any other."""
    if isinstance(operand, Literal):
        return np.array([operand.value], np.int64)
    if not isinstance(operand, Operand):
        return None
    read = process.reads[int(operand.name[1:])]
    if read.source not in dataflow.stores or read.index != (process.write.index[2],):
        return None
    return dataflow.stores[read.source].values.astype(np.int64)


def _joined(
    dataflow: Dataflow, producer: Process, process: Process, threshold: _Threshold
) -> Dataflow:
    """The producer ends in signs, and the process that made them is gone; the same dataflow where weights have no room for another sign."""
    step, finish = producer.step, producer.finish
    assert isinstance(step, MultiplyAccumulate) and isinstance(finish, Plain)
    shape = producer.extent("g"), producer.extent("o")
    weights = dataflow.stores[producer.reads[1].source]
    bias = parameter_values(dataflow, producer, finish.bias)
    reach = accumulator_range(dataflow, producer, step)
    signs, offsets = threshold.of_sums(_by_channel(bias, shape[0] * shape[1]), reach)
    values = weights.values * signs.reshape(*shape, 1, 1, 1)
    if values.min() < weights.element.minimum or values.max() > weights.element.maximum:
        return dataflow
    store = Store(
        _free(dataflow, f"{producer.name}_threshold"),
        offsets,
        ElementType.holding(min(0, int(offsets.min())), max(0, int(offsets.max()))),
    )
    return _replaced(dataflow, producer, process, replace(weights, values=values), store)


def _by_channel(values: np.ndarray, count: int) -> np.ndarray:
    return np.broadcast_to(values.reshape(-1), (count,))


def _free(dataflow: Dataflow, name: str) -> str:
    """The name, with a number where it is taken."""
    taken = {*dataflow.channels, *dataflow.stores, *(p.name for p in dataflow.processes)}
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(n for n in numbered if n not in taken)


def _replaced(
    dataflow: Dataflow, producer: Process, process: Process, weights: Store, bias: Store
) -> Dataflow:
    """The dataflow whose producer writes the signs into the channel of the process, with what nothing reads any more left out."""
    step = producer.step
    assert isinstance(step, MultiplyAccumulate)
    reads = (*producer.reads[:2], Read(bias.name, (producer.write.index[2],)))
    channel = process.write.channel
    changed = replace(dataflow, stores={**dataflow.stores, weights.name: weights})
    low, high = accumulator_range(changed, producer, step)
    joined = replace(
        producer,
        reads=reads,
        write=replace(producer.write, channel=channel),
        step=replace(step, accumulator=ElementType.holding(min(0, low), max(0, high))),
        finish=Signs(Operand("r2")),
    )
    processes = tuple(
        joined if p is producer else p for p in dataflow.processes if p is not process
    )
    used = {read.source for p in processes for read in p.reads}
    stores: Mapping[str, Store] = {**changed.stores, bias.name: bias}
    return replace(
        dataflow,
        processes=processes,
        channels={
            name: value
            for name, value in dataflow.channels.items()
            if name != producer.write.channel
        },
        stores={name: value for name, value in stores.items() if name in used},
    )

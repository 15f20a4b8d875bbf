"""From a process and its plan to the parameters of its StreamProcess."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.finish import finish_expression
from hlsgen.dataflow.ir import AccumulateTables, Dataflow, MultiplyAccumulate, Pass, Process
from hlsgen.dataflow.step import factor_types, neutral
from hlsgen.rtl_templates.contract import CREDIT_LATENCY, credit_depth
from hlsgen.rtl_templates.stream.adder_layer import AdderLayerParameters
from hlsgen.rtl_templates.stream.finish import FinishParameters, ParameterMemory
from hlsgen.rtl_templates.stream.pe_array import PeArrayParameters
from hlsgen.rtl_templates.stream.process import StreamProcessParameters
from hlsgen.rtl_templates.stream.shape import CounterShape, WeightShape
from hlsgen.schedule.stream_network.constant import layer_of
from hlsgen.schedule.stream_network.geometry import (
    REDUCE_LEVEL,
    buffer_shape,
    counter_shape,
    factor,
    nest_shape,
    parameter_images,
    result_words,
    trips,
    weight_image,
)
from hlsgen.schedule.stream_network.ir import ArrayPlan, StreamSchedule
from hlsgen.schedule.stream_network.latency import array_step, result_credits


def write_lanes(schedule: StreamSchedule, channel: str) -> int:
    """Channels per word of a channel's stream, as its producer or the design's input writes it."""
    if (producer := schedule.dataflow.maker(channel)) is not None:
        return schedule.arrays[producer.name].finish_lanes
    return schedule.input_lanes[channel]


def process_parameters(schedule: StreamSchedule, process: Process) -> StreamProcessParameters:
    """Everything that the circuit of one process is made of; the schedule is legal (``stream_network.check``)."""
    dataflow, plan = schedule.dataflow, schedule.arrays[process.name]
    operands = tuple(
        (f"r{k}", read.source)
        for k, read in enumerate(process.reads)
        if read.source in dataflow.channels
    )
    buffers = tuple(
        buffer_shape(
            process,
            plan,
            schedule.buffer(process.name, int(name[1:])),
            dataflow.channels[source],
            write_lanes(schedule, source),
        )
        for name, source in operands
    )
    array = _array(dataflow, process, plan, operands)
    groups, last_channels = turns(process, plan)
    spare = neutral(process.step, dataflow.element(process.reads[0].source))
    return StreamProcessParameters(
        nest=nest_shape(process, plan.unroll),
        buffers=buffers,
        array=array,
        weights=None if array.weight is None else _weights(dataflow, process, plan),
        zeros=process.step.zeros if isinstance(process.step, MultiplyAccumulate) else (0, 0),
        groups=groups,
        last_channels=last_channels,
        finish=_finish(dataflow, process, plan, array),
        pixel_words=sum(map(sum, result_words(process, plan))),
        row_pixels=process.extent("x"),
        ragged=() if spare is None else _ragged(process, plan.unroll),
        neutral=spare or 0,
        result_credits=result_credits(dataflow, process, plan),
    )


def layer_parameters(schedule: StreamSchedule, process: Process) -> AdderLayerParameters:
    """Everything that the circuit of a constant layer is made of."""
    dataflow, layer = schedule.dataflow, layer_of(schedule.dataflow, process)
    return AdderLayerParameters(
        layer.graph(),
        layer.rounding if layer.rounds() else None,
        dataflow.channels[process.reads[0].source].element,
        dataflow.channels[process.write.channel].element,
        schedule.arrays[process.name].adders_in_a_row,
        layer.tables,
        process.extent("i"),
    )


def _array(
    dataflow: Dataflow, process: Process, plan: ArrayPlan, operands: tuple[tuple[str, str], ...]
) -> PeArrayParameters:
    step, unroll = process.step, plan.unroll
    assert plan.multiplier != "constant", "a constant layer has no array"
    assert not isinstance(step, AccumulateTables), "tables have no array"
    passed = tuple((name, dataflow.channels[c].element) for name, c in operands)
    weight = None
    if isinstance(step, MultiplyAccumulate):
        first, weight = factor_types(dataflow, process, step)
        passed = (("r0", first),)
    return PeArrayParameters(
        operands=passed,
        step=array_step(step),
        weight=weight,
        accumulator=None if isinstance(step, Pass) else step.accumulator,
        unroll=unroll,
        init=0 if isinstance(step, Pass) else step.init,
        accumulate=any(count > 1 for count in trips(process, unroll)[REDUCE_LEVEL:]),
        multiplier=plan.multiplier,
        terms=math.prod(loop.extent for loop in process.loops if loop.reduce),
    )


def turns(process: Process, plan: ArrayPlan) -> tuple[int, int]:
    """(results per turn, valid channels of the last): the ragged end of o, or of g where o is not split."""
    unroll, counts = plan.unroll, trips(process, plan.unroll)
    groups, per_group = process.extent("g"), process.extent("o")
    if counts[3] > 1:
        return counts[3], per_group - (counts[3] - 1) * unroll.o
    return counts[2], (groups - (counts[2] - 1) * unroll.g) * per_group


def _ragged(process: Process, unroll: Unroll) -> tuple[tuple[int, int], ...]:
    return tuple(
        (level, process.extent(name) % factor(unroll, name))
        for level, name in ((REDUCE_LEVEL, "ky"), (REDUCE_LEVEL + 1, "kx"))
        if process.extent(name) % factor(unroll, name)
    )


def pack(values: np.ndarray, element: ElementType) -> tuple[int, ...]:
    """Rows of a matrix of integers as words, element 0 in the lowest bits, without gaps."""
    if element.bits == 8 * element.bytes:
        return tuple(int.from_bytes(row.tobytes(), "little") for row in element.to_bytes(values))
    return tuple(
        sum(element.encode(int(value)) << (element.bits * lane) for lane, value in enumerate(row))
        for row in values
    )


def _weights(dataflow: Dataflow, process: Process, plan: ArrayPlan) -> WeightShape | None:
    """The memory of weights; None where the second factor comes from a channel."""
    read = process.reads[1]
    store = dataflow.stores.get(read.source)
    if store is None:
        return None
    image = weight_image(read, store, process, plan.unroll)
    words = pack(image.reshape(len(image), -1), store.element)
    coefficients, stride = {}, 1
    names = ("g", "o", "ky", "kx", "i")
    for name, count in reversed(list(zip(names, trips(process, plan.unroll)[2:], strict=True))):
        coefficients[name], stride = stride, stride * count
    address: CounterShape = counter_shape(coefficients, 0, process, plan.unroll, 0)
    return WeightShape(
        store.element.bits * image.shape[1] * image.shape[2], words, address, store.loadable
    )


def _finish(
    dataflow: Dataflow, process: Process, plan: ArrayPlan, array: PeArrayParameters
) -> FinishParameters:
    repeat, images = parameter_images(dataflow, process, plan)
    memories = tuple(
        (
            name,
            ParameterMemory(
                (store := dataflow.stores[process.reads[int(name[1:])].source]).element,
                tuple(image.ravel().tolist()),
                store.loadable,
            ),
        )
        for name, image in images.items()
    )
    parameters = FinishParameters(
        expression=finish_expression(process),
        operands=tuple(array.result.items()),
        memories=memories,
        element=dataflow.channels[process.write.channel].element,
        lanes=plan.finish_lanes,
        interval=plan.finish_interval,
        repeat=repeat,
        multiplier=plan.finish_multiplier,
    )
    # A queue that keeps pace with the array: a full group gives `words` words in `steps` cycles or more.
    steps = math.prod(trips(process, plan.unroll)[REDUCE_LEVEL:])
    words = plan.unroll.x * math.ceil(plan.unroll.g * plan.unroll.o / plan.finish_lanes)
    pace = max(plan.finish_interval, steps // words)
    depth = credit_depth(parameters.pipeline.latency, pace, CREDIT_LATENCY)
    return replace(parameters, depth=depth)

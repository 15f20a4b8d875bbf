"""Dataflows whose weights, biases and requantisers can be exchanged while the circuit is there.

A layer is *loadable* where its weights, and what its finish takes, are in memories of types that depend on the architecture and a margin, no
longer on the values: whatever the network is trained to becomes contents of the same memories.

1. weights have 8 bits, or what they need if that is more; accumulators hold every sum of such weights;
2. a requantiser is the float32-exact form, clamp(RNE(f32((acc + bias) * S)) + zero, low, high), with S = multiplier / 2**fraction, where
   bias, multiplier and zero are parameters by channel. ``fraction`` and the width of the multipliers leave room for scales up to 8 times
   as large and 16 times as small as those of the model that was compiled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from hlsgen.algebra.expression import Operand
from hlsgen.algebra.scalar import Clamp, RequantiseFloat32
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.finish import parameter_values
from hlsgen.dataflow.ir import (
    Channel,
    Dataflow,
    MultiplyAccumulate,
    Plain,
    Process,
    Read,
    ScaledByFloat32,
    Store,
)
from hlsgen.dataflow.step import product_ends
from hlsgen.errors import TypeMismatch

WEIGHT_BITS = 8
SMALLER_BITS, LARGER_BITS = 4, 3
"""Room for other scales, in powers of 2."""
PRODUCT_BITS = 62
"""Of a sum with its bias and a multiplier: what the float32-exact form takes."""


@dataclass(frozen=True)
class LayerTypes:
    """What holds the constants of a loadable layer; ``multiplier`` and ``fraction`` are None of sums that leave as they are."""

    weights: ElementType
    accumulator: ElementType
    bias: ElementType
    multiplier: ElementType | None
    fraction: int | None


def has_weights(dataflow: Dataflow, process: Process) -> bool:
    """Whether a process multiplies by stored weights."""
    weighted = isinstance(process.step, MultiplyAccumulate)
    return weighted and process.reads[1].source in dataflow.stores


def layer_types(dataflow: Dataflow) -> dict[str, LayerTypes]:
    """The types of every layer with stored weights, from the constants that it has. Raises TypeMismatch for a layer that cannot be loadable."""
    layers = (process for process in dataflow.processes if has_weights(dataflow, process))
    return {process.name: _types(dataflow, process) for process in layers}


def loadable(dataflow: Dataflow, layers: Mapping[str, LayerTypes]) -> Dataflow:
    """The dataflow with the layers named in ``layers`` loadable, in these types. Raises TypeMismatch where a constant does not fit its type."""
    stores, channels = dict(dataflow.stores), dict(dataflow.channels)
    processes = []
    for process in dataflow.processes:
        if process.name in layers and has_weights(dataflow, process):
            process = _loadable(dataflow, process, layers[process.name], stores, channels)
        processes.append(process)
    read = {read.source for process in processes for read in process.reads}
    kept = {name: store for name, store in stores.items() if name in read}
    return replace(dataflow, stores=kept, channels=channels, processes=tuple(processes))


def _types(dataflow: Dataflow, process: Process) -> LayerTypes:
    values = dataflow.stores[process.reads[1].source].values
    half = 1 << (WEIGHT_BITS - 1)
    weights = ElementType.holding(min(-half, int(values.min())), max(half - 1, int(values.max())))
    low, high = product_ends(dataflow.element(process.reads[0].source), weights)
    count = prod(loop.extent for loop in process.loops if loop.reduce)
    accumulator = ElementType.holding(min(count * low, 0), max(count * high, 0))
    finish = process.finish
    if isinstance(finish, Plain) and process.write.channel in dataflow.outputs:
        return LayerTypes(
            weights, accumulator, _bias_type(dataflow, process, accumulator), None, None
        )
    if not isinstance(finish, ScaledByFloat32) or finish.rounding is not None:
        raise TypeMismatch(
            f"layer {process.name}",
            f"expected a requantiser of one float32 scale for each channel, found {type(finish).__name__}",
            "Leave --weights loadable out, or quantise the model with whole biases and an output scale for each layer.",
        )
    bias = _bias_type(dataflow, process, accumulator)
    largest = int(parameter_values(dataflow, process, finish.multiplier).max()) << SMALLER_BITS
    total = max(accumulator.bits, bias.bits) + 1
    bits = min(max(largest.bit_length(), 24) + LARGER_BITS, PRODUCT_BITS - total)
    if bits < largest.bit_length():
        raise TypeMismatch(
            f"layer {process.name}",
            f"expected sums and multipliers of at most {PRODUCT_BITS} bits together, found {total} + {largest.bit_length()}",
            "Leave --weights loadable out, or split the layer.",
        )
    return LayerTypes(
        weights, accumulator, bias, ElementType(bits, False), finish.op.q + SMALLER_BITS
    )


def _bias_type(dataflow: Dataflow, process: Process, accumulator: ElementType) -> ElementType:
    """Twice as wide as the sums, so that it holds them times a zero point and a bias of the model's own."""
    assert isinstance(process.finish, Plain | ScaledByFloat32)
    values = parameter_values(dataflow, process, process.finish.bias)
    own = ElementType.holding(min(int(values.min()), -1), max(int(values.max()), 0))
    return ElementType(max(own.bits, accumulator.bits) + 1, True)


def _loadable(
    dataflow: Dataflow,
    process: Process,
    types: LayerTypes,
    stores: dict[str, Store],
    channels: dict[str, Channel],
) -> Process:
    count = process.extent("g") * process.extent("o")
    reads = list(process.reads[:2])

    def store(name: str, values: np.ndarray, element: ElementType) -> str:
        low, high = int(values.min()), int(values.max())
        if low < element.minimum or high > element.maximum:
            raise TypeMismatch(
                f"layer {process.name}",
                f"expected {name} of {element.minimum} to {element.maximum} ({element}), found {low} to {high}",
                "Compile a design of this model instead: hlsgen compile --weights loadable.",
            )
        unique = f"{process.name}_loaded_{name}"
        stores[unique] = Store(unique, values, element, loadable=True)
        return unique

    def parameter(name: str, values: np.ndarray, element: ElementType) -> Operand:
        spread = np.ascontiguousarray(np.broadcast_to(values.astype(np.int64), (count,)))
        reads.append(Read(store(name, spread, element), (process.write.index[2],)))
        return Operand(f"r{len(reads) - 1}")

    weights = dataflow.stores[process.reads[1].source].values
    reads[1] = replace(reads[1], source=store("weights", weights, types.weights))
    step, finish = process.step, process.finish
    assert isinstance(step, MultiplyAccumulate)
    step = replace(step, accumulator=types.accumulator)
    if isinstance(finish, Plain) and types.fraction is None:
        bias = parameter("bias", parameter_values(dataflow, process, finish.bias), types.bias)
        written = channels[process.write.channel]
        sums = ElementType.holding(
            types.accumulator.minimum + types.bias.minimum,
            types.accumulator.maximum + types.bias.maximum,
        )
        channels[written.name] = replace(written, element=sums)
        return replace(process, reads=tuple(reads), step=step, finish=Plain(bias))
    if not isinstance(finish, ScaledByFloat32) or types.fraction is None or finish.rounding:
        raise TypeMismatch(
            f"layer {process.name}",
            f"expected the same kind of finish as of the model that was compiled, found {type(finish).__name__}",
            "Compile a design of this model instead: hlsgen compile --weights loadable.",
        )
    assert types.multiplier is not None
    op, element = finish.op, channels[process.write.channel].element
    bias = parameter("bias", parameter_values(dataflow, process, finish.bias), types.bias)
    multipliers = _moved(dataflow, process, finish, types.fraction)
    multiplier = parameter("multiplier", multipliers, types.multiplier)
    zero = parameter("zero", np.array([op.zero_point]), element)
    # Wider than the result by any zero point: what is saturated here is so after it is added.
    wide = RequantiseFloat32(types.fraction, 0, op.low - element.maximum, op.high - element.minimum)
    loaded = ScaledByFloat32(wide, multiplier, bias, None, zero, Clamp(op.low, op.high))
    return replace(process, reads=tuple(reads), step=step, finish=loaded)


def _moved(
    dataflow: Dataflow, process: Process, finish: ScaledByFloat32, fraction: int
) -> np.ndarray:
    """The multipliers in steps of 2**-fraction; raises TypeMismatch for one that lies between two of them."""
    values = parameter_values(dataflow, process, finish.multiplier)
    if fraction >= finish.op.q:
        return np.asarray(values << (fraction - finish.op.q))
    dropped = finish.op.q - fraction
    if np.any(values & ((1 << dropped) - 1)):
        raise TypeMismatch(
            f"layer {process.name}",
            f"expected scales that are whole numbers of 2**-{fraction}, found one that needs 2**-{finish.op.q}",
            "Its scales are much smaller than those that the design was compiled for: compile a design of this model.",
        )
    return np.asarray(values >> dropped)

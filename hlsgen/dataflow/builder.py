"""DataflowBuilder: makes processes in the canonical loop form ``y x g o | ky kx i`` and names everything uniquely."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.scalar import (
    Clamp,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    RoundSignificand,
    ScalarOp,
    Table,
)
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.ir import (
    Accumulate,
    Channel,
    Clamped,
    Dataflow,
    Elementwise,
    Finish,
    KeepMaximum,
    LookedUp,
    Loop,
    MultiplyAccumulate,
    Parameter,
    Pass,
    Plain,
    Process,
    QuantisedSum,
    Read,
    ScaledByFloat32,
    ScaledByShift,
    StateChannel,
    Step,
    Store,
    WeightedSum,
    Write,
)
from hlsgen.dataflow.nest import POSITION, channel_index, nest, repeated_index
from hlsgen.dataflow.step import product_sum_type
from hlsgen.requantise.add import RoundedAdd


@dataclass(frozen=True)
class PlanarWindow:
    """A sliding window over (height, width): output y reads rows ``y*stride[0] - before[0] + ky*dilation[0]``."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class Epilogue:
    """How an accumulator becomes a result: ``op(acc + bias, *constants)``, or ``acc + bias`` without op.

    ``bias`` and each of ``constants`` hold one integer per output channel (or one for all); ``element`` is the type of
    the channel that is written. Where the accumulator (without bias) is one of ``nudges``
    (channels, number), it is raised by 1. ``acc + bias`` goes through ``rounding`` first, if there is one.
    """

    element: ElementType
    op: RequantiseMultiplyShift | RequantiseFloat32 | None = None
    constants: tuple[np.ndarray, ...] = ()
    bias: np.ndarray | None = None
    nudges: np.ndarray | None = None
    rounding: RoundSignificand | None = None


class DataflowBuilder:
    """Collects channels, stores and processes; ``build`` returns the Dataflow.

    Methods that make a process return the name of the channel that it writes. A name that is taken or is not an identifier
    is changed to a free identifier; the same calls always give the same names.
    """

    def __init__(self, name: str) -> None:
        self.name = _identifier(name)
        self.channels: dict[str, Channel] = {}
        self._stores: dict[str, Store] = {}
        self._processes: list[Process] = []
        self._inputs: list[str] = []
        self._outputs: list[str] = []
        self._kept: list[str] = []
        self._states: list[StateChannel] = []
        self._names: set[str] = set()

    def build(self) -> Dataflow:
        """The dataflow of everything added so far."""
        return Dataflow(
            self.name,
            dict(self.channels),
            dict(self._stores),
            tuple(self._processes),
            tuple(self._inputs),
            tuple(self._outputs),
            tuple(self._states),
        )

    def input(self, name: str, shape: tuple[int, int, int], element: ElementType) -> str:
        """A channel (height, width, channels) that the outside writes."""
        channel = self.channel(name, shape, element)
        self._inputs.append(channel)
        return channel

    def kept(self, name: str, shape: tuple[int, int, int], element: ElementType) -> str:
        """A channel that a ``state`` fills from the sample before."""
        channel = self.channel(name, shape, element)
        self._kept.append(channel)
        return channel

    def state(self, written: str, read: str, initial: int) -> None:
        """Let ``read`` hold in each sample what ``written`` held in the one before, at first ``initial``."""
        self._states.append(StateChannel(written, read, initial))

    def output(self, channel: str) -> None:
        """Let the outside read the channel."""
        self._outputs.append(channel)

    def channel(self, name: str, shape: tuple[int, int, int], element: ElementType) -> str:
        """A new channel; returns its name."""
        unique = self.unique(name)
        self.channels[unique] = Channel(unique, shape, element)
        return unique

    def store(self, name: str, values: np.ndarray) -> str:
        """A constant tensor of the narrowest type that holds its values; returns its name."""
        array = np.array(values, dtype=np.int64)
        array.setflags(write=False)
        unique = self.unique(name)
        element = ElementType.holding(int(array.min()), int(array.max()))
        self._stores[unique] = Store(unique, array, element)
        return unique

    def process(self, process: Process) -> str:
        """Add a process of any form whose channels and stores exist; returns the channel that it writes."""
        self._processes.append(process)
        return process.write.channel

    def multiply_accumulate(
        self,
        name: str,
        source: str,
        weights: np.ndarray,
        window: PlanarWindow,
        size: tuple[int, int],
        epilogue: Epilogue,
        outside: int | None = None,
    ) -> str:
        """Convolution, and Gemm as the convolution whose window is the whole source.

        ``weights`` (g, o, ky, kx, i); the source has g*i channels, the result ``size`` + (g*o,). Positions outside the
        source read ``outside`` (None: the window never leaves the source).
        """
        groups, per_group, _, _, inner = weights.shape
        loops = nest(size, groups, per_group, window.kernel, inner)
        read = Read(source, _window_index(window, inner), outside)
        taps = Read(
            self.store(f"{name}_weights", weights),
            tuple(Affine(0, ((loop, 1),)) for loop in ("g", "o", "ky", "kx", "i")),
        )
        accumulator = product_sum_type(weights, self.channels[source].element)
        return self.reducing(name, loops, (read, taps), MultiplyAccumulate(accumulator), epilogue)

    def window_sum(
        self,
        name: str,
        source: str,
        window: PlanarWindow,
        size: tuple[int, int],
        epilogue: Epilogue,
        outside: int | None = None,
    ) -> str:
        """The sum over a window, channel by channel; a global sum is the window that is the whole source."""
        channel = self.channels[source]
        count = window.kernel[0] * window.kernel[1]
        accumulator = ElementType.holding(
            min(0, channel.element.minimum * count), max(0, channel.element.maximum * count)
        )
        loops = nest(size, channel.shape[2], 1, window.kernel, 1)
        read = Read(source, _window_index(window, 1), outside)
        return self.reducing(name, loops, (read,), Accumulate(accumulator), epilogue)

    def window_maximum(
        self,
        name: str,
        source: str,
        window: PlanarWindow,
        size: tuple[int, int],
        epilogue: Epilogue,
    ) -> str:
        """The largest value of a window, channel by channel; positions outside read the type's minimum."""
        channel = self.channels[source]
        loops = nest(size, channel.shape[2], 1, window.kernel, 1)
        low = channel.element.minimum
        read = Read(source, _window_index(window, 1), low)
        step = KeepMaximum(channel.element.twos_complement, low)
        return self.reducing(name, loops, (read,), step, epilogue)

    def elementwise(
        self, name: str, sources: Sequence[str], op: ScalarOp, element: ElementType
    ) -> str:
        """``op(sources...)`` at every position of channels of one shape."""
        match op:
            case Clamp():
                finish: Finish = Clamped(op)
            case Table():
                finish = LookedUp(op)
            case QuantisedAdd():
                finish = QuantisedSum(op)
            case _:
                operands = tuple(Operand(f"r{k}") for k in range(len(sources)))
                finish = Elementwise(Call(op, operands))
        return self._pointwise(name, tuple(sources), (), finish, element)

    def rounded_add(
        self, name: str, sources: tuple[str, str], add: RoundedAdd, element: ElementType
    ) -> str:
        """The weighted sum of two channels, rounded to even."""
        finish = WeightedSum(add.op, (add.multiplier_a, add.multiplier_b), add.offset)
        return self._pointwise(name, sources, (), finish, element)

    def pointwise(
        self,
        name: str,
        sources: Sequence[str],
        parameters: Sequence[np.ndarray],
        expression: Expression,
        element: ElementType,
    ) -> str:
        """``expression`` at every position: r0, ... are the sources, then constants by channel, or by place (height, width, channels);
        what has extent 1 where a source has more is read again and again."""
        shapes = [self.channels[source].shape for source in sources]
        whole = max(s[0] for s in shapes), max(s[1] for s in shapes), max(s[2] for s in shapes)
        reads: list[Read] = []
        for values in parameters:
            own = values if values.ndim == 3 else np.broadcast_to(values, whole[2:])
            index = repeated_index(own.shape, whole) if values.ndim == 3 else (channel_index(1),)
            reads.append(Read(self.store(f"{name}_parameter", own), index))
        return self._pointwise(name, tuple(sources), tuple(reads), Elementwise(expression), element)

    def elementwise_by_channel(self, name: str, source: str, epilogue: Epilogue) -> str:
        """``epilogue.op(source + bias, constants of the channel...)`` at every position."""
        count = self.channels[source].shape[2]
        reads, finish = self._finish(name, epilogue, 1, channel_index(1), count)
        return self._pointwise(name, (source,), reads, finish, epilogue.element)

    def copy(self) -> DataflowBuilder:
        """A builder with everything added so far, to which other things may be added."""
        (other := DataflowBuilder(self.name)).take(self)
        return other

    def take(self, other: DataflowBuilder) -> None:
        """Become what a ``copy`` has become."""
        for field, value in vars(other).items():
            setattr(self, field, copy(value))

    def _pointwise(
        self,
        name: str,
        sources: tuple[str, ...],
        reads: tuple[Read, ...],
        finish: Finish,
        element: ElementType,
    ) -> str:
        shapes = [self.channels[source].shape for source in sources]
        height, width, channels = (max(extents) for extents in zip(*shapes, strict=True))
        shape = height, width, channels
        process = self.unique(name)
        target = self.channel(f"{name}_out", shape, element)
        return self.process(
            Process(
                process,
                nest(shape[:2], shape[2], 1, (1, 1), 1),
                (
                    *(
                        Read(s, repeated_index(own, shape))
                        for s, own in zip(sources, shapes, strict=True)
                    ),
                    *reads,
                ),
                Write(target, (*POSITION, channel_index(1))),
                Pass(),
                finish,
            )
        )

    def reducing(
        self,
        name: str,
        loops: tuple[Loop, ...],
        reads: tuple[Read, ...],
        step: Step,
        epilogue: Epilogue,
    ) -> str:
        """The process of a step, whose result is in the order of its parallel loops."""
        extents = {loop.name: loop.extent for loop in loops}
        count, channel = extents["g"] * extents["o"], channel_index(extents["o"])
        process = self.unique(name)
        constants, finish = self._finish(name, epilogue, len(reads), channel, count)
        target = self.channel(f"{name}_out", (extents["y"], extents["x"], count), epilogue.element)
        return self.process(
            Process(
                process,
                loops,
                (*reads, *constants),
                Write(target, (*POSITION, channel)),
                step,
                finish,
            )
        )

    def _finish(
        self, name: str, epilogue: Epilogue, first: int, channel: Affine, count: int
    ) -> tuple[tuple[Read, ...], Finish]:
        """The reads (numbered from ``first``) and the finish of an epilogue over ``count`` channels."""
        reads: list[Read] = []

        def parameter(label: str, values: np.ndarray) -> Parameter:
            flat = np.broadcast_to(np.asarray(values, dtype=np.int64).reshape(-1), (count,))
            if np.all(flat == flat[0]):
                return int(flat[0])
            reads.append(Read(self.store(f"{name}_{label}", flat), (channel,)))
            return Operand(f"r{first + len(reads) - 1}")

        offset, nudged = epilogue.bias, epilogue.nudges
        bias = parameter("bias", offset) if offset is not None and np.any(offset) else None
        nudges = () if nudged is None else tuple(parameter("nudge", v) for v in nudged.T)
        match epilogue.op:
            case None:
                finish: Finish = Plain(bias)
            case RequantiseMultiplyShift() as op:
                scale, added = epilogue.constants
                multiplier, rounding = parameter("multiplier", scale), parameter("rounding", added)
                finish = ScaledByShift(op, multiplier, rounding, bias, nudges)
            case RequantiseFloat32() as op:
                (scale,) = epilogue.constants
                finish = ScaledByFloat32(
                    op, parameter("multiplier", scale), bias, epilogue.rounding
                )
            case _:
                assert_never(epilogue.op)
        assert not nudges or isinstance(finish, ScaledByShift), "only a shift is nudged"
        return tuple(reads), finish

    def is_port(self, channel: str) -> bool:
        """Whether the channel is an input or an output already, or comes from the sample before."""
        return channel in (*self._inputs, *self._outputs, *self._kept)

    def unique(self, name: str) -> str:
        """A free identifier made from ``name``; it is taken from now on."""
        stem = _identifier(name)
        candidate, number = stem, 1
        while candidate in self._names:
            number += 1
            candidate = f"{stem}_{number}"
        self._names.add(candidate)
        return candidate


def _window_index(window: PlanarWindow, inner: int) -> tuple[Affine, ...]:
    rows = Affine(-window.before[0], (("y", window.stride[0]), ("ky", window.dilation[0])))
    columns = Affine(-window.before[1], (("x", window.stride[1]), ("kx", window.dilation[1])))
    return (rows, columns, Affine(0, (("g", inner), ("i", 1))))


def _identifier(name: str) -> str:
    """``name`` with everything but letters, digits and underscores replaced; never empty, never begins with a digit."""
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "unnamed"
    return f"_{text}" if text[0].isdigit() else text

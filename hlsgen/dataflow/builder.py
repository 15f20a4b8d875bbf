"""DataflowBuilder: makes processes in the canonical loop form ``y x g o | ky kx i`` and names everything uniquely."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Call, Expression, Literal, Operand
from hlsgen.algebra.scalar import Add, Equal, Maximum, Multiply, ScalarOp
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.ir import Channel, Dataflow, Loop, Process, Read, Store, Write
from hlsgen.requantise.add import RoundedAdd

ACCUMULATOR = Operand("acc")


@dataclass(frozen=True)
class Window:
    """A sliding window over (height, width): output y reads rows ``y*stride[0] - before[0] + ky*dilation[0]``."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class Finish:
    """How an accumulator becomes a result: ``op(acc + bias, *constants)``, or ``acc + bias`` without op.

    ``bias`` and each of ``constants`` hold one integer per output channel (or one for all); ``element`` is the type of
    the channel that is written. Where the accumulator (without bias) is one of ``nudges``
    (channels, number), it is raised by 1.
    """

    element: ElementType
    op: ScalarOp | None = None
    constants: tuple[np.ndarray, ...] = ()
    bias: np.ndarray | None = None
    nudges: np.ndarray | None = None


class DataflowBuilder:
    """Collects channels, stores and processes; ``build`` returns the Dataflow.

    Methods that make a process return the name of the channel that it writes. A name that is taken or is no identifier
    is changed to a free identifier; the same calls always give the same names.
    """

    def __init__(self, name: str) -> None:
        self.name = _identifier(name)
        self.channels: dict[str, Channel] = {}
        self._stores: dict[str, Store] = {}
        self._processes: list[Process] = []
        self._inputs: list[str] = []
        self._outputs: list[str] = []
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
        )

    def input(self, name: str, shape: tuple[int, int, int], element: ElementType) -> str:
        """A channel (height, width, channels) that the outside writes."""
        channel = self.channel(name, shape, element)
        self._inputs.append(channel)
        return channel

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
        window: Window,
        size: tuple[int, int],
        finish: Finish,
        outside: int | None = None,
    ) -> str:
        """Convolution, and Gemm as the convolution whose window is the whole source.

        ``weights`` (g, o, ky, kx, i); the source has g*i channels, the result ``size`` + (g*o,). Positions outside the
        source read ``outside`` (None: the window never leaves the source).
        """
        groups, per_group, _, _, inner = weights.shape
        loops = _loops(size, groups, per_group, window.kernel, inner)
        read = Read(source, _window_index(window, inner), outside)
        taps = Read(
            self.store(f"{name}_weights", weights),
            tuple(Affine(0, ((loop, 1),)) for loop in ("g", "o", "ky", "kx", "i")),
        )
        accumulator = product_sum_type(weights, self.channels[source].element)
        step = Call(Add(), (ACCUMULATOR, Call(Multiply(), (Operand("r0"), Operand("r1")))))
        return self._reduce(
            name,
            loops,
            (read, taps),
            accumulator,
            0,
            step,
            finish,
        )

    def window_sum(
        self,
        name: str,
        source: str,
        window: Window,
        size: tuple[int, int],
        finish: Finish,
        outside: int | None = None,
    ) -> str:
        """The sum over a window, channel by channel; a global sum is the window that is the whole source."""
        channel = self.channels[source]
        count = window.kernel[0] * window.kernel[1]
        accumulator = ElementType.holding(
            min(0, channel.element.minimum * count), max(0, channel.element.maximum * count)
        )
        loops = _loops(size, channel.shape[2], 1, window.kernel, 1)
        read = Read(source, _window_index(window, 1), outside)
        step = Call(Add(), (ACCUMULATOR, Operand("r0")))
        return self._reduce(name, loops, (read,), accumulator, 0, step, finish)

    def window_maximum(
        self, name: str, source: str, window: Window, size: tuple[int, int], finish: Finish
    ) -> str:
        """The largest value of a window, channel by channel; positions outside read the type's minimum."""
        channel = self.channels[source]
        loops = _loops(size, channel.shape[2], 1, window.kernel, 1)
        low = channel.element.minimum
        read = Read(source, _window_index(window, 1), low)
        step = Call(Maximum(), (ACCUMULATOR, Operand("r0")))
        return self._reduce(name, loops, (read,), channel.element, low, step, finish)

    def elementwise(
        self, name: str, sources: Sequence[str], op: ScalarOp, element: ElementType, *constants: int
    ) -> str:
        """``op(sources..., constants...)`` at every position of channels of one shape."""
        operands = tuple(Operand(f"r{k}") for k in range(len(sources)))
        call = Call(op, (*operands, *(Literal(value) for value in constants)))
        return self._pointwise(name, tuple(sources), (), call, element)

    def rounded_add(
        self, name: str, sources: tuple[str, str], add: RoundedAdd, element: ElementType
    ) -> str:
        """The weighted sum of two channels, rounded to even."""
        products = [
            Call(Multiply(), (Operand(f"r{k}"), Literal(factor)))
            for k, factor in enumerate((add.multiplier_a, add.multiplier_b))
        ]
        total = Call(Add(), (Call(Add(), (products[0], products[1])), Literal(add.offset)))
        return self._pointwise(name, sources, (), Call(add.op, (total, Literal(1))), element)

    def elementwise_by_channel(self, name: str, source: str, finish: Finish) -> str:
        """``finish.op(source + bias, constants of the channel...)`` at every position."""
        count = self.channels[source].shape[2]
        reads, expression = self._finishing(name, finish, Operand("r0"), 1, _channel(1), count)
        return self._pointwise(name, (source,), reads, expression, finish.element)

    def _pointwise(
        self,
        name: str,
        sources: tuple[str, ...],
        reads: tuple[Read, ...],
        finish: Expression,
        element: ElementType,
    ) -> str:
        shape = self.channels[sources[0]].shape
        index = tuple(Affine(0, ((loop, 1),)) for loop in ("y", "x", "g"))
        process = self.unique(name)
        target = self.channel(f"{name}_out", shape, element)
        return self.process(
            Process(
                process,
                _loops(shape[:2], shape[2], 1, (1, 1), 1),
                (*(Read(source, index) for source in sources), *reads),
                Write(target, (*_POSITION, _channel(1))),
                element,
                0,
                None,
                finish,
            )
        )

    def _reduce(
        self,
        name: str,
        loops: tuple[Loop, ...],
        reads: tuple[Read, ...],
        accumulator: ElementType,
        init: int,
        step: Expression,
        finish: Finish,
    ) -> str:
        extents = {loop.name: loop.extent for loop in loops}
        count, channel = extents["g"] * extents["o"], _channel(extents["o"])
        process = self.unique(name)
        constants, expression = self._finishing(
            name, finish, ACCUMULATOR, len(reads), channel, count
        )
        target = self.channel(f"{name}_out", (extents["y"], extents["x"], count), finish.element)
        return self.process(
            Process(
                process,
                loops,
                (*reads, *constants),
                Write(target, (*_POSITION, channel)),
                accumulator,
                init,
                step,
                expression,
            )
        )

    def _finishing(
        self,
        name: str,
        finish: Finish,
        operand: Expression,
        first: int,
        channel: Affine,
        count: int,
    ) -> tuple[tuple[Read, ...], Expression]:
        """The reads (numbered from ``first``) and the expression of a Finish over ``count`` channels."""
        reads: list[Read] = []

        def constant(label: str, values: np.ndarray) -> Expression:
            flat = np.broadcast_to(np.asarray(values, dtype=np.int64).reshape(-1), (count,))
            if np.all(flat == flat[0]):
                return Literal(int(flat[0]))
            reads.append(Read(self.store(f"{name}_{label}", flat), (channel,)))
            return Operand(f"r{first + len(reads) - 1}")

        expression = operand
        if finish.bias is not None and np.any(finish.bias):
            expression = Call(Add(), (expression, constant("bias", finish.bias)))
        for values in () if finish.nudges is None else finish.nudges.T:
            hit = Call(Equal(), (operand, constant("nudge", values)))
            expression = Call(Add(), (expression, hit))
        if finish.op is not None:
            labels = ("multiplier", "rounding")[: len(finish.constants)]
            arguments = [
                constant(label, values)
                for label, values in zip(labels, finish.constants, strict=True)
            ]
            expression = Call(finish.op, (expression, *arguments))
        return tuple(reads), expression

    def is_port(self, channel: str) -> bool:
        """Whether the channel is an input or an output already."""
        return channel in self._inputs or channel in self._outputs

    def unique(self, name: str) -> str:
        """A free identifier made from ``name``; it is taken from now on."""
        stem = _identifier(name)
        candidate, number = stem, 1
        while candidate in self._names:
            number += 1
            candidate = f"{stem}_{number}"
        self._names.add(candidate)
        return candidate


_POSITION = (Affine(0, (("y", 1),)), Affine(0, (("x", 1),)))


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


def _channel(per_group: int) -> Affine:
    return Affine(0, (("g", per_group), ("o", 1)))


def _loops(
    size: tuple[int, int], groups: int, per_group: int, kernel: tuple[int, int], inner: int
) -> tuple[Loop, ...]:
    return (
        Loop("y", size[0]),
        Loop("x", size[1]),
        Loop("g", groups),
        Loop("o", per_group),
        Loop("ky", kernel[0], reduce=True),
        Loop("kx", kernel[1], reduce=True),
        Loop("i", inner, reduce=True),
    )


def _window_index(window: Window, inner: int) -> tuple[Affine, ...]:
    rows = Affine(-window.before[0], (("y", window.stride[0]), ("ky", window.dilation[0])))
    columns = Affine(-window.before[1], (("x", window.stride[1]), ("kx", window.dilation[1])))
    return (rows, columns, Affine(0, (("g", inner), ("i", 1))))


def _identifier(name: str) -> str:
    """``name`` with everything but letters, digits and underscores replaced; never empty, never begins with a digit."""
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "unnamed"
    return f"_{text}" if text[0].isdigit() else text

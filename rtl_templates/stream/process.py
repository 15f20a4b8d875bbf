"""StreamProcess: one process of a network as a circuit: channel buffers, loop nest, PE array, drain, finish."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.contract import CHANNEL_READ_LATENCY, CREDIT_LATENCY, OPERAND_LATENCY
from hlsgen.rtl_templates.memory_ports import read_port
from hlsgen.rtl_templates.ports.parameter_loader import LOAD, ParameterLoader
from hlsgen.rtl_templates.stream.channel_buffer import (
    ChannelBuffer,
    coordinate_bits,
    element_shape,
    plane_bits,
)
from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo
from hlsgen.rtl_templates.stream.drain import Drain
from hlsgen.rtl_templates.stream.finish import Finish, FinishParameters
from hlsgen.rtl_templates.stream.loop_nest import CounterPort, LoopNest
from hlsgen.rtl_templates.stream.pe_array import PeArray, PeArrayParameters
from hlsgen.rtl_templates.stream.reorder import Reorder
from hlsgen.rtl_templates.stream.shape import BufferShape, NestShape, WeightShape

from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class StreamProcessParameters:
    """Everything that a StreamProcess is made of.

    ``buffers``: one per operand of ``array``, in the same order, and one more of the weights where they come from a channel too.
    ``weights``: None where there are none in a memory. ``zeros`` are taken from the two factors of a product.
    ``groups`` results make a pixel's run of channels, the last of which has ``last_channels`` valid ones.
    ``pixel_words``: output words of a pixel; ``row_pixels``: pixels of an output row.
    ``ragged``: (level, lanes that are valid in its last trip) of ky and kx where a window sum or maximum does not fill its
    lanes; those lanes read ``neutral``.
    """

    nest: NestShape
    buffers: tuple[BufferShape, ...]
    array: PeArrayParameters
    weights: WeightShape | None
    groups: int
    last_channels: int
    finish: FinishParameters
    pixel_words: int
    row_pixels: int
    ragged: tuple[tuple[int, int], ...] = ()
    neutral: int = 0
    zeros: tuple[int, int] = (0, 0)
    result_credits: int = 3
    """Results that may be on their way through the array or wait for the drain."""

    @property
    def window_levels(self) -> tuple[int, int]:
        """The levels of ky and kx."""
        return self.nest.reduce, self.nest.reduce + 1


class StreamProcess(wiring.Component):
    """A process of a network.

    Members
    -------
    i<k>: stream of words for buffer k; o: stream of finished words
    load, loaded, where the weights are loadable: the image of these and of what the finish takes, and what is left of it; while no sample is
    inside, and with a reset behind it

    Timing: at full speed a result takes the longer of its steps and its words; no bubbles between results, groups,
    pixels or samples. Nothing behind the loop nest ever stalls: a result sets out when it has a place in the queue before the
    drain. (One enable for the whole array would reach thousands of flip-flops, and be the slowest net of the design.)
    Semantics: the loop nest of a dataflow process, for one sample after the other.
    """

    def __init__(self, parameters: StreamProcessParameters) -> None:
        self.parameters = parameters
        self.buffers = [ChannelBuffer(shape) for shape in parameters.buffers]
        self.array = PeArray(parameters.array)
        self.finish = Finish(parameters.finish)
        self.nest = LoopNest(parameters.nest, self._counters())
        unroll = parameters.array.unroll
        self.drain = Drain(
            parameters.array.result_layout,
            pixels=unroll.x,
            channels=unroll.g * unroll.o,
            finish_lanes=parameters.finish.lanes,
            groups=parameters.groups,
            last_channels=parameters.last_channels,
        )
        members = {f"i{k}": In(buffer.i.signature.flip()) for k, buffer in enumerate(self.buffers)}
        members["o"] = Out(stream.Signature(self.finish.o.payload.shape()))
        weights = parameters.weights
        self.loader = None
        if weights is not None and weights.loadable:
            self.loader = ParameterLoader(weights.bits, len(weights.words))
            members |= {"load": In(LOAD), "loaded": Out(LOAD)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.array = array = self.array
        m.submodules.finish = finish = self.finish
        m.submodules.nest = nest = self.nest
        m.submodules.drain = drain = self.drain
        m.submodules.queue = queue = CreditFifo(
            self.array.results.shape(), depth=p.result_credits, credit_latency=CREDIT_LATENCY
        )
        issue = Signal(name="issue")
        taken = [buffer.taken for buffer in self.buffers if buffer.shape.single_port]
        first = Signal(init=1, name="first")  # the step at the nest is the first of its result
        ready = self._channels(m, nest, issue)
        stages = CHANNEL_READ_LATENCY + OPERAND_LATENCY
        issued, last = (
            self._delayed(m, "issued", issue, stages),
            self._delayed(m, "last", nest.result_last, stages, reset_less=True),
        )
        may_issue = (~nest.group_first | ready) & (~first | queue.available)
        m.d.comb += [
            issue.eq(may_issue & ~Cat(*taken).any() if taken else may_issue),
            nest.advance.eq(issue),
            queue.start.eq(issue & first),
            queue.push.eq(array.result_valid),
            queue.data.eq(array.results),
            array.valid.eq(issued),
            array.last.eq(last),
        ]
        with m.If(issue):
            m.d.sync += first.eq(nest.result_last)
        wiring.connect(m, queue.o, drain.i)
        if self.loader is not None:
            self._loads(m, self.loader)
        self._operands(m, nest)
        if p.weights is not None:
            m.d.comb += array.weights.as_value().eq(
                self._weights(m, p.weights, nest.value(3 * len(self.buffers)))
            )
        wiring.connect(m, drain.o, finish.i)
        if p.array.unroll.x == 1:
            wiring.connect(m, finish.o, wiring.flipped(self.o))
        else:
            m.submodules.reorder = reorder = Reorder(
                self.o.payload.shape(),
                pixels=p.array.unroll.x,
                words=p.pixel_words,
                row_pixels=p.row_pixels,
            )
            wiring.connect(m, finish.o, reorder.i)
            wiring.connect(m, reorder.o, wiring.flipped(self.o))
        return m

    def _loads(self, m: Module, loader: ParameterLoader) -> None:
        """The image goes through the weights' loader, then through those of the finish."""
        m.submodules.loader = loader
        wiring.connect(m, wiring.flipped(self.load), loader.i)
        if self.finish.loaders:
            wiring.connect(m, loader.o, self.finish.load)
            wiring.connect(m, self.finish.loaded, wiring.flipped(self.loaded))
        else:
            wiring.connect(m, loader.o, wiring.flipped(self.loaded))

    def _channels(self, m: Module, nest: LoopNest, issue: Signal) -> Value:
        """Buffers between the input streams and the nest; the result is whether all of them may be read."""
        ready: Value = Const(1)
        for k, buffer in enumerate(self.buffers):
            m.submodules[f"buffer_{k}"] = buffer
            wiring.connect(m, wiring.flipped(getattr(self, f"i{k}")), buffer.i)
            ready = ready & buffer.ready
            m.d.comb += [
                buffer.group_last.eq(issue & nest.group_last),
                buffer.address.eq(nest.value(3 * k)),
                buffer.row.eq(nest.value(3 * k + 1)),
                buffer.column.eq(nest.value(3 * k + 2)),
            ]
        planes = [buffer for buffer in self.buffers if buffer.shape.plane is not None]
        for k, buffer in enumerate(
            planes, 3 * len(self.buffers) + (self.parameters.weights is not None)
        ):
            m.d.comb += buffer.plane.eq(nest.value(k))
        return ready

    def _counters(self) -> tuple[CounterPort, ...]:
        """Address, row and column of every buffer, then the weights' address, then the first channel of buffers that ask for it."""
        counters = []
        for buffer in self.buffers:
            shape = buffer.shape
            counters += [
                CounterPort(shape.address, buffer.address_bits),
                CounterPort(shape.row, coordinate_bits(shape.row_range, shape.height), True),
                CounterPort(shape.column, coordinate_bits(shape.column_range, shape.width), True),
            ]
        if (weights := self.parameters.weights) is not None:
            counters.append(
                CounterPort(weights.address, max(1, (len(weights.words) - 1).bit_length()))
            )
        for buffer in self.buffers:
            if buffer.shape.plane is not None:
                counters.append(CounterPort(buffer.shape.plane, plane_bits(buffer.shape), True))
        return tuple(counters)

    def _operands(self, m: Module, nest: LoopNest) -> None:
        """The lanes of the buffers' copies, through a register, for the array: index [x][g][ky][kx][i]."""
        p = self.parameters
        full: dict[int, Value] = {}
        for level, _ in p.ragged:
            full[level] = ~self._delayed(
                m, f"ragged_{level}", nest.last[level], CHANNEL_READ_LATENCY, True
            )
        names = [name for name, _ in p.array.operands]
        for name, buffer in zip(names, self.buffers, strict=False):
            shape = buffer.shape
            elements: list[Value] = []
            for window in shape.lane_copies:
                for g in range(p.array.unroll.g):
                    for place, copy in enumerate(window):
                        for i in range(p.array.unroll.i):
                            element = buffer.o[copy][(g + i) % shape.lanes]
                            elements.append(self._neutral(element, buffer, place, full))
            if p.array.weight is not None:
                elements = self._less(elements, p.zeros[0], p.array.operands[0][1])
            self._operand(m, name, elements)
        if p.array.weight is not None and p.weights is None:
            # A word holds what the lanes of a step multiply by, or what the rows do: see ``legality.factor_rules``.
            word = list(self.buffers[1].o[0])
            self._operand(m, "weights", self._less(word, p.zeros[1], p.array.weight))

    def _less(self, elements: list[Value], zero: int, element: ElementType) -> list[Value]:
        """Elements less their zero point, as ``element``."""
        if zero == 0:
            return elements
        return [(value - zero)[: element.bits] for value in elements]

    def _operand(self, m: Module, name: str, elements: list[Value]) -> None:
        """An operand of the array, through a register."""
        operand = Signal(len(Cat(*elements)), name=f"operand_{name}", reset_less=True)
        m.d.sync += operand.eq(Cat(*elements))
        m.d.comb += getattr(self.array, name).as_value().eq(operand)

    def _neutral(
        self, element: Value, buffer: ChannelBuffer, place: int, full: dict[int, Value]
    ) -> Value:
        """The element, or the neutral one where a ragged window has no such lane."""
        p = self.parameters
        lane = dict(zip(p.window_levels, divmod(place, p.array.unroll.kx), strict=True))
        absent = [full[level] for level, valid in p.ragged if lane[level] >= valid]
        if not absent:
            return element
        neutral = Const(p.neutral, element_shape(buffer.shape))
        return Mux(Cat(*absent).all(), element, neutral)

    def _delayed(
        self,
        m: Module,
        name: str,
        value: Value,
        stages: int,
        reset_less: bool = False,
    ) -> Signal:
        """``value``, ``stages`` cycles later."""
        for stage in range(stages):
            register = Signal(len(value), name=f"{name}_{stage}", reset_less=reset_less)
            m.d.sync += register.eq(value)
            value = register
        return value

    def _weights(self, m: Module, weights: WeightShape, address: Value) -> Value:
        """The words of the weight memory, in step with the operands; a single word is wired."""
        if len(weights.words) == 1:
            if self.loader is None:
                return Const(weights.words[0], weights.bits)
            only = Signal(weights.bits, init=weights.words[0], name="only", reset_less=True)
            with m.If(self.loader.write):
                m.d.sync += only.eq(self.loader.data)
            return only
        m.submodules.weights = rom = memory.Memory(
            shape=unsigned(weights.bits),
            depth=len(weights.words),
            init=weights.words,
            attrs={"no_collision": 1} if weights.loadable else {},
        )
        if self.loader is not None:
            self.loader.fill(m, rom)
        read = read_port(rom)
        # The memory and the register behind it, which is a block RAM's own, take two of the cycles.
        ahead = CHANNEL_READ_LATENCY + OPERAND_LATENCY - 2
        late = self._delayed(m, "address", address, ahead, reset_less=True)
        weights_r = Signal(weights.bits, reset_less=True, name="weights_r")
        m.d.comb += [read.addr.eq(late), read.en.eq(1)]
        m.d.sync += weights_r.eq(read.data)
        return weights_r

"""ChannelBuffer: a circular memory between a stream that writes in order and a loop nest that reads at addresses."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.contract import CHANNEL_READ_LATENCY
from hlsgen.rtl_templates.memory_ports import read_port, write_port
from hlsgen.rtl_templates.stream.channel_guard import ChannelGuard, counter_bits
from hlsgen.rtl_templates.stream.shape import BufferShape, CopyShape

HUGE = "huge"
"""The ``ram_style`` of memories of a single port, as yosys calls the SPRAM of iCE40; they hold anything at first."""


def address_bits(shape: BufferShape) -> int:
    """Width of a memory word's address; at least 1."""
    return max(1, (shape.depth - 1).bit_length())


def element_shape(shape: BufferShape) -> Shape:
    """The Amaranth shape of one element."""
    return signed(shape.bits) if shape.signed else unsigned(shape.bits)


class ChannelBuffer(wiring.Component):
    """The words of one channel that one read of a process still needs.

    Members
    -------
    i: words of ``write_lanes`` neighbouring elements, pixel after pixel
    group_last: the step that is issued is the last of its pixel group
    ready: the present pixel group's words are all written; the nest may issue its steps, the last with ``group_last``
    taken: the nest may not issue in this cycle (``shape.single_port`` alone): a word is written when the memory would be read
    address, row, column: read position of copy offset 0 at the step that is issued; plane, where the shape has one: its first channel
    o: the elements of each copy, ``contract.CHANNEL_READ_LATENCY`` cycles later

    Semantics: word n (counted over all samples) is accepted once every word below ``n + 1 - depth`` is dead.
    Timing: a group may begin ``contract.CHANNEL_READY_AFTER`` cycles after its last word was accepted; a dead word is given up when
    the last read of its last group has left the memory (``contract.CHANNEL_FREED_AFTER``). Of a single port each memory word that
    is complete takes a cycle of the nest, and the next one is accepted two cycles later at the earliest.
    Cost: one memory of 2**address_bits words per copy, since a block RAM has one read port to spare; of a single port a word of
    registers and a choice of addresses besides.
    """

    def __init__(self, shape: BufferShape) -> None:
        self.shape = shape
        element = element_shape(shape)
        self.address_bits = address_bits(shape) + (shape.selections - 1).bit_length()
        self.bits = max(address_bits(shape), counter_bits(shape.guard, shape.depth))
        plane = {} if shape.plane is None else {"plane": In(signed(plane_bits(shape)))}
        super().__init__(
            {
                **plane,
                "i": In(stream.Signature(data.ArrayLayout(element, shape.write_lanes))),
                "group_last": In(1),
                "ready": Out(1),
                **({"taken": Out(1)} if shape.single_port else {}),
                "address": In(self.address_bits),
                "row": In(signed(coordinate_bits(shape.row_range, shape.height))),
                "column": In(signed(coordinate_bits(shape.column_range, shape.width))),
                "o": Out(
                    data.ArrayLayout(data.ArrayLayout(element, shape.lanes), len(shape.copies))
                ),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self.shape
        m.submodules.guard = guard = ChannelGuard(shape.guard, shape.depth, self.bits)
        written = Signal(self.bits, name="written")
        minus_limit = Signal(self.bits, init=-shape.depth % (1 << self.bits), name="minus_limit")
        room = Signal(init=1, name="room")
        granted, asking, enough = (
            Signal(name="granted"),
            Signal(name="asking"),
            Signal(name="enough"),
        )
        accepts: Value = room & ~self.taken if shape.single_port else room
        # A register stands between the comparison of the counts and the loop nest, which has a long path of its own: the group that
        # the guard shows is granted while the one before it ends at the latest, and the guard goes on to the next.
        m.d.comb += [
            asking.eq(~granted | self.group_last),
            enough.eq(guard.valid & ~(written + guard.minus_need)[self.bits - 1]),
            self.i.ready.eq(accepts),
            self.ready.eq(granted),
            guard.advance.eq(asking & enough),
        ]
        m.d.sync += granted.eq(enough | ~asking)
        # All of the group before has been issued, and reads the memory before a word that this lets in is written.
        with m.If(asking & guard.valid):
            m.d.sync += minus_limit.eq(guard.minus_limit)
        store, word = self._assemble(m, self.i.valid & accepts)
        # A register, so that what it says reaches a writer on the other side of the device without logic in front.
        room_before = (written + minus_limit)[self.bits - 1]
        # The word that is stored enters as the carry: a bit below the lowest is 1 in both.
        room_after = (Cat(Const(1, 1), written) + Cat(Const(1, 1), minus_limit))[self.bits]
        m.d.sync += room.eq(Mux(store, room_after, room_before))
        with m.If(store):
            m.d.sync += written.eq(written + 1)
        place: Value = written
        if shape.single_port:
            store, place, word = self._wait(m, store, written, word)
        inside = self._inside(m)
        for number, copy in enumerate(shape.copies):
            self._copy(m, number, copy, store, word, place, inside(copy))
        return m

    def _wait(
        self, m: Module, store: Value, written: Value, word: Value
    ) -> tuple[Value, Value, Value]:
        """A complete word waits for the cycle in which the memory reads nothing, since the nest did not issue in the one before.

        That is two cycles after it came: no later than a group that needs it can read (``contract.CHANNEL_READY_AFTER``).
        """
        writes = Signal(name="writes")
        place = Signal(address_bits(self.shape), name="waiting_place", reset_less=True)
        waiting = Signal(len(word), name="waiting", reset_less=True)
        m.d.sync += [self.taken.eq(store), writes.eq(self.taken)]
        with m.If(store):
            m.d.sync += [place.eq(written), waiting.eq(word)]
        return writes, place, waiting

    def _assemble(self, m: Module, accepted: Value) -> tuple[Value, Value]:
        """(a memory word is complete, its bits) from arriving words, which may be a part of it."""
        shape = self.shape
        parts = shape.word_lanes // shape.write_lanes
        payload = self.i.payload.as_value()
        if parts == 1:
            return accepted, payload
        part = Signal(range(parts), name="part")
        complete = Signal(name="complete")
        arriving = math.ceil(shape.channels / shape.write_lanes)
        pixel_end: Value = Const(0)
        if arriving % parts:
            count = Signal(range(arriving), name="count")
            pixel_end = count == arriving - 1
            with m.If(accepted):
                m.d.sync += count.eq(Mux(pixel_end, 0, count + 1))
        m.d.comb += complete.eq((part == parts - 1) | pixel_end)
        with m.If(accepted):
            m.d.sync += part.eq(Mux(complete, 0, part + 1))
        lanes: list[Value] = []
        for number in range(parts - 1):
            kept = Signal(len(payload), name=f"part_{number}", reset_less=True)
            with m.If(accepted & (part == number)):
                m.d.sync += kept.eq(payload)
            # Only a pixel's last word can be stored before its last part arrives.
            lanes.append(Mux(part == number, payload, kept) if arriving % parts else kept)
        return accepted & complete, Cat(*lanes, payload)

    def _inside(self, m: Module) -> Callable[[CopyShape], Value]:
        """A function from a copy to the condition that it reads within the tensor; one comparison per offset."""
        shape = self.shape
        known: dict[tuple[str, int], Value] = {}

        def axis(name: str, at: Value, offset: int, reach: tuple[int, int], size: int) -> Value:
            key = (name, offset)
            if key not in known:
                known[key] = Signal(name=f"inside_{name}_{offset}")
                place = at + offset
                tests: list[Value] = []
                if reach[0] + offset < 0:
                    tests.append(place >= 0)
                if reach[1] + offset >= size:
                    tests.append(place < size)
                m.d.comb += known[key].eq(Cat(*tests).all() if tests else 1)
            return known[key]

        def inside(copy: CopyShape) -> Value:
            row = axis("row", self.row, copy.row, shape.row_range, shape.height)
            column = axis("column", self.column, copy.column, shape.column_range, shape.width)
            if shape.plane is None:
                return row & column
            return row & column & axis("plane", self.plane, 0, shape.plane_range, shape.channels)

        return inside

    def _copy(
        self,
        m: Module,
        number: int,
        copy: CopyShape,
        store: Value,
        word: Value,
        written: Value,
        inside: Value,
    ) -> None:
        """One memory with its address, selection and range pipeline."""
        shape = self.shape
        depth = 1 << address_bits(shape)
        # No collision of a read and a write of one word matters: a group only reads words below
        # ``written``; lanes that read elsewhere are masked or multiplied by zero weights.
        # The attribute tells synthesis so (see hlsgen/bitstream/toolchain.py); else each RAM gets emulation logic.
        style = {"ram_style": HUGE} if shape.single_port else {}
        memory_ = memory.Memory(
            shape=unsigned(len(word)), depth=depth, init=[], attrs={"no_collision": 1, **style}
        )
        m.submodules[f"memory_{number}"] = memory_
        write, read = write_port(memory_, f"write_{number}"), read_port(memory_, f"read_{number}")
        select_bits = self.address_bits - address_bits(shape)
        address = Signal(self.address_bits, name=f"address_{number}", reset_less=True)
        select = Signal(select_bits, name=f"select_{number}", reset_less=True)
        stages = [Signal(name=f"inside_{number}_{k + 1}") for k in range(CHANNEL_READ_LATENCY)]
        read_address: Value = address[select_bits:]
        if shape.single_port:
            # One signal for both, by which synthesis knows that it is one port.
            port = Signal(address_bits(shape), name=f"port_{number}")
            m.d.comb += port.eq(Mux(store, written, read_address))
            written = read_address = port
        m.d.comb += [
            write.addr.eq(written),
            write.data.eq(word),
            write.en.eq(store),
            read.addr.eq(read_address),
            read.en.eq(~store if shape.single_port else 1),
        ]
        lanes = data.ArrayLayout(element_shape(shape), shape.lanes)
        late = Signal(select_bits, name=f"late_select_{number}", reset_less=True)
        # Behind a block RAM this register is the RAM's own.
        data_r = Signal(len(word), name=f"data_{number}", reset_less=True)
        chosen = data_r.word_select(late, lanes.size) if select_bits else data_r
        outside = lanes.const([shape.outside] * shape.lanes)
        m.d.sync += [
            address.eq(self.address + copy.address),
            select.eq(address[:select_bits]),
            late.eq(select),
            data_r.eq(read.data),
            *(after.eq(before) for before, after in pairwise((inside, *stages))),
        ]
        m.d.comb += self.o[number].eq(Mux(stages[-1], chosen, outside))


def coordinate_bits(reach: tuple[int, int], size: int) -> int:
    """Width of a signed coordinate counter, with room to compare it to ``size``."""
    return max(abs(reach[0]), abs(reach[1]), size).bit_length() + 2


def plane_bits(shape: BufferShape) -> int:
    """Width of the signed counter of channels."""
    return coordinate_bits(shape.plane_range, shape.channels)

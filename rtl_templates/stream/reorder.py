"""Reorder: brings the words of pixels that were computed side by side into row-major order."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import Contract
from hlsgen.rtl_templates.memory_ports import read_port, write_port
from hlsgen.rtl_templates.stream.register_slice import RegisterSlice


class Reorder(wiring.Component):
    """Turns (channel word, pixel) within a pixel group into (pixel, channel word).

    Parameters
    ----------
    shape : one word. ``pixels`` : side by side in a group. ``words`` : per pixel.
    row_pixels : pixels of a row. The last group of a row has all its words too, but those of pixels past the row's end
        are dropped.

    Members: ``i``: stream; per group: word 0 of pixels 0, 1 .. , word 1 of pixels 0, 1 ..; ``o``: stream; per row: all
    words of pixel 0, all words of pixel 1 ...

    **Timing**: see ``contract`` (latency from the acceptance of a group's last word to its first word out). One word per
    cycle in and out; one group is read while the next is written. Nothing depends combinationally on ``o.ready``
    where ``words`` > 1; where it is 1 nothing is reordered, only dropped, and both are connected.
    **Cost**: a memory of two groups, rounded up to powers of two, a register of one word and a RegisterSlice.
    **Semantics**: a permutation of the stream.
    """

    def __init__(self, shape: Any, *, pixels: int, words: int, row_pixels: int) -> None:
        if min(pixels, words, row_pixels) < 1:
            raise ValueError(f"expected positive counts, found {pixels, words, row_pixels}")
        self.shape, self.pixels, self.words, self.row_pixels = shape, pixels, words, row_pixels
        self.groups = -(-row_pixels // pixels)
        self.last_pixels = row_pixels - (self.groups - 1) * pixels
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})
        self.contract: Contract = contract.reorder(
            pixels=pixels, words=words, word_bits=len(Value.cast(self.i.payload))
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        if self.words == 1:
            self._drop(m)
            return m
        size = self.pixels * self.words
        bits = (size - 1).bit_length()
        m.submodules.memory = ram = memory.Memory(shape=self.shape, depth=2 << bits, init=[])
        write, read = write_port(ram), read_port(ram)
        full = Signal(2, name="full")
        write_bank, read_bank, position = (
            Signal(name="write_bank"),
            Signal(name="read_bank"),
            Signal(bits, name="position"),
        )
        m.d.comb += [
            self.i.ready.eq(~full.bit_select(write_bank, 1)),
            write.en.eq(self.i.ready & self.i.valid),
            write.addr.eq(Cat(position, write_bank)),
            write.data.eq(self.i.payload),
        ]
        filled, emptied = Signal(name="filled"), Signal(name="emptied")
        m.d.comb += filled.eq(write.en & (position == size - 1))
        with m.If(write.en):
            m.d.sync += position.eq(Mux(filled, 0, position + 1))
        # A block RAM's clock to output is most of a cycle; this register behind it is the RAM's own. Each of the two moves when the next may.
        # The slice stands between what moves them, which turns banks too, and the ready of another process.
        m.submodules.slice = out = RegisterSlice(self.shape)
        wiring.connect(m, out.o, wiring.flipped(self.o))
        word, valid = (
            Signal(self.shape, reset_less=True, name="word_register"),
            Signal(name="word_valid"),
        )
        fetch, fetched, move = Signal(name="fetch"), Signal(name="fetched"), Signal(name="move")
        m.d.comb += [
            out.i.payload.eq(word),
            out.i.valid.eq(valid),
            move.eq(~valid | out.i.ready),
            read.en.eq(~fetched | move),
            fetch.eq(read.en & full.bit_select(read_bank, 1)),
        ]
        with m.If(read.en):
            m.d.sync += fetched.eq(fetch)
        with m.If(move):
            m.d.sync += [valid.eq(fetched), word.eq(read.data)]
        address, last = self._read_address(m, fetch, bits)
        m.d.comb += [read.addr.eq(Cat(address, read_bank)), emptied.eq(fetch & last)]
        m.d.sync += [write_bank.eq(write_bank ^ filled), read_bank.eq(read_bank ^ emptied)]
        for bank in range(2):
            with m.If(filled & (write_bank == bank)):
                m.d.sync += full[bank].eq(1)
            with m.Elif(emptied & (read_bank == bank)):
                m.d.sync += full[bank].eq(0)
        return m

    def _read_address(self, m: Module, fetch: Value, bits: int) -> tuple[Value, Value]:
        """The address within a bank, pixel + word * pixels, and whether it is the group's last."""
        address, pixel, word = (
            Signal(bits, name="address"),
            Signal(range(self.pixels), name="pixel"),
            Signal(range(self.words), name="word"),
        )
        last_word = word == self.words - 1
        last = last_word & self._last_pixel(m, pixel, fetch & last_word)
        with m.If(fetch & last):
            m.d.sync += [address.eq(0), pixel.eq(0), word.eq(0)]
        with m.Elif(fetch & last_word):
            m.d.sync += [address.eq(pixel + 1), pixel.eq(pixel + 1), word.eq(0)]
        with m.Elif(fetch):
            m.d.sync += [address.eq(address + self.pixels), word.eq(word + 1)]
        return address, last

    def _last_pixel(self, m: Module, pixel: Value, advance: Value) -> Value:
        """Whether ``pixel`` is the last valid one of its group; ``advance`` says that it is done."""
        whole = pixel == self.pixels - 1
        if self.last_pixels == self.pixels:
            return whole
        group = Signal(range(self.groups), name="group")
        ragged = group == self.groups - 1
        last = Mux(ragged, pixel == self.last_pixels - 1, whole)
        with m.If(advance & last):
            m.d.sync += group.eq(Mux(ragged, 0, group + 1))
        return last

    def _drop(self, m: Module) -> None:
        """One word per pixel: the words of pixels past the row's end vanish, the others pass."""
        keep: Value = Value.cast(1)
        if self.last_pixels != self.pixels:
            padded = self.groups * self.pixels
            position = Signal(range(padded), name="position")
            keep = position < self.row_pixels
            with m.If(self.i.valid & self.i.ready):
                m.d.sync += position.eq(Mux(position == padded - 1, 0, position + 1))
        m.d.comb += [
            self.o.valid.eq(self.i.valid & keep),
            self.i.ready.eq(self.o.ready | ~keep),
            self.o.payload.eq(self.i.payload),
        ]

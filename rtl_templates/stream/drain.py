"""Drain: takes the results of a group side by side and hands them out word by word."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.contract import Contract


class Drain(wiring.Component):
    """Hands out the results of a group as words of ``finish_lanes`` neighbouring channels.

    Parameters
    ----------
    result : shape of one result.
    pixels, channels : a group holds ``pixels * channels`` results, index ``pixel * channels + channel``.
    finish_lanes : results per word. Where ``groups`` > 1 it divides ``channels``.
    groups, last_channels : groups come in turns of ``groups`` (the channels of a pixel); the last of each turn holds
        only ``last_channels`` valid channels (default: all), and only its words are handed out.

    Members: ``i``: stream of ArrayLayout(result, pixels*channels); ``o``: stream of ArrayLayout(result, finish_lanes).
    Order of the words of a group: channel word by channel word, each for all pixels: (0, pixel 0), (0, pixel 1) ..
    Lanes past the last channel are of no value.

    **Timing**: see ``contract``; a group takes one cycle per word with no bubble between groups. ``i.ready`` depends
    combinationally on ``o.ready``; ``o.valid`` is a register.
    **Cost**: one register and one LUT per result bit: the words shift.
    **Semantics**: the results, in another order.
    """

    def __init__(
        self,
        result: Any,
        *,
        pixels: int,
        channels: int,
        finish_lanes: int,
        groups: int = 1,
        last_channels: int | None = None,
    ) -> None:
        if last_channels is None:
            last_channels = channels
        if not 1 <= last_channels <= channels:
            raise ValueError(f"expected 1 to {channels} last channels, found {last_channels}")
        if groups > 1 and channels % finish_lanes:
            raise ValueError(f"{finish_lanes} finish lanes do not divide {channels} channels")
        self.result, self.pixels, self.channels = result, pixels, channels
        self.finish_lanes, self.groups, self.last_channels = finish_lanes, groups, last_channels
        self.channel_words = -(-channels // finish_lanes)
        self.last_words = -(-last_channels // finish_lanes)
        self.contract: Contract = contract.drain(
            pixels=pixels,
            channels=channels,
            finish_lanes=finish_lanes,
            result_bits=data.ArrayLayout(result, 1).size,
        )
        super().__init__(
            {
                "i": In(stream.Signature(data.ArrayLayout(result, pixels * channels))),
                "o": Out(stream.Signature(data.ArrayLayout(result, finish_lanes))),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        words = self.pixels * self.channel_words
        held = [
            Signal(len(self.o.payload.as_value()), reset_less=True, name=f"word_{k}")
            for k in range(words)
        ]
        valid = Signal(name="valid")
        after = Signal(range(words), name="after")  # words after the one at the output
        last = Signal(name="last")
        m.d.comb += [
            last.eq(after == 0),
            self.o.valid.eq(valid),
            self.o.payload.as_value().eq(held[0]),
            self.i.ready.eq(~valid | (last & self.o.ready)),
        ]
        with m.If(self.o.ready & valid):
            m.d.sync += [after.eq(after - 1), valid.eq(~last)]
            for k in range(words - 1):
                m.d.sync += held[k].eq(held[k + 1])
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += [valid.eq(1), after.eq(self._words(m) - 1)]
            for k in range(words):
                m.d.sync += held[k].eq(self._word(k))
        return m

    def _word(self, k: int) -> Value:
        """Word k of the group at the input, in the order of the output."""
        word, pixel = divmod(k, self.pixels)
        first = pixel * self.channels + word * self.finish_lanes
        count = min(self.finish_lanes, self.channels - word * self.finish_lanes)
        size = len(self.o.payload.as_value()) // self.finish_lanes
        return self.i.payload.as_value()[first * size : (first + count) * size]

    def _words(self, m: Module) -> Value:
        """How many words the group at the input has."""
        full, ragged = self.pixels * self.channel_words, self.pixels * self.last_words
        if self.groups == 1 or full == ragged:
            return Mux(0, 0, ragged)
        group = Signal(range(self.groups), name="group")
        final = group == self.groups - 1
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += group.eq(Mux(final, 0, group + 1))
        return Mux(final, ragged, full)

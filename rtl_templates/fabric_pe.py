"""FabricPe: a processing element of a fabric, from its context memory to its link registers."""

from __future__ import annotations

from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_templates.fabric_shape import PeShape
from rtl_templates.run_bus import RunSignature, WriteSignature, drained_word, marked_word


class FabricPe(wiring.Component):
    """One cell of the grid, as docs/grid.md, "Processing element", says.

    Members: ``run`` (In): from loop control. ``write`` (In): contexts, see ContextMemory. ``in_<link>`` (In), ``out_<link>``
    (Out): marked words; the outgoing ones are registers. ``memory_<side>`` (In): words that the tiles of the cell read.
    ``sources`` (Out): words of the registered sources in the order of their codes, for the tiles of the cell. ``drain_in``
    (In), ``drain_out`` (Out, a register): the drain chain, where the shape has one.
    """

    def __init__(self, shape: PeShape) -> None:
        self.shape = shape
        marked = marked_word(shape.word_bits)
        ports: dict[str, Any] = {
            "run": In(RunSignature(shape.run)),
            "write": In(WriteSignature()),
            "sources": Out(data.ArrayLayout(shape.word_bits, len(shape.registered))),
        }
        for link in shape.links:
            ports[f"in_{link}"] = In(marked)
            ports[f"out_{link}"] = Out(marked)
        for memory in shape.memories:
            ports[memory] = In(marked)
        if shape.drain:
            ports["drain_in"] = In(drained_word(shape.accumulator_bits))
            ports["drain_out"] = Out(drained_word(shape.accumulator_bits))
        super().__init__(ports)

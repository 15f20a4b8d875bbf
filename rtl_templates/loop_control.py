"""LoopControl: counts slots and iterations of a run, delays the loop marks, and starts and ends the run."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_templates.fabric_shape import LOAD_BITS, ControlShape, load_words
from rtl_templates.run_bus import RunSignature, WriteSignature


class LoopControl(wiring.Component):
    """The only unit of a fabric that knows where in its run the fabric is.

    Members: ``start`` (In): begin a run with the configuration written since the run before; only while ``busy`` is low.
    ``busy`` (Out): from the cycle after ``start`` until the last enabled cycle of the run. ``running`` (Out): the fabric may be
    enabled. ``enable`` (In): it is (``running`` and no stream holds it up). ``write`` (In): word w of the configuration at
    address w. ``run`` (Out): for every unit; ``run.enable`` is ``enable``.

    **Timing**: ``clear`` and ``swap`` in the cycle of ``start``; ``running`` from the third cycle after it. A run without a
    configuration, or of no cycles, ends at once.
    **Cost**: two copies of the configuration in registers.
    """

    def __init__(self, shape: ControlShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "running": Out(1),
                "enable": In(1),
                "write": In(WriteSignature()),
                "run": Out(RunSignature(shape.run)),
            }
        )

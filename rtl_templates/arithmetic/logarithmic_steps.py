"""The unit of scalar operator LogarithmicSteps."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.scalar_unit import ScalarUnit
from hlsgen.rtl_templates.arithmetic.shapes import shape_holding, shape_of
from hlsgen.rtl_templates.memory_ports import read_port


class LogarithmicSteps(ScalarUnit):
    """The distance is shifted until its first bit leads; how far, and the bits behind that, are the address of its cell in a synchronous ROM.

    **Timing**: see ``contract.normalising_stages``: difference, distance, shifts, cell, ROM, comparison, sign. **Cost**: the ROM, two
    subtractions, a choice of as many bits as the distance has for every shift, a comparison. **Semantics**: scalar operator LogarithmicSteps.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        positive, negative = self.constants["positive"], self.constants["negative"]
        cells = [*positive, *negative]
        layout = data.StructLayout(
            {
                "threshold": shape_holding(0, max(cell[0] for cell in cells)),
                "below": shape_holding(*_span(cells)),
                "above": shape_holding(*_span(cells)),
            }
        )
        entries = [dict(zip(("threshold", "below", "above"), cell, strict=True)) for cell in cells]
        m.submodules.cells = rom = memory.Memory(shape=layout, depth=len(cells), init=entries)
        port = read_port(rom)
        x = self.operand(0)
        away = Signal.like(x - self.constants["origin"], reset_less=True, name="away")
        distance = Signal(len(away), reset_less=True, name="distance")
        m.d.sync += [away.eq(x - self.constants["origin"]), distance.eq(abs(away))]
        address, latency = self._cell(m, distance)
        below = _delayed(m, away[-1], latency + 1, "side")
        last = Mux(below, len(negative) - 1, len(positive) - 1) if negative else len(positive) - 1
        offset = Mux(below, len(positive), 0) if negative else 0
        cell = Signal(range(len(cells)), reset_less=True, name="cell")
        chosen, size, result = (
            Signal(shape, reset_less=True, name=name)
            for shape, name in (
                (1, "chosen"),
                (shape_holding(*_span(cells)), "size"),
                (shape_of(self.width), "result"),
            )
        )
        m.d.sync += cell.eq(Mux(address > last, last, address) + offset)
        m.d.comb += port.addr.eq(cell)
        late = _delayed(m, distance, latency + 2, "late")
        m.d.comb += chosen.eq(late >= port.data.threshold)
        m.d.sync += size.eq(Mux(chosen, port.data.above, port.data.below))
        negated = _delayed(m, below, 3, "negated")
        m.d.sync += result.eq(size if negative else Mux(negated, -size, size))
        m.d.comb += self.result.eq(result)
        return m

    def _cell(self, m: Module, distance: Signal) -> tuple[Value, int]:
        """The cell of a distance, and the cycles after it."""
        base, bits = self.constants["base"], self.constants["bits"]
        shifts = contract.normalising_shifts(len(distance), base)
        shifted: Value = Cat(distance, *([0] * (base + sum(shifts) + 1 - len(distance))))
        places: list[Value] = []  # the least last
        stages = 0
        for number, shift in enumerate(shifts):
            whole = len(shifted)
            stays = shifted[whole - shift :].any()
            moved = Mux(stays, shifted, (shifted << shift)[:whole])
            places = [*places, stays]
            if number % 2 == 1 or number == len(shifts) - 1:
                stages += 1
                word = Signal(whole, reset_less=True, name=f"shifted_{stages}")
                flags = Signal(len(places), reset_less=True, name=f"places_{stages}")
                m.d.sync += [word.eq(moved), flags.eq(Cat(*places))]
                shifted, places = word, list(flags)
            else:
                shifted = moved
        mantissa = shifted[len(shifted) - bits - 1 :]
        return (Cat(*reversed(places)) << bits) + mantissa, stages


def _span(cells: list[tuple[int, int, int]]) -> tuple[int, int]:
    results = [value for cell in cells for value in cell[1:]]
    return min(results), max(results)


def _delayed(m: Module, value: Value, cycles: int, name: str) -> Value:
    for cycle in range(cycles):
        register = Signal(value.shape(), reset_less=True, name=f"{name}_{cycle}")
        m.d.sync += register.eq(value)
        value = register
    return value

"""AXI4-Stream ports of a design: words of elements, each in whole bytes."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


def element_bytes(element: Shape) -> int:
    """Bytes that an element takes in tdata."""
    return -(-element.width // 8)


class AxisInput(wiring.Component):
    """tdata -> stream of words of ``lanes`` elements; lane k is in the k-th group of bytes.

    ``bipolar``: the elements are -1 and 1, and leave as their signs.

    Timing: combinational. tlast is not read: the design counts words itself.
    """

    def __init__(self, element: Shape, lanes: int, *, bipolar: bool = False) -> None:
        self.element = element
        self.lanes = lanes
        self.bipolar = bipolar
        inner = signed(1) if bipolar else element
        super().__init__(
            {
                "tdata": In(8 * element_bytes(element) * lanes),
                "tvalid": In(1),
                "tready": Out(1),
                "o": Out(stream.Signature(data.ArrayLayout(inner, lanes))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        step = 8 * element_bytes(self.element)
        m.d.comb += [self.o.valid.eq(self.tvalid), self.tready.eq(self.o.ready)]
        for lane in range(self.lanes):
            number = self.tdata[lane * step : lane * step + self.element.width]
            m.d.comb += self.o.payload[lane].eq(number[-1] if self.bipolar else number)
        return m


class AxisOutput(wiring.Component):
    """Stream of words -> tdata, with tlast on the last of ``words`` words of a sample.

    A pixel has ``channels`` elements; lanes past its end are zero. Elements are sign- or zero-extended to whole bytes.

    Timing: combinational.
    """

    def __init__(self, element: Shape, lanes: int, channels: int, pixels: int) -> None:
        self.element = element
        self.lanes = lanes
        self.channels = channels
        self.pixels = pixels
        super().__init__(
            {
                "i": In(stream.Signature(data.ArrayLayout(element, lanes))),
                "tdata": Out(8 * element_bytes(element) * lanes),
                "tvalid": Out(1),
                "tready": In(1),
                "tlast": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        moved = self.i.valid & self.tready
        pixel_words = -(-self.channels // self.lanes)
        pixel_end = _turn(m, "word", pixel_words, moved)
        sample_end = _turn(m, "pixel", self.pixels, moved & pixel_end)
        m.d.comb += [
            self.tvalid.eq(self.i.valid),
            self.i.ready.eq(self.tready),
            self.tlast.eq(pixel_end & sample_end),
        ]
        step = 8 * element_bytes(self.element)
        valid_lanes = self.channels - (pixel_words - 1) * self.lanes
        lanes: list[Value] = []
        for lane in range(self.lanes):
            extended = Signal(Shape(step, self.element.signed), name=f"lane_{lane}")
            m.d.comb += extended.eq(self.i.payload[lane])
            absent = pixel_end if lane >= valid_lanes else Const(0)
            lanes.append(Mux(absent, 0, extended)[:step])
        m.d.comb += self.tdata.eq(Cat(*lanes))
        return m


def _turn(m: Module, name: str, count: int, advance: Value) -> Value:
    """High while a counter of ``count`` turns is in its last."""
    if count == 1:
        return Const(1)
    number = Signal(range(count), name=f"{name}_number")
    last = Signal(name=f"{name}_last")
    m.d.comb += last.eq(number == count - 1)
    with m.If(advance):
        m.d.sync += number.eq(Mux(last, 0, number + 1))
    return last

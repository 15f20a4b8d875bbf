"""FabricTop: PEs, memory tiles, loop control, load port and the elastic border."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.load_port import LoadPort
from hlsgen.rtl_templates.fabric.loop_control import LoopControl
from hlsgen.rtl_templates.fabric.memory_tile import MemoryTile
from hlsgen.rtl_templates.fabric.pe import FabricPe
from hlsgen.rtl_templates.fabric.run_bus import later_run
from hlsgen.rtl_templates.fabric.stream_border import StreamBorder
from hlsgen.rtl_templates.fabric.tile_shape import GridPlace, GridShape
from hlsgen.rtl_templates.loop_contract import LOAD_READ_LATENCY, READ_AHEAD_CYCLES

from hlsgen.algebra.packets import ADDRESS_BITS, LOAD_BITS


class FabricTop(wiring.Component):
    """A whole fabric.

    Members: AXI4-Stream ports ``s_axis_load`` (32 bits), ``m_axis_unload`` (32 bits, tlast ends the answer to a READ), ``s_axis_stream`` and
    ``m_axis_stream`` (words in whole bytes, no tlast; still where the shape has no streams). ``running`` (Out): the array may move; ``enabled`` (Out): it moves in this cycle;
    ``busy`` (Out): a run is in progress; ``refused`` (Out): the program was not for this fabric.

    **Timing**: one enable for the array; tready of ``s_axis_stream`` depends combinationally on its tvalid, those of the others do not.
    Every tvalid is a register.
    **Cost**: that of its units and, in the border, two words of registers.
    **Semantics**: ``hlsgen.cycle_model.program.run_program``, stalls or not.
    """

    def __init__(self, shape: GridShape) -> None:
        self.shape = shape
        self.stream_bits = 8 * -(-shape.word_bits // 8)
        super().__init__(
            {
                **_axis("s_axis_load", LOAD_BITS, In, Out, last=False),
                **_axis("m_axis_unload", LOAD_BITS, Out, In, last=True),
                **_axis("s_axis_stream", self.stream_bits, In, Out, last=False),
                **_axis("m_axis_stream", self.stream_bits, Out, In, last=False),
                **{name: Out(1) for name in ("running", "enabled", "busy", "refused")},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        m.submodules.control = control = LoopControl(shape.control)
        row_latency = LOAD_READ_LATENCY + (0 if shape.streams else 1)
        m.submodules.load_port = load = LoadPort(hash=shape.hash, row_latency=row_latency)
        cells: dict[GridPlace, Any] = {}
        for (row, column), pe_shape in shape.cells:
            cells[row, column] = pe = FabricPe(pe_shape)
            m.submodules[f"pe_{row}_{column}"] = pe
        tiles: list[Any] = []
        for (row, column), source, tile_shape in shape.tiles:
            tile = MemoryTile(tile_shape)
            side = source.removeprefix("memory_")
            m.submodules[f"tile_{side}_{row}_{column}"] = tile
            tiles.append(tile)
        self._wire(m, cells, tiles)
        self._run(m, control, list(cells.values()), tiles)
        self._load(m, load, control, list(cells.values()), tiles)
        if self.shape.streams:
            self._streams(m, control, tiles)
        else:  # no signal of the whole array decides whether it moves
            m.d.comb += control.enable.eq(control.running)
        m.d.comb += [
            control.start.eq(load.start),
            load.busy.eq(control.busy),
            self.busy.eq(control.busy),
            self.running.eq(control.running),
            self.enabled.eq(control.enable),
            self.refused.eq(load.refused),
        ]
        return m

    def _wire(self, m: Module, cells: dict[GridPlace, Any], tiles: list[Any]) -> None:
        """Links, memory words, sources and drain chains."""
        opposite = dict(self.shape.opposite)
        for place, link, target in self.shape.links:
            arriving = getattr(cells[target], f"in_{opposite[link]}")
            m.d.comb += arriving.eq(getattr(cells[place], f"out_{link}"))
        for (place, source, tile_shape), tile in zip(self.shape.tiles, tiles, strict=True):
            m.d.comb += [
                getattr(cells[place], source).eq(tile.word),
                tile.sources.eq(cells[place].sources),
            ]
            if tile_shape.requantiser:
                m.d.comb += tile.drained.eq(cells[place].drain_out)
        if self.shape.drain:
            for (row, column), cell in cells.items():
                if (row, column + 1) in cells:
                    m.d.comb += cell.drain_in.eq(cells[row, column + 1].drain_out)

    def _run(self, m: Module, control: LoopControl, cells: list[Any], tiles: list[Any]) -> None:
        """What loop control says: where nothing holds the array up, through a register, and to PEs as much later as tiles read ahead."""
        to_tiles = to_cells = control.run
        if not self.shape.streams:
            to_tiles = later_run(m, control.run, 1, "tile_run")
            to_cells = later_run(m, to_tiles, READ_AHEAD_CYCLES, "pe_run")
        for units, run in ((tiles, to_tiles), (cells, to_cells)):
            for unit in units:
                for name in control.run.signature.members:
                    m.d.comb += getattr(unit.run, name).eq(getattr(run, name))

    def _load(
        self, m: Module, load: LoadPort, control: LoopControl, cells: list[Any], tiles: list[Any]
    ) -> None:
        """Words to units by their numbers, rows of banks back."""
        m.d.comb += [
            load.i.valid.eq(self.s_axis_load_tvalid),
            load.i.payload.eq(self.s_axis_load_tdata),
            self.s_axis_load_tready.eq(load.i.ready),
            self.m_axis_unload_tvalid.eq(load.o.valid),
            self.m_axis_unload_tdata.eq(load.o.payload.word),
            self.m_axis_unload_tlast.eq(load.o.payload.last),
            load.o.ready.eq(self.m_axis_unload_tready),
        ]
        writes = [unit.write for unit in cells] + [tile.load.write for tile in tiles]
        numbered = [*enumerate(writes), (self.shape.control_unit, control.write)]
        for number, write in numbered:
            m.d.comb += [
                write.valid.eq(load.write & (load.unit == number)),
                write.address.eq(load.address[:ADDRESS_BITS]),
                write.data.eq(load.data),
            ]
        row: Value = Const(0, LOAD_BITS)
        for number, tile in enumerate(tiles, start=len(cells)):
            here = load.read_unit == number
            m.d.comb += [
                tile.load.part.eq(load.address[ADDRESS_BITS:]),
                tile.load.read.eq(load.read & here),
                tile.load.row.eq(load.read_address),
            ]
            row = row | Mux(load.row_unit == number, tile.load.data, 0)
        refused = Cat(tile.load.refused for tile in tiles).any()
        m.d.comb += [load.row.eq(row), load.word_refused.eq(refused)]

    def _streams(self, m: Module, control: LoopControl, tiles: list[Any]) -> None:
        """The array moves where no stream holds it up."""
        m.submodules.border = border = StreamBorder(self.shape.word_bits)
        given: Value = Const(0, self.shape.word_bits)
        for tile in tiles:
            given = given | Mux(tile.gives, tile.given, 0)
        sign = border.o.payload[-1]
        padding = sign.replicate(self.stream_bits - self.shape.word_bits)
        m.d.comb += [
            border.running.eq(control.running),
            border.wants.eq(Cat(tile.wants for tile in tiles).any()),
            border.gives.eq(Cat(tile.gives for tile in tiles).any()),
            border.given.eq(given),
            control.enable.eq(border.enable),
            border.i.valid.eq(self.s_axis_stream_tvalid),
            border.i.payload.eq(self.s_axis_stream_tdata),
            self.s_axis_stream_tready.eq(border.i.ready),
            self.m_axis_stream_tvalid.eq(border.o.valid),
            self.m_axis_stream_tdata.eq(Cat(border.o.payload, padding)),
            border.o.ready.eq(self.m_axis_stream_tready),
        ]
        for tile in tiles:
            m.d.comb += tile.incoming.eq(border.i.payload)


def _axis(prefix: str, bits: int, forward: Any, backward: Any, *, last: bool) -> dict[str, Any]:
    """The members of an AXI4-Stream port."""
    members = {
        f"{prefix}_tdata": forward(bits),
        f"{prefix}_tvalid": forward(1),
        f"{prefix}_tready": backward(1),
    }
    return members | ({f"{prefix}_tlast": forward(1)} if last else {})

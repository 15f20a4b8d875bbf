"""KernelPipeline: the memories of a kernel's arrays, its pipelines, and the streams that fill and empty the memories."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.kernel.loop_pipeline import LoopPipeline
from hlsgen.rtl_templates.kernel.shape import ArrayShape, KernelShape
from hlsgen.rtl_templates.memory_ports import read_port, write_port


class KernelPipeline(wiring.Component):
    """Takes every loaded array, runs the pipelines one after the other, gives every output array, and begins again.

    Members: ``load_<array>`` (In), ``give_<array>`` (Out): streams of words of one element, row-major.

    Timing: ``loop_contract.kernel_pipeline_cycles``; an element a cycle on each stream; ``running`` is high while a pipeline runs. ``i.ready`` and ``o.valid`` depend on
    registers only.
    Cost: a memory of ``size`` elements per array, with a copy for each load that reads it in the same pipeline.
    """

    def __init__(self, shape: KernelShape) -> None:
        self.shape = shape
        members: dict[str, object] = {"running": Out(1)}
        for array in shape.arrays:
            word = stream.Signature(data.ArrayLayout(Shape(array.element_bits, array.signed), 1))
            if array.loaded:
                members[f"load_{array.name}"] = In(word)
            if array.given:
                members[f"give_{array.name}"] = Out(word)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        filling, giving = Signal(init=1, name="filling"), Signal(name="giving")
        present = Signal(range(len(self.shape.pipelines) + 1), name="present")
        units = []
        for number, shape in enumerate(self.shape.pipelines):
            unit = LoopPipeline(shape)
            m.submodules[f"pipeline_{number}"] = unit
            units.append(unit)
        filled, given = Const(1), Const(1)
        for number, array in enumerate(self.shape.arrays):
            bank = ArrayMemory(array, self._ports(number))
            m.submodules[f"array_{array.name}"] = bank
            self._connect(m, number, bank, units, present)
            m.d.comb += [bank.filling.eq(filling), bank.giving.eq(giving)]
            filled, given = filled & bank.filled, given & bank.given
            if array.loaded:
                wiring.connect(m, wiring.flipped(getattr(self, f"load_{array.name}")), bank.i)
            if array.given:
                wiring.connect(m, bank.o, wiring.flipped(getattr(self, f"give_{array.name}")))
        done = Array([unit.done for unit in units])[present]
        starting = Signal(name="starting")
        m.d.comb += self.running.eq(~filling & ~giving)
        m.d.sync += starting.eq(0)
        with m.If(filling):
            with m.If(filled):
                m.d.sync += [filling.eq(0), present.eq(0), starting.eq(1)]
        with m.Elif(giving):
            with m.If(given):
                m.d.sync += [giving.eq(0), filling.eq(1)]
        with m.Elif(done):
            m.d.sync += present.eq(present + 1)
            with m.If(present == len(units) - 1):
                m.d.sync += giving.eq(1)
            with m.Else():
                m.d.sync += starting.eq(1)
        for number, unit in enumerate(units):
            m.d.comb += unit.start.eq(starting & (present == number))
        return m

    def _ports(self, array: int) -> int:
        """Read ports of an array: as many as the loads of one pipeline, one at least where it is given."""
        most = max(reads.count(array) for reads in self.shape.reads)
        return max(most, int(self.shape.arrays[array].given))

    def _connect(
        self, m: Module, array: int, bank: ArrayMemory, units: list[LoopPipeline], present: Signal
    ) -> None:
        """The ports of the pipelines that belong to an array; the pipeline that is present has them."""
        for number, unit in enumerate(units):
            here = present == number
            mine = [port for port, owner in enumerate(self.shape.reads[number]) if owner == array]
            for slot, port in enumerate(mine):
                with m.If(here):
                    m.d.comb += bank.address[slot].eq(getattr(unit, f"read_address_{port}"))
                m.d.comb += getattr(unit, f"read_data_{port}").eq(bank.data[slot])
            for port, owner in enumerate(self.shape.writes[number]):
                if owner == array:
                    with m.If(here & getattr(unit, f"write_enable_{port}")):
                        m.d.comb += [
                            bank.write_enable.eq(1),
                            bank.write_address.eq(getattr(unit, f"write_address_{port}")),
                            bank.write_data.eq(getattr(unit, f"write_data_{port}")),
                        ]


class ArrayMemory(wiring.Component):
    """The memory of one array, its stream in and its stream out.

    Members: ``i``, ``o``: streams of elements (where it is loaded, given). ``filling``: elements are taken, or cleared;
    ``filled``: that is done. ``giving``, ``given``: the same for ``o``. ``address``, ``data``: read ports, which answer in the
    next cycle. ``write_*``: the write port of the pipelines.
    """

    def __init__(self, array: ArrayShape, ports: int) -> None:
        self.array, self.ports = array, ports
        bits = max(1, (array.size - 1).bit_length())
        word = stream.Signature(data.ArrayLayout(Shape(array.element_bits, array.signed), 1))
        super().__init__(
            {
                "filling": In(1),
                "filled": Out(1),
                "giving": In(1),
                "given": Out(1),
                "address": In(data.ArrayLayout(bits, max(1, ports))),
                "data": Out(data.ArrayLayout(array.element_bits, max(1, ports))),
                "write_enable": In(1),
                "write_address": In(bits),
                "write_data": In(array.element_bits),
                **({"i": In(word)} if array.loaded else {}),
                **({"o": Out(word)} if array.given else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        array = self.array
        init = [value % (1 << array.element_bits) for value in array.values or ()]
        m.submodules.memory = store = memory.Memory(
            shape=array.element_bits, depth=array.size, init=init
        )
        self._fill(m, write_port(store))
        addresses: list[Value] = [self.address[k] for k in range(max(1, self.ports))]
        if array.given:
            addresses[0] = Mux(self.giving, self._give(m), addresses[0])
        else:
            m.d.comb += self.given.eq(1)
        for number in range(self.ports):
            port = read_port(store, f"read_{number}")
            m.d.comb += [port.addr.eq(addresses[number]), self.data[number].eq(port.data)]
        return m

    def _fill(self, m: Module, port: Any) -> None:
        """The write port: elements of the stream, or zeros, then what the pipelines store."""
        array = self.array
        fills = array.loaded or array.cleared
        count, moving = Signal(range(array.size + 1), name="taken"), Signal(name="moving")
        if array.loaded:
            m.d.comb += [
                self.i.ready.eq(self.filling & ~self.filled),
                moving.eq(self.i.ready & self.i.valid),
            ]
        else:
            m.d.comb += moving.eq(self.filling & ~self.filled)
        m.d.comb += self.filled.eq(count == array.size if fills else 1)
        if fills:
            with m.If(~self.filling):
                m.d.sync += count.eq(0)
            with m.Elif(moving):
                m.d.sync += count.eq(count + 1)
        write_data = self.i.payload[0] if array.loaded else Const(0)
        m.d.comb += [
            port.addr.eq(Mux(self.filling, count, self.write_address)),
            port.data.eq(Mux(self.filling, write_data, self.write_data)),
            port.en.eq(Mux(self.filling, moving if fills else 0, self.write_enable)),
        ]

    def _give(self, m: Module) -> Value:
        """The stream out; returns the address whose element is wanted in the next cycle."""
        count = Signal(range(self.array.size + 1), name="sent")
        valid, following = Signal(name="valid"), Signal.like(count, name="following")
        m.d.comb += [
            following.eq(count + (valid & self.o.ready)),
            self.given.eq(count == self.array.size),
            self.o.valid.eq(valid),
            self.o.payload[0].eq(self.data[0]),
        ]
        with m.If(self.giving):
            m.d.sync += [count.eq(following), valid.eq(following != self.array.size)]
        with m.Else():
            m.d.sync += count.eq(0)
        return following

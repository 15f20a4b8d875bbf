"""MemoryTile: a bank at the border of a fabric with address generators, contexts, and a requantiser in its write path."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.address_generator import AddressGenerator
from hlsgen.rtl_templates.fabric.choice import chosen
from hlsgen.rtl_templates.fabric.run_bus import (
    RunSignature,
    WriteSignature,
    drained_word,
    marked_word,
    own_run,
    own_write,
)
from hlsgen.rtl_templates.fabric.settings import Settings
from hlsgen.rtl_templates.fabric.tile_bank import TileBank
from hlsgen.rtl_templates.fabric.tile_decoder import TileDecoder
from hlsgen.rtl_templates.fabric.tile_requantise import TileRequantiser
from hlsgen.rtl_templates.fabric.tile_shape import TileShape
from hlsgen.rtl_templates.loop_contract import TILE_REQUANTISE_LATENCY
from hlsgen.rtl_templates.shared_unit import SharedUnit

from hlsgen.algebra.fields import members
from hlsgen.algebra.modes import ELEMENT_BITS
from hlsgen.algebra.packets import ADDRESS_BITS, LOAD_BITS

#: Parts of a tile, in the four bits above an address.
BANK, CONFIGURATION, STEPS, PARAMETERS = range(4)


class TileLoadSignature(wiring.Signature):
    """The load port at a tile: ``write`` with the part of the tile; ``read``: row ``row`` of the bank is ``data`` in the next cycle."""

    def __init__(self, row_bits: int) -> None:
        super().__init__(
            {
                "write": Out(WriteSignature()),
                "part": Out(4),
                "held": In(1),
                "read": Out(1),
                "row": Out(row_bits),
                "data": In(LOAD_BITS),
            }
        )


class MemoryTile(SharedUnit):
    """One tile, as docs/grid.md, "Memory tile", says.

    Members: ``run`` (In): from loop control. ``load`` (In): from the load port; ``load.held``: a write of the bank has to be offered again, for
    the array writes in this cycle. ``sources`` (In): words of the cell's registered sources. ``word`` (Out): the word read, with its marks.
    ``drained`` (In), where there is a requantiser: the chain's western end. ``incoming`` (In): the word of the input stream; ``wants``
    (Out): it is needed in this cycle. ``gives`` (Out): ``given`` (Out) must go to the output stream in this cycle. ``wants`` and ``gives`` are of no
    value outside a run.

    **Timing**: a read in cycle t is ``word`` in cycle t + 1; the element written in cycle t is read from cycle t + 1 on.
    **Cost**: the bank, an AddressGenerator each, a TileRequantiser where there is one with ``latency`` addresses beside it.
    **Semantics**: ``hlsgen.fabric.configuration.TileConfiguration``.
    """

    unit_name = "tile"

    def __init__(self, shape: TileShape) -> None:
        self.shape = shape
        ports: dict[str, Any] = {
            "run": In(RunSignature(shape.run)),
            "load": In(TileLoadSignature(shape.row_bits)),
            "sources": In(data.ArrayLayout(shape.word_bits, shape.sources)),
            "word": Out(marked_word(shape.word_bits)),
            "incoming": In(shape.word_bits),
            "wants": Out(1),
            "gives": Out(1),
            "given": Out(shape.word_bits),
        }
        if shape.requantiser:
            ports["drained"] = In(drained_word(shape.requantiser.word_bits))
        super().__init__(ports)

    @property
    def key(self) -> Hashable:
        return self.shape

    @property
    def kept_apart(self) -> bool:
        """Where it has registers of its own for what loop control says."""
        return not self.shape.run.streams

    def circuit(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        self._run = own_run(m, self.run)
        m.submodules.bank = bank = TileBank(bits=shape.bits, address_bits=shape.address_bits)
        m.submodules.decoder = self._decoder = decoder = TileDecoder(shape)
        groups = {f"read{k}": members(g.fields) for k, g in enumerate(shape.reads)}
        groups |= {f"write{k}": members(g.fields) for k, g in enumerate(shape.writes)}
        groups["plain"] = members(shape.plain)
        if shape.requantiser:
            groups["requantiser"] = members(shape.requantiser.fields)
        layout = data.StructLayout({n: data.StructLayout(f) for n, f in groups.items()})
        m.submodules.settings = settings = Settings(layout, base=shape.rest_address)
        self._active = settings.active
        wiring.connect(m, self._run, decoder.run)
        self._held = Signal(name="held")
        self._load = load = self._own_load(m)
        begin = Signal(name="begin")
        m.d.sync += begin.eq(self._run.clear)
        for part, write in ((CONFIGURATION, decoder.write), (CONFIGURATION, settings.write)):
            m.d.comb += _offered(write, load, part)
        m.d.comb += settings.swap.eq(self._run.swap)
        requantiser = self._requantiser(m)
        reads = self._generators(m, "read", begin, None)
        writes = self._generators(m, "write", begin, requantiser)
        words = [Value.cast(self.sources[k]) for k in range(shape.sources)]
        self._read(m, bank, reads, words)
        self._write(m, bank, writes, words, requantiser)
        row = load.write.address[: shape.row_bits]
        m.d.comb += [
            bank.read_row.eq(self.load.read),
            bank.read_row_address.eq(self.load.row),
            bank.fill_row.eq(row),
            bank.fill_data.eq(load.write.data),
            self.load.data.eq(bank.row),
        ]
        return m

    def _own_load(self, m: Module) -> _Load:
        """What the load port writes, through registers of the tile's own where there are no streams; they wait while the array writes the bank."""
        load, streams = self.load, self.shape.run.streams
        write = own_write(m, load.write, self.shape.run, self._held)
        part = Signal.like(load.part, reset_less=True, name="own_part")
        with m.If(~self._held):
            m.d.sync += part.eq(load.part)
        m.d.comb += load.held.eq(self._held & (1 if streams else load.write.valid))
        return _Load(write, load.part if streams else part)

    def _requantiser(self, m: Module) -> TileRequantiser | None:
        shape = self.shape.requantiser
        if shape is None:
            return None
        m.submodules.requantiser = unit = TileRequantiser(shape)
        m.d.comb += [
            unit.enable.eq(self._run.enable),
            unit.clear.eq(self._run.clear),
            unit.drained.eq(self.drained),
            unit.configuration.eq(self._active.requantiser.as_value()),
            *_offered(unit.write, self._load, PARAMETERS),
        ]
        return unit

    def _generators(
        self, m: Module, port: str, begin: Signal, requantiser: TileRequantiser | None
    ) -> list[AddressGenerator]:
        """The generators of a port; those that are driven by data step with the results of the requantiser."""
        shapes = self.shape.reads if port == "read" else self.shape.writes
        units = [AddressGenerator(shape) for shape in shapes]
        for k, unit in enumerate(units):
            m.submodules[f"{port}_generator_{k}"] = unit
            setting = self._active[f"{port}{k}"]
            advance: Value = self._run.last_slot
            if requantiser is not None:
                chosen_one = self._active.requantiser.generator == k
                result = requantiser.completes & chosen_one
                advance = Mux(setting.data_driven, result, advance)
            index = k + (len(self.shape.reads) if port == "write" else 0)
            m.d.comb += [
                unit.clear.eq(self._run.clear),
                unit.begin.eq(begin),
                unit.half.eq(self._run.half),
                *_offered(unit.write, self._load, STEPS, self._is_for(index)),
                unit.configuration.eq(setting),
                unit.advance.eq(self._run.enable & advance),
                getattr(self._decoder, f"{port}_base_{k}").eq(setting.base),
            ]
        return units

    def _is_for(self, index: int) -> Value:
        """Whether an address of steps is one of the generator with that number; write generators follow read generators."""
        pitch_bits = (self.shape.steps_pitch - 1).bit_length()
        return self._load.write.address[pitch_bits:ADDRESS_BITS] == index

    def _address(self, port: str, units: list[AddressGenerator], words: list[Value]) -> Value:
        """Of the issued access: the walk of its generator, or its index, plus its offset."""
        issued, bits = self._decoder.issued, self.shape.address_bits
        indices = [
            word.as_signed()[:bits] if len(word) >= bits else _grown(word, bits) for word in words
        ]
        walk = chosen(issued[f"{port}_generator"], [Value.cast(unit.walk) for unit in units])
        index = chosen(issued[f"{port}_index"], indices) & issued[f"{port}_mask"]
        return Mux(issued[f"{port}_indexed"], index, walk) + issued[f"{port}_offset"]

    def _read(
        self, m: Module, bank: TileBank, units: list[AddressGenerator], words: list[Value]
    ) -> None:
        shape, run, issued = self.shape, self._run, self._decoder.issued
        selection = issued.read_generator
        address = Signal(shape.address_bits, name="read_at")
        walking = issued.read_affine | issued.read_address
        valid = Signal(name="read_valid")
        m.d.comb += [
            address.eq(self._address("read", units, words)),
            valid.eq(chosen(selection, [unit.valid for unit in units])),
            self.wants.eq(issued.read_stream),
            bank.read.eq(run.enable),
            bank.read_address.eq(address),
        ]
        # What the next cycle shows: an element of the bank, or a word that is known already.
        from_bank, extended, padded = (
            Signal(name="from_bank"),
            Signal(name="extended"),
            Signal(name="padded"),
        )
        known = Signal(shape.word_bits, name="known")
        sign = issued.read_signed & address[-1]
        own = Cat(address, sign.replicate(max(0, shape.word_bits - shape.address_bits)))
        with m.If(run.enable):
            m.d.sync += [
                from_bank.eq(issued.read_indexed | (issued.read_affine & valid)),
                extended.eq(issued.read_signed),
                known.eq(
                    Mux(issued.read_stream, self.incoming, 0)
                    | Mux(issued.read_address & valid, own[: shape.word_bits], 0)
                ),
            ]
            for edge in ("first", "last"):
                marks = chosen(selection, [getattr(unit, f"{edge}_mark") for unit in units])
                m.d.sync += self.word[edge].eq(marks & walking)
            if shape.reads[0].padding:
                inside = chosen(selection, [unit.inside for unit in units])
                m.d.sync += padded.eq(issued.read_affine & ~inside)
        with m.If(run.clear):
            m.d.sync += [from_bank.eq(0), known.eq(0), self.word.first.eq(0), self.word.last.eq(0)]
        element: Value = bank.element
        if shape.reads[0].padding:
            element = Mux(padded, self._active.plain.padding, element)
        whole = Cat(element, (element[-1] & extended).replicate(LOAD_BITS))[: shape.word_bits]
        m.d.comb += self.word.word.eq(Mux(from_bank, whole, known))

    def _write(
        self,
        m: Module,
        bank: TileBank,
        units: list[AddressGenerator],
        words: list[Value],
        requantiser: TileRequantiser | None,
    ) -> None:
        shape, issued = self.shape, self._decoder.issued
        selection = issued.write_generator
        valid = chosen(selection, [unit.valid for unit in units])
        last = chosen(selection, [Value.cast(unit.last) for unit in units])
        true = issued.write_always | (issued.write_predicate & Cat(w[0] for w in words)).any()
        due, stores = Signal(name="due"), Signal(name="stores")
        word = Signal(signed(max(shape.word_bits, LOAD_BITS)), name="word_to_write")
        incoming = Mux(issued.write_incoming, self.incoming, chosen(issued.write_data, words))
        address = Signal(shape.address_bits, name="write_at")
        m.d.comb += [
            due.eq(true & (issued.write_stream | (valid & (last | issued.write_any).all()))),
            word.eq(incoming.as_signed()),
            address.eq(self._address("write", units, words)),
            stores.eq(due & (issued.write_affine | issued.write_indexed)),
            self.gives.eq(due & issued.write_stream),
            self.given.eq(word),
        ]
        with m.If(issued.write_incoming & due):
            m.d.comb += self.wants.eq(1)
        element = Signal(shape.bits, name="element")
        m.d.comb += element.eq(word)
        for code, bits in enumerate(ELEMENT_BITS):
            if bits < shape.bits:
                with m.If(issued.write_element == code):
                    sign = word[bits - 1] & issued.write_signed
                    m.d.comb += element.eq(Cat(word[:bits], sign.replicate(shape.bits)))
        write = self._run.enable & stores
        offered = self._load.write.valid & (self._load.part == BANK)
        m.d.comb += [
            bank.write_address.eq(address),
            bank.write_data.eq(element),
            bank.write.eq(write),
        ]
        if requantiser is not None:
            write = write | self._finished(m, bank, units, requantiser)
        m.d.comb += [bank.fill.eq(offered & ~write), self._held.eq(offered & write)]

    def _finished(
        self,
        m: Module,
        bank: TileBank,
        units: list[AddressGenerator],
        requantiser: TileRequantiser,
    ) -> Value:
        """Writes of the requantiser's results: addresses wait beside them. True in the cycle of such a write."""
        shape, enable = self.shape, self._run.enable
        assert shape.requantiser is not None
        number = self._active.requantiser.generator
        selection = Cat(number == k for k in range(len(units)))
        bases = [Value.cast(self._active[f"write{k}"].base) for k in range(len(units))]
        here = chosen(selection, [Value.cast(unit.walk) for unit in units]) + chosen(
            selection, bases
        )
        m.d.comb += requantiser.row.eq(
            chosen(selection, [Value.cast(unit.parameter) for unit in units])
        )
        target: Value = Cat(
            here[: shape.address_bits], chosen(selection, [unit.valid for unit in units])
        )
        for k in range(TILE_REQUANTISE_LATENCY):
            register = Signal(len(target), reset_less=True, name=f"address_{k}")
            with m.If(enable):
                m.d.sync += register.eq(target)
            target = register
        due = Signal(name="result_due")
        m.d.comb += due.eq(enable & requantiser.valid & target[-1])
        with m.If(due):
            m.d.comb += [
                bank.write.eq(1),
                bank.write_address.eq(target[: shape.address_bits]),
                bank.write_data.eq(requantiser.result),
            ]
        return due


@dataclass(frozen=True)
class _Load:
    """A word of the load port for a part of the tile."""

    write: Any
    part: Value


def _grown(word: Value, bits: int) -> Value:
    """A signed word in more bits."""
    return Cat(word, word[-1].replicate(bits - len(word)))


def _offered(write: Any, load: Any, part: int, inside: Value | int = 1) -> list[Any]:
    """Assignments that hand the load port's words for one part of the tile on, those ``inside`` a range of it."""
    return [
        write.valid.eq(load.write.valid & (load.part == part) & inside),
        write.address.eq(load.write.address[:ADDRESS_BITS]),
        write.data.eq(load.write.data),
    ]

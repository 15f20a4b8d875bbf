"""MemoryTile: a bank at the border of a fabric with address generators, contexts, and a requantiser in its write path."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.address_generator import AddressGenerator
from hlsgen.rtl_templates.fabric.choice import chosen
from hlsgen.rtl_templates.fabric.run_bus import (
    BANK,
    CONFIGURATION,
    PARAMETERS,
    STEPS,
    RunSignature,
    TileLoadSignature,
    drained_word,
    later_run,
    marked_word,
    own_run,
    own_write,
)
from hlsgen.rtl_templates.fabric.settings import Settings
from hlsgen.rtl_templates.fabric.tile_bank import TileBank
from hlsgen.rtl_templates.fabric.tile_decoder import TileDecoder
from hlsgen.rtl_templates.fabric.tile_requantise import TileRequantiser
from hlsgen.rtl_templates.fabric.tile_shape import TileShape
from hlsgen.rtl_templates.loop_contract import READ_AHEAD_CYCLES, TILE_REQUANTISE_LATENCY
from hlsgen.rtl_templates.shared_unit import SharedUnit

from hlsgen.algebra.fields import members
from hlsgen.algebra.modes import ELEMENT_BITS
from hlsgen.algebra.packets import ADDRESS_BITS, LOAD_BITS


class MemoryTile(SharedUnit):
    """One tile, as docs/grid.md, "Memory tile", says.

    Members: ``run`` (In): from loop control. ``load`` (In): from the load port; ``load.refused``: a write of the bank has to be offered again, for
    the array writes. ``sources`` (In): words of the cell's registered sources. ``word`` (Out): the word read, with its marks.
    ``drained`` (In), where there is a requantiser: the chain's western end. ``incoming`` (In): the word of the input stream; ``wants``
    (Out): it is needed in this cycle. ``gives`` (Out): ``given`` (Out) must go to the output stream in this cycle. ``wants`` and ``gives`` are of no
    value outside a run.

    **Timing**: a read in cycle t is ``word`` in cycle t + 1; the element written in cycle t is read from cycle t + 1 on. Where the shape has no streams,
    reads are ``loop_contract.READ_AHEAD_CYCLES`` ahead: indices are words of so many cycles ago, and what is written is read so much later.
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
        m.submodules.bank = bank = TileBank(
            bits=shape.bits, address_bits=shape.address_bits, registered=not shape.run.streams
        )
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
        self._written = self._writing(m)
        self._held = Signal(name="held")
        self._load = load = self._own_load(m)
        for part, write in ((CONFIGURATION, decoder.write), (CONFIGURATION, settings.write)):
            m.d.comb += _offered(write, load, part)
        m.d.comb += settings.swap.eq(self._run.swap)
        requantiser = self._requantiser(m)
        reads = self._generators(m, "read", self._run, None)
        writes = self._generators(m, "write", self._written.run, requantiser)
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

    def _writing(self, m: Module) -> _Written:
        """Loop control and the issued context for writes and the requantiser: those of the array's cycle."""
        issued = self._decoder.issued
        if self.shape.run.streams:
            return _Written(self._run, issued)
        for k in range(READ_AHEAD_CYCLES):
            later = Signal.like(issued, reset_less=True, name=f"issued_{k}")
            m.d.sync += later.eq(issued)
            issued = later
        return _Written(later_run(m, self._run, READ_AHEAD_CYCLES, "write_run"), issued)

    def _own_load(self, m: Module) -> _Load:
        """What the load port writes, through registers of the tile's own where there are no streams; they wait while the array writes the bank."""
        load, streams = self.load, self.shape.run.streams
        write = own_write(m, load.write, self.shape.run, self._held)
        part = Signal.like(load.part, reset_less=True, name="own_part")
        with m.If(~self._held):
            m.d.sync += part.eq(load.part)
        m.d.sync += load.refused.eq(self._held & load.write.valid)
        return _Load(write, load.part if streams else part)

    def _requantiser(self, m: Module) -> TileRequantiser | None:
        shape = self.shape.requantiser
        if shape is None:
            return None
        m.submodules.requantiser = unit = TileRequantiser(shape)
        m.d.comb += [
            unit.enable.eq(self._written.run.enable),
            unit.clear.eq(self._written.run.clear),
            unit.drained.eq(self.drained),
            unit.configuration.eq(self._active.requantiser.as_value()),
            *_offered(unit.write, self._load, PARAMETERS),
        ]
        return unit

    def _generators(
        self, m: Module, port: str, run: Any, requantiser: TileRequantiser | None
    ) -> list[AddressGenerator]:
        """The generators of a port; those that are driven by data step with the results of the requantiser."""
        begin = Signal(name=f"begin_{port}")
        m.d.sync += begin.eq(run.clear)
        shapes = self.shape.reads if port == "read" else self.shape.writes
        units = [AddressGenerator(shape) for shape in shapes]
        for k, unit in enumerate(units):
            m.submodules[f"{port}_generator_{k}"] = unit
            setting = self._active[f"{port}{k}"]
            advance: Value = run.last_slot
            if requantiser is not None:
                chosen_one = self._active.requantiser.generator == k
                result = requantiser.completes & chosen_one
                advance = Mux(setting.data_driven, result, advance)
            index = k + (len(self.shape.reads) if port == "write" else 0)
            m.d.comb += [
                unit.clear.eq(run.clear),
                unit.begin.eq(begin),
                unit.half.eq(run.half),
                *_offered(unit.write, self._load, STEPS, self._is_for(index)),
                unit.configuration.eq(setting),
                unit.advance.eq(run.enable & advance),
                getattr(self._decoder, f"{port}_base_{k}").eq(setting.base),
            ]
        return units

    def _issued(self, port: str) -> Any:
        """What a port does in this cycle."""
        return self._decoder.issued if port == "read" else self._written.issued

    def _is_for(self, index: int) -> Value:
        """Whether an address of steps is one of the generator with that number; write generators follow read generators."""
        pitch_bits = (self.shape.steps_pitch - 1).bit_length()
        return self._load.write.address[pitch_bits:ADDRESS_BITS] == index

    def _address(self, port: str, units: list[AddressGenerator], words: list[Value]) -> Value:
        """Of the issued access: the walk of its generator, or its index, plus its offset."""
        issued, bits = self._issued(port), self.shape.address_bits
        place = chosen(issued[f"{port}_generator"], [Value.cast(unit.walk) for unit in units])
        modes = self.shape.read_modes if port == "read" else self.shape.write_modes
        if "indexed" in modes:
            indices = [Cat(word, word[-1].replicate(bits))[:bits] for word in words]
            index = chosen(issued[f"{port}_index"], indices) & issued[f"{port}_mask"]
            place = Mux(issued[f"{port}_indexed"], index, place)
        return place + issued[f"{port}_offset"]

    def _read(
        self, m: Module, bank: TileBank, units: list[AddressGenerator], words: list[Value]
    ) -> None:
        shape, run, issued = self.shape, self._run, self._decoder.issued
        selection = issued.read_generator
        address = Signal(shape.address_bits, name="read_at")
        valid = Signal(name="read_valid")
        m.d.comb += [
            address.eq(self._address("read", units, words)),
            valid.eq(chosen(selection, [unit.valid for unit in units])),
            bank.read.eq(run.enable),
            bank.read_address.eq(address),
        ]
        # What the next cycle shows: an element of the bank, or a word that is known already.
        shown = Signal(
            data.StructLayout({"bank": 1, "extended": 1, "padded": 1, "first": 1, "last": 1}),
            reset_less=True,
            name="shown",
        )
        known: Value = Const(0, shape.word_bits)
        walking: Value = issued.read_affine
        if shape.run.streams:
            known = self._known(m, address, valid)
            walking = walking | issued.read_address
        with m.If(run.enable):
            m.d.sync += [
                shown.bank.eq(issued.read_indexed | (issued.read_affine & valid)),
                shown.extended.eq(issued.read_signed),
            ]
            for edge in ("first", "last"):
                marks = chosen(selection, [getattr(unit, f"{edge}_mark") for unit in units])
                m.d.sync += shown[edge].eq(marks & walking)
            if shape.reads[0].padding:
                inside = chosen(selection, [unit.inside for unit in units])
                m.d.sync += shown.padded.eq(issued.read_affine & ~inside)
        with m.If(run.clear):
            m.d.sync += [shown.bank.eq(0), shown.first.eq(0), shown.last.eq(0)]
        self._show(m, bank, shown, known)

    def _known(self, m: Module, address: Value, valid: Value) -> Value:
        """A word that is not the bank's: the address itself, or that of the input stream."""
        shape, run, issued = self.shape, self._run, self._decoder.issued
        known = Signal(shape.word_bits, name="known")
        sign = issued.read_signed & address[-1]
        own = Cat(address, sign.replicate(max(0, shape.word_bits - shape.address_bits)))
        m.d.comb += self.wants.eq(issued.read_stream)
        with m.If(run.enable):
            m.d.sync += known.eq(
                Mux(issued.read_stream, self.incoming, 0)
                | Mux(issued.read_address & valid, own[: shape.word_bits], 0)
            )
        with m.If(run.clear):
            m.d.sync += known.eq(0)
        return known

    def _show(self, m: Module, bank: TileBank, shown: Any, known: Value) -> None:
        """The word of the access that ``shown`` belongs to; where reads are ahead, behind the registers of bank and word."""
        shape = self.shape
        if not shape.run.streams:
            later = Signal.like(shown, reset_less=True, name="shown_later")
            m.d.sync += later.eq(shown)
            shown = later
        element: Value = bank.element
        if shape.reads[0].padding:
            element = Mux(shown.padded, self._active.plain.padding, element)
        whole = Cat(element, (element[-1] & shown.extended).replicate(LOAD_BITS))
        word = Cat(Mux(shown.bank, whole[: shape.word_bits], known), shown.first, shown.last)
        if shape.run.streams:
            m.d.comb += self.word.as_value().eq(word)
            return
        register = Signal(len(word), reset_less=True, name="word_shown")
        m.d.sync += register.eq(word)
        m.d.comb += self.word.as_value().eq(register)

    def _write(
        self,
        m: Module,
        bank: TileBank,
        units: list[AddressGenerator],
        words: list[Value],
        requantiser: TileRequantiser | None,
    ) -> None:
        shape, issued = self.shape, self._written.issued
        selection = issued.write_generator
        valid = chosen(selection, [unit.valid for unit in units])
        last = chosen(selection, [Value.cast(unit.last) for unit in units])
        walks = valid & (last | issued.write_any).all()
        stores = Signal(name="stores")
        incoming = chosen(issued.write_data, words)
        word = Signal(signed(max(shape.word_bits, LOAD_BITS)), name="word_to_write")
        address = Signal(shape.address_bits, name="write_at")
        if shape.run.streams:
            incoming = Mux(issued.write_incoming, self.incoming, incoming)
            m.d.comb += stores.eq(self._due(m, walks, words, word))
        else:
            m.d.comb += stores.eq(issued.write_affine & walks)
        m.d.comb += [
            word.eq(incoming.as_signed()),
            address.eq(self._address("write", units, words)),
        ]
        element = Signal(shape.bits, name="element")
        m.d.comb += element.eq(word)
        for code, bits in enumerate(ELEMENT_BITS):
            if bits < shape.bits:
                with m.If(issued.write_element == code):
                    sign = word[bits - 1] & issued.write_signed
                    m.d.comb += element.eq(Cat(word[:bits], sign.replicate(shape.bits)))
        write = self._written.run.enable & stores
        offered = self._load.write.valid & (self._load.part == BANK)
        m.d.comb += [
            bank.write_address.eq(address),
            bank.write_data.eq(element),
            bank.write.eq(write),
        ]
        if requantiser is not None:
            write = write | self._finished(m, bank, units, requantiser)
        m.d.comb += [bank.fill.eq(offered & ~write), self._held.eq(offered & write)]

    def _due(self, m: Module, walks: Value, words: list[Value], word: Value) -> Value:
        """Whether a write of the bank is due, where writes have predicates; and what goes from and to the streams."""
        issued = self._written.issued
        true = issued.write_always | (issued.write_predicate & Cat(w[0] for w in words)).any()
        due = Signal(name="due")
        m.d.comb += [
            due.eq(true & (issued.write_stream | walks)),
            self.gives.eq(due & issued.write_stream),
            self.given.eq(word),
        ]
        with m.If(issued.write_incoming & due):
            m.d.comb += self.wants.eq(1)
        return due & (issued.write_affine | issued.write_indexed)

    def _finished(
        self,
        m: Module,
        bank: TileBank,
        units: list[AddressGenerator],
        requantiser: TileRequantiser,
    ) -> Value:
        """Writes of the requantiser's results: addresses wait beside them. True in the cycle of such a write."""
        shape, enable = self.shape, self._written.run.enable
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
class _Written:
    """What the write port is told: where reads are ahead, later than they are."""

    run: Any
    issued: Any


@dataclass(frozen=True)
class _Load:
    """A word of the load port for a part of the tile."""

    write: Any
    part: Value


def _offered(write: Any, load: Any, part: int, inside: Value | int = 1) -> list[Any]:
    """Assignments that hand the load port's words for one part of the tile on, those ``inside`` a range of it."""
    return [
        write.valid.eq(load.write.valid & (load.part == part) & inside),
        write.address.eq(load.write.address[:ADDRESS_BITS]),
        write.data.eq(load.write.data),
    ]

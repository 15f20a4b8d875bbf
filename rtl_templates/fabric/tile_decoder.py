"""TileDecoder: turns the contexts of a memory tile into selections, a cycle before they are issued."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.choice import among
from hlsgen.rtl_templates.fabric.context_memory import ContextMemory, issue
from hlsgen.rtl_templates.fabric.line_taps import LineTaps
from hlsgen.rtl_templates.fabric.run_bus import RunSignature, WriteSignature
from hlsgen.rtl_templates.fabric.tile_shape import TileShape


class Access(data.StructLayout):
    """What a tile does in one cycle: one bit per choice, all zero for nothing.

    ``read_<mode>``, ``write_<mode>``; ``<port>_generator``; ``<port>_offset``: with the base of the generator, where it is used;
    ``<port>_index``: sources; ``<port>_mask``: of the index; ``<port>_signed``. ``write_data``: sources. Where the shape has streams,
    ``write_incoming``: the input stream; ``write_predicate``: sources, ``write_always``: it is true anyway. ``write_any``: loops that need not be at their last trip;
    ``write_element``: code of the bits that are kept (8, 16, 32).
    """

    def __init__(self, shape: TileShape) -> None:
        members: dict[str, Any] = {}
        for port, modes, generators in (
            ("read", shape.read_modes, shape.reads),
            ("write", shape.write_modes, shape.writes),
        ):
            members |= {f"{port}_{mode}": 1 for mode in modes[1:]}
            members |= {
                f"{port}_generator": len(generators),
                f"{port}_offset": shape.address_bits,
                f"{port}_signed": 1,
            }
            if "indexed" in modes:
                members |= {f"{port}_index": shape.sources, f"{port}_mask": shape.address_bits}
        members |= {"write_data": shape.sources, "write_any": shape.loops, "write_element": 2}
        if shape.run.streams:
            members |= {"write_incoming": 1, "write_predicate": shape.sources, "write_always": 1}
        super().__init__(members)


class TileDecoder(wiring.Component):
    """Context memory and decoder of a tile.

    Members: ``run``, ``write`` (In). ``read_base_<k>``, ``write_base_<k>`` (In): bases of the generators. ``issued`` (Out, registers): the access of
    this cycle.

    **Timing**: decoded in the cycle before issue, as PeDecoder does. **Cost**: a ContextMemory, and a register per bit of Access.
    **Semantics**: ``hlsgen.fabric.configuration.ReadContext`` and ``WriteContext``; nothing where the unit was not written.
    """

    def __init__(self, shape: TileShape) -> None:
        self.shape = shape
        bases = {
            f"{port}_base_{k}": In(shape.address_bits)
            for port, generators in (("read", shape.reads), ("write", shape.writes))
            for k in range(len(generators))
        }
        super().__init__(
            {
                "run": In(RunSignature(shape.run)),
                "write": In(WriteSignature()),
                "issued": Out(Access(shape)),
                **bases,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        shape = self.shape
        m.submodules.contexts = contexts = ContextMemory(shape.run, shape.contexts)
        wiring.connect(m, wiring.flipped(self.run), contexts.run)
        wiring.connect(m, wiring.flipped(self.write), contexts.write)
        self._coming = contexts.coming
        coming = {
            **self._port(m, "read", shape.read_modes),
            **self._port(m, "write", shape.write_modes),
        }
        source, when = self._coming.write_data, self._coming.write_when
        coming |= {
            "write_data": Cat(source == 1 + k for k in range(shape.sources)),
            "write_any": Cat((when == 0) | (when > k + 1) for k in range(shape.loops)),
            "write_element": self._coming.write_element,
        }
        if shape.run.streams:
            coming["write_incoming"] = (source == 0) & (self._coming.write_mode != 0)
            coming |= self._predicate(m)
        issued = issue(m, Access(shape), coming, self.run.fetch, contexts.known)
        m.d.comb += self.issued.eq(issued)
        return m

    def _predicate(self, m: Module) -> dict[str, Value]:
        """Where a write depends on the lowest bit of a word, or on a loop line."""
        m.submodules.taps = taps = LineTaps(self.shape.run)
        wiring.connect(m, wiring.flipped(self.run), taps.run)
        tap = taps.tap(self._coming.write_predicate_line, self._coming.write_predicate_stage)
        predicate, sources = self._coming.write_predicate, self.shape.sources
        return {
            "write_predicate": Cat(predicate == 1 + k for k in range(sources)),
            "write_always": (predicate == 0) | (predicate == 1 + sources) & tap,
        }

    def _port(self, m: Module, port: str, modes: tuple[str, ...]) -> dict[str, Value]:
        shape = self.shape
        generators = len(shape.reads if port == "read" else shape.writes)
        mode, number, wrap, offset = (
            Value.cast(self._coming[f"{port}_{name}"])
            for name in ("mode", "generator", "wrap", "offset")
        )
        walking = Cat(mode == modes.index(name) for name in ("affine", "address") if name in modes)
        base = Signal(shape.address_bits, name=f"{port}_base")
        for k in range(generators):
            with m.If((number == k) & walking.any()):
                m.d.comb += base.eq(getattr(self, f"{port}_base_{k}"))
        decoded = {
            **{f"{port}_{name}": mode == k for k, name in enumerate(modes) if k},
            f"{port}_generator": Cat(number == k for k in range(generators)),
            f"{port}_offset": (offset + base)[: shape.address_bits],
            f"{port}_signed": self._coming[f"{port}_signed"],
        }
        if "indexed" in modes:
            index = self._coming[f"{port}_index"]
            decoded[f"{port}_index"] = Cat(index == k for k in range(shape.sources))
            decoded[f"{port}_mask"] = Cat(
                among(wrap, (0, *range(k + 2, 1 << len(wrap)))) for k in range(shape.address_bits)
            )
        return decoded

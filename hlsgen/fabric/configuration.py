"""A configuration: everything that one run of a fabric is told. Plain values, symbolic where the hardware has codes.

``configuration_words.py`` packs it into the words of the load port; the cycle model and the RTL obey it as docs/grid.md says.
A field's default is what an unused unit holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.algebra.mark import Mark
from hlsgen.algebra.modes import Initial, ReadMode, RequantiseMode, When, WriteMode
from hlsgen.fabric.ir import Cell

LINES = 4
"""Loop mark lines. Line 0 is true in every iteration of the run; the others carry the marks named by the configuration."""


@dataclass(frozen=True)
class LineTap:
    """Line ``line`` as it was ``stage`` iterations ago (false before the first iteration and after the last)."""

    line: int = 0
    stage: int = 0


@dataclass(frozen=True)
class PeContext:
    """One PE in one of the ``interval`` slots.

    ``predicate``: a registered source (its lowest bit), a LineTap, or None (true).
    ``initial``: where ``initial_line`` is true, operand a / b is replaced by the constant / by 0.
    ``clear`` (accumulating operators): start anew always / where ``initial_line`` is true / where the word of operand a has its first
    mark / never; ``drain``: hand the accumulator to the drain chain where ``drain_line`` is true / where operand a has its last mark.
    ``register``: (register index, crossbar source) written to the register file; ``read_a``, ``read_b``: register indices.
    ``links``: direction -> crossbar source, for links that are driven; the marks of the word go with it.
    """

    operator: str | None = None
    a: str = "constant"
    b: str = "constant"
    predicate: str | LineTap | None = None
    constant: int = 0
    initial: Initial = "none"
    initial_line: LineTap = LineTap()
    clear: When = "never"
    drain: When = "never"
    drain_line: LineTap = LineTap()
    register: tuple[int, str] | None = None
    read_a: int = 0
    read_b: int = 0
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class GeneratorLoop:
    """``extent`` trips; each adds ``stride`` to the address, and ``row``, ``column`` to the coordinates (``row`` to a write generator's parameter row)."""

    extent: int = 1
    stride: int = 0
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class Generator:
    """An affine address generator: a nest of at most ``Fabric.loops`` loops, outermost first.

    It starts in iteration ``delay`` and takes one step at the end of every iteration, or, where ``data_driven``, with every word
    that arrives from the drain chain; after its last step it is finished. The address is ``base`` + (``start`` + strides) mod
    2**``wrap_bits`` (None: no wrapping). Read generators: where ``rows`` is given, a position whose coordinate row (column) is
    outside [0, rows) ([0, columns)) is padding. ``mark_first``/``mark_last``: level from which on all loops must be at their first /
    last trip for the word to carry that mark (None: never). Write generators: ``parameter`` is the first parameter row.
    """

    loops: tuple[GeneratorLoop, ...] = ()
    delay: int = 0
    start: int = 0
    base: int = 0
    wrap_bits: int | None = None
    row: int = 0
    column: int = 0
    rows: int | None = None
    columns: int | None = None
    mark_first: int | None = None
    mark_last: int | None = None
    parameter: int = 0
    data_driven: bool = False


@dataclass(frozen=True)
class ReadContext:
    """The read port of a tile in one slot.

    ``affine``: bank[generator's address + offset], or padding; ``indexed``: bank[index + offset]; ``address``: the address itself
    as the word; ``stream``: the next word of the input stream. ``signed``: how elements narrower than a word are extended.
    ``wrap_bits``: the index is taken modulo 2**wrap_bits before the offset is added (None: as it is).
    """

    mode: ReadMode = "none"
    generator: int = 0
    offset: int = 0
    index: str | None = None
    signed: bool = True
    wrap_bits: int | None = None


@dataclass(frozen=True)
class WriteContext:
    """The write port of a tile in one slot.

    ``data``: a registered source of the cell, or ``stream_in`` (the input stream). ``stream``: the word goes to the output stream.
    Nothing is written where ``predicate`` is false, nor (``affine``, ``indexed``) before or after the generator's run, nor where ``when``
    is given and not all generator loops from level ``when`` on are at their last trip. ``element_bits``/``signed``: the word is cut to so many
    bits and extended again. ``wrap_bits``: as in ReadContext.
    """

    mode: WriteMode = "none"
    generator: int = 0
    offset: int = 0
    index: str | None = None
    data: str | None = None
    predicate: str | LineTap | None = None
    when: int | None = None
    element_bits: int = 32
    signed: bool = True
    wrap_bits: int | None = None


@dataclass(frozen=True)
class Requantiser:
    """How words of the drain chain are finished and written through write generator ``generator`` (which is data driven).

    Parameter row p holds (bias, multiplier, rounding). ``float32``: RequantiseFloat32(acc + bias, multiplier; q = shift,
    zero_point, low, high); ``multiply_shift``: clamp((multiplier * (acc + bias) + rounding) >> shift, low, high); ``pair``: of two words
    that arrive one after the other, clamp((m0 * acc0 + m1 * acc1 + rounding1) >> shift, low, high), one result.
    """

    mode: RequantiseMode = "off"
    generator: int = 0
    shift: int = 1
    zero_point: int = 0
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class TileConfiguration:
    """``padding``: the element read outside the coordinates' range."""

    reads: tuple[ReadContext, ...] = ()
    writes: tuple[WriteContext, ...] = ()
    read_generators: tuple[Generator, ...] = ()
    write_generators: tuple[Generator, ...] = ()
    padding: int = 0
    requantiser: Requantiser = Requantiser()


@dataclass(frozen=True)
class Configuration:
    """``fabric_hash`` of the fabric it was made for. ``interval`` slots; ``loops``: extents of the loop control, outermost first;
    ``lines``: marks on lines 1, 2, 3; ``cycles``: how many enabled cycles the run lasts.

    ``pes[cell]``: one PeContext per slot; cells and tiles that are missing do nothing.
    """

    fabric_hash: int
    interval: int
    loops: tuple[int, ...]
    lines: tuple[Mark, ...]
    cycles: int
    pes: tuple[tuple[Cell, tuple[PeContext, ...]], ...]
    tiles: tuple[tuple[str, TileConfiguration], ...]

    def contexts(self, cell: Cell) -> tuple[PeContext, ...]:
        contexts = dict(self.pes).get(cell)
        return contexts if contexts is not None else (PeContext(),) * self.interval

"""The interfaces of a fabric's units: what loop control tells them, how they are configured, marked and drained words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.fabric.shape import RunShape
from hlsgen.rtl_templates.loop_contract import UNIT_REGISTER_CYCLES

from hlsgen.algebra.packets import ADDRESS_BITS, LOAD_BITS

#: Parts of a tile, in the four bits above an address.
BANK, CONFIGURATION, STEPS, PARAMETERS = range(4)


class RunSignature(wiring.Signature):
    """What loop control tells every unit. Cycles are counted as in docs/grid.md.

    A context passes through three registers: the address of the context memory, its output (the context is *coming*: it is
    issued in the next enabled cycle), the decoded context (it is *issued*).

    Members: ``enable``: this is an enabled cycle; it ends with the next edge. ``clear``: link registers, pipelines and the
    like are cleared at the next edge (the run starts some cycles later; never together with ``enable``). ``swap``: the
    configuration written so far becomes the active one at the next edge (``half`` toggles); together with ``clear``.
    ``half``: the half of the configuration memories that is read. ``fetch``: the context registers move at the next edge: in
    every enabled cycle, and twice before the first. ``slot``: the slot whose context is to be read now. ``step``: with ``fetch``
    the next iteration becomes that of the coming context; ``marks``: its loop lines. ``rotation``: of the coming context, the number to
    add to a logical register index, modulo ``registers``. ``last_slot``: the issued slot is the last of its iteration.
    """

    def __init__(self, shape: RunShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "enable": Out(1),
                "clear": Out(1),
                "swap": Out(1),
                "half": Out(1),
                "fetch": Out(1),
                "slot": Out(range(max(2, shape.contexts))),
                "step": Out(1),
                "marks": Out(shape.lines),
                "rotation": Out(range(max(2, shape.registers))),
                "last_slot": Out(1),
            }
        )


def own_run(m: Module, run: Any) -> Any:
    """What loop control tells a unit, as the unit sees it: ``loop_contract.UNIT_REGISTER_CYCLES`` later where the shape has no streams.

    Through registers of its own, so that no wire from loop control has thousands of ends all over the device: 14,000 for ``enable`` of 8 x 8
    PEs, which place and route did not get through. Synthesis keeps the registers of equal units apart (``SharedUnit.kept_apart``).
    """
    if run.signature.shape.streams:
        return wiring.flipped(run)
    return later_run(m, run, UNIT_REGISTER_CYCLES, "own_run")


def later_run(m: Module, run: Any, cycles: int, name: str) -> Any:
    """What loop control tells, some cycles later, through registers: only where the shape has no streams, for nothing holds these up."""
    for k in range(cycles):
        later = RunSignature(run.signature.shape).create(path=(f"{name}_{k}" if k else name,))
        acts = [n for n in later.signature.members if n in ("enable", "clear", "swap", "fetch")]
        _register(m, [(getattr(later, n), getattr(run, n)) for n in acts], reset=True)
        others = [n for n in later.signature.members if n not in acts]
        _register(m, [(getattr(later, n), getattr(run, n)) for n in others], reset=False)
        run = later
    return run


class WriteSignature(wiring.Signature):
    """A word of the load port for one unit: ``data`` at ``address`` in every cycle in which ``valid`` is high."""

    def __init__(self) -> None:
        super().__init__({"valid": Out(1), "address": Out(ADDRESS_BITS), "data": Out(LOAD_BITS)})


class TileLoadSignature(wiring.Signature):
    """The load port at a tile: ``write`` with the part of the tile; ``refused``: the word of the cycle before was not taken. ``read``: row ``row``
    of the bank is ``data`` in the next cycle, a cycle later where the bank has an output register."""

    def __init__(self, row_bits: int) -> None:
        super().__init__(
            {
                "write": Out(WriteSignature()),
                "part": Out(4),
                "refused": In(1),
                "read": Out(1),
                "row": Out(row_bits),
                "data": In(LOAD_BITS),
            }
        )


def own_write(m: Module, write: Any, run: RunShape, held: Value | None = None) -> Any:
    """What the load port writes to a unit, as the unit sees it: a cycle later where the shape of the run bus has no streams, as in ``own_run``.

    ``held``: the word stays another cycle; the load port has to be told.
    """
    if run.streams:
        return wiring.flipped(write)
    own = WriteSignature().create(path=("own_write",))
    moves: Value = Const(1) if held is None else ~held
    _register(m, [(own.valid, write.valid)], reset=True, enable=moves)
    words = [(getattr(own, name), getattr(write, name)) for name in ("address", "data")]
    _register(m, words, reset=False, enable=moves)
    return own


def _register(
    m: Module, pairs: Sequence[tuple[Value, Value]], *, reset: bool, enable: Value | None = None
) -> None:
    """A register between the values of each pair, the earlier one second."""
    targets, sources = (Cat(*(Value.cast(pair[k]) for pair in pairs)) for k in (0, 1))
    register = Signal(len(targets), reset_less=not reset, name="own_acts" if reset else "own_words")
    with m.If(1 if enable is None else enable):
        m.d.sync += register.eq(sources)
    m.d.comb += targets.eq(register)


def marked_word(bits: int) -> data.StructLayout:
    """A word with its first and last marks."""
    return data.StructLayout({"word": bits, "first": 1, "last": 1})


def drained_word(bits: int) -> data.StructLayout:
    """A word of the drain chain."""
    return data.StructLayout({"word": bits, "valid": 1})

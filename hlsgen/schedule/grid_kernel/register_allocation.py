"""Registers of the rotating register files: one logical index for every word that a mapping keeps.

A word that is written in cycle W of iteration 0 as physical register q is written as q - n, n iterations later (docs/grid.md), so two
words share a register d iterations apart iff d = difference of their q modulo R. They must then not be alive together
(Rau, Lee, Tirumalai, Schlansker: Register allocation for software pipelined loops, PLDI 1992).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hlsgen.errors import DoesNotFit
from hlsgen.fabric.ir import Cell
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Keep

ATTEMPTS = 20_000
"""Assignments that are tried in one register file before the search gives up."""


@dataclass(frozen=True, order=True)
class Kept:
    """A word in the register file of ``cell``: written in cycle ``written`` of iteration 0, last read in cycle ``read``."""

    cell: Cell
    written: int
    read: int


def kept_words(mapping: GridMapping) -> tuple[Kept, ...]:
    """Every word that the mapping keeps, once."""
    last: dict[tuple[Cell, int], int] = {}
    for route in mapping.routes.values():
        for move in route:
            if isinstance(move, Keep):
                key = (move.cell, move.written)
                last[key] = max(last.get(key, 0), move.read)
    return tuple(sorted(Kept(*key, read) for key, read in last.items()))


def allocate(mapping: GridMapping) -> Mapping[tuple[Cell, int], int]:
    """(cell, cycle of the write) -> physical register that iteration 0 writes; raises DoesNotFit where there is no assignment."""
    words = kept_words(mapping)
    registers = mapping.fabric.registers
    registers_of: dict[tuple[Cell, int], int] = {}
    for cell in sorted({word.cell for word in words}):
        here = [word for word in words if word.cell == cell]
        chosen = assign(here, mapping.ii, registers)
        if chosen is None:
            raise DoesNotFit(
                f"mapping of {mapping.graph.name} on {mapping.fabric.name}, register file of {cell}",
                f"expected room for {len(here)} words in {registers} rotating registers, found no assignment",
                "Map again with another seed, or use a fabric with more registers.",
            )
        registers_of.update(
            {(word.cell, word.written): register for word, register in chosen.items()}
        )
    return registers_of


def has_registers(mapping: GridMapping) -> bool:
    """Whether ``allocate`` finds an assignment."""
    try:
        allocate(mapping)
    except DoesNotFit:
        return False
    return True


def assign(words: Sequence[Kept], ii: int, registers: int) -> Mapping[Kept, int] | None:
    """A physical register for each word of one register file, longest words first, with backtracking; None if none was found."""
    order = sorted(words, key=lambda word: (word.written - word.read, word))
    if any(word.read - word.written > registers * ii for word in order):
        return None
    chosen: list[int] = []
    attempts = 0
    candidate = 0
    while len(chosen) < len(order):
        word = order[len(chosen)]
        attempts += 1
        if attempts > ATTEMPTS:
            return None
        while candidate < registers and any(
            _meet(word, candidate, other, register, ii, registers)
            for other, register in zip(order, chosen, strict=False)
        ):
            candidate += 1
        if candidate < registers:
            chosen.append(candidate)
            candidate = 0
        elif chosen:
            candidate = chosen.pop() + 1
        else:
            return None
    return dict(zip(order, chosen, strict=True))


def _meet(a: Kept, qa: int, b: Kept, qb: int, ii: int, registers: int) -> bool:
    """Whether an instance of ``a`` in register ``qa`` and one of ``b`` in ``qb`` are alive in one physical register.

    A register is taken from the cycle of the write up to the cycle before the last read: a write at the end of that cycle
    comes late enough.
    """
    step = registers * ii
    shift = (qb - qa) % registers * ii
    # b's intervals begin at b.written + shift + m * step; the first of them that ends after a begins:
    first = (a.written - b.read - shift) // step + 1
    begins = b.written + shift + first * step
    return begins < a.read

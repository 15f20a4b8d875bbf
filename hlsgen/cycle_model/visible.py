"""Where every word that a source can name lies in one flat array, and what each slot of a configuration takes from it.

A word is kept as ``word * 4 + first * 2 + last``: its marks travel with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.fabric.configuration import Configuration, LineTap, PeContext
from hlsgen.fabric.ir import Cell, Fabric
from hlsgen.fabric.switch import incoming, opposite, outgoing

INITIAL = {"a_constant": 0, "a_zero": 0, "b_constant": 1, "b_zero": 1}


@dataclass(frozen=True, eq=False)
class Places:
    """Index of the first word of each kind; index 0 is always zero."""

    fabric: Fabric
    links: dict[tuple[Cell, str], int]
    memory: int
    late: int
    result: int
    register_a: int
    register_b: int
    constant: int
    size: int

    @classmethod
    def of(cls, fabric: Fabric) -> Places:
        links: dict[tuple[Cell, str], int] = {}
        for cell in fabric.cells:
            for direction in outgoing(fabric, cell):
                links[cell, direction] = 1 + len(links)
        memory = 1 + len(links)
        late = memory + len(fabric.tiles)
        step = len(fabric.cells)
        starts = [late + k * step for k in range(6)]
        late, result, register_a, register_b, constant, size = starts
        return cls(fabric, links, memory, late, result, register_a, register_b, constant, size)

    def number(self, cell: Cell) -> int:
        """The cell's number, row-major."""
        return cell[0] * self.fabric.columns + cell[1]

    def index(self, cell: Cell, source: str) -> int:
        """Where the word of a source of a cell lies."""
        arriving = incoming(self.fabric, cell)
        if source in arriving:
            return self.links[arriving[source], opposite(source)]
        if source.startswith("memory_"):
            side = source.removeprefix("memory_")
            tile = next(t for t in self.fabric.tiles_at(cell) if t.side == side)
            return self.memory + self.fabric.tiles.index(tile)
        start: int = getattr(self, source)
        return start + self.number(cell)


@dataclass(frozen=True, eq=False)
class Conditions:
    """Predicates of several units: true, or the lowest bit of a word, or a line tap. ``always``: all are true."""

    always: bool
    source: np.ndarray
    by_source: np.ndarray
    line: np.ndarray
    stage: np.ndarray
    by_line: np.ndarray

    @classmethod
    def of(
        cls, places: Places, predicates: Sequence[tuple[Cell, str | LineTap | None]]
    ) -> Conditions:
        sources = [places.index(c, p) if isinstance(p, str) else 0 for c, p in predicates]
        taps = [p if isinstance(p, LineTap) else LineTap() for _, p in predicates]
        return cls(
            all(p is None for _, p in predicates),
            np.array(sources, dtype=np.int64),
            np.array([isinstance(p, str) for _, p in predicates], dtype=bool),
            np.array([tap.line for tap in taps], dtype=np.int64),
            np.array([tap.stage for tap in taps], dtype=np.int64),
            np.array([isinstance(p, LineTap) for _, p in predicates], dtype=bool),
        )

    def hold(self, visible: np.ndarray, lines: np.ndarray, column: int) -> np.ndarray:
        """Which are true, with iteration k at ``column`` of ``lines``."""
        flags = (visible[self.source] >> 2 & 1).astype(bool)
        return np.where(
            self.by_source,
            flags,
            ~self.by_line | lines[self.line, column - self.stage],
        )


@dataclass(frozen=True, eq=False)
class Group:
    """The cells that issue one operator (latency ``latency``) in a slot; arrays of one entry per cell."""

    operator: str
    latency: int
    cells: np.ndarray
    a: np.ndarray
    b: np.ndarray
    predicate: Conditions
    initial: np.ndarray
    """-1, 0 (a) or 1 (b): the operand that is replaced."""
    replacement: np.ndarray
    at_start: Conditions
    clear: np.ndarray
    """Codes as in WHEN: 0 never, 1 always, 2 line, 3 mark."""
    drain: np.ndarray
    drain_at: Conditions


@dataclass(frozen=True, eq=False)
class Slot:
    """Everything the PEs do in one slot.

    ``links`` <- ``link_sources``; register ``writes`` (cell, logical index) <- ``write_sources``; ``reads``: logical indices of the
    two read ports of every cell.
    """

    fast: tuple[Group, ...]
    late: tuple[Group, ...]
    constants: np.ndarray
    link_sources: np.ndarray
    write_cells: np.ndarray
    write_registers: np.ndarray
    write_sources: np.ndarray
    read_a: np.ndarray
    read_b: np.ndarray


def slots(configuration: Configuration, places: Places) -> tuple[Slot, ...]:
    """The slots of a configuration."""
    return tuple(_slot(configuration, places, number) for number in range(configuration.interval))


def _slot(configuration: Configuration, places: Places, number: int) -> Slot:
    fabric = places.fabric
    contexts = {cell: in_slots[number] for cell, in_slots in configuration.pes}
    link_sources = np.zeros(len(places.links), dtype=np.int64)
    constants = np.zeros(len(fabric.cells), dtype=np.int64)
    reads = np.zeros((2, len(fabric.cells)), dtype=np.int64)
    writes: list[tuple[int, int, int]] = []
    issued: dict[str, list[Cell]] = {}
    for cell, context in contexts.items():
        here = places.number(cell)
        constants[here] = context.constant << 2
        reads[:, here] = context.read_a, context.read_b
        for direction, source in context.links:
            link_sources[places.links[cell, direction] - 1] = places.index(cell, source)
        if context.register is not None:
            index, source = context.register
            writes.append((here, index, places.index(cell, source)))
        if context.operator is not None:
            issued.setdefault(context.operator, []).append(cell)
    groups = [
        _group(places, operator, latency, group, contexts)
        for operator, cells in issued.items()
        for latency, group in _by_latency(fabric, operator, cells).items()
    ]
    written = np.array(writes, dtype=np.int64).reshape(-1, 3)
    return Slot(
        fast=tuple(group for group in groups if group.latency == 1),
        late=tuple(group for group in groups if group.latency > 1),
        constants=constants,
        link_sources=link_sources,
        write_cells=written[:, 0],
        write_registers=written[:, 1],
        write_sources=written[:, 2],
        read_a=reads[0],
        read_b=reads[1],
    )


def _by_latency(fabric: Fabric, operator: str, cells: list[Cell]) -> dict[int, list[Cell]]:
    groups: dict[int, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(fabric.kind(cell).latency(operator), []).append(cell)
    return groups


def _group(
    places: Places,
    operator: str,
    latency: int,
    cells: list[Cell],
    contexts: dict[Cell, PeContext],
) -> Group:
    here = [contexts[cell] for cell in cells]
    codes = {"never": 0, "always": 1, "line": 2, "mark": 3}
    replacing = [c.constant if c.initial.endswith("constant") else 0 for c in here]
    return Group(
        operator=operator,
        latency=latency,
        cells=np.array([places.number(cell) for cell in cells], dtype=np.int64),
        a=np.array([places.index(cell, contexts[cell].a) for cell in cells], dtype=np.int64),
        b=np.array([places.index(cell, contexts[cell].b) for cell in cells], dtype=np.int64),
        predicate=Conditions.of(places, [(cell, contexts[cell].predicate) for cell in cells]),
        initial=np.array([INITIAL.get(c.initial, -1) for c in here], dtype=np.int64),
        replacement=np.array(replacing, dtype=np.int64) << 2,
        at_start=Conditions.of(places, [(cell, contexts[cell].initial_line) for cell in cells]),
        clear=np.array([codes[c.clear] for c in here], dtype=np.int64),
        drain=np.array([codes[c.drain] for c in here], dtype=np.int64),
        drain_at=Conditions.of(places, [(cell, contexts[cell].drain_line) for cell in cells]),
    )

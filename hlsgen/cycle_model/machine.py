"""The fabric, cycle by cycle: the meaning of a configuration, as docs/grid.md says."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.cycle_model.address_sequence import line_values
from hlsgen.cycle_model.drain import DrainChain
from hlsgen.cycle_model.tiles import Banks, OtherRead, OtherWrite, Ports, ports
from hlsgen.cycle_model.visible import Conditions, Group, Places, Slot, slots
from hlsgen.errors import IllegalGraph
from hlsgen.fabric.configuration import Configuration
from hlsgen.fabric.configuration_words import address_bits, counter_bits
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric

Written: TypeAlias = tuple[np.ndarray | int, np.ndarray | int]
"""Indices of elements in the banks, and their bits."""


@dataclass(eq=False)
class State:
    """What a fabric keeps from run to run; ``collisions``: elements read in the very cycle in which they were written."""

    banks: Banks
    parameters: dict[str, np.ndarray]
    registers: np.ndarray
    accumulators: np.ndarray
    collisions: int = 0

    @classmethod
    def of(
        cls,
        fabric: Fabric,
        banks: Mapping[str, np.ndarray],
        parameters: Mapping[str, np.ndarray],
    ) -> State:
        """A fabric after reset with these bank contents and parameter rows (bias, multiplier, rounding)."""
        rows = {
            tile.name: np.zeros((1 << counter_bits(tile, "parameter"), 3), dtype=np.int64)
            for tile in fabric.tiles
            if tile.parameters
        }
        for name, rows_of_tile in parameters.items():
            rows[name][: len(rows_of_tile)] = rows_of_tile
        cells = len(fabric.cells)
        return cls(
            Banks.of(fabric, banks),
            rows,
            np.zeros((cells, max(1, fabric.registers)), dtype=np.int64),
            np.zeros(cells, dtype=np.int64),
        )


@dataclass(eq=False)
class Streams:
    """The streams at the border: words still to come, words given."""

    coming: list[int]
    given: list[int] = field(default_factory=list)
    taken: int = 0

    def take(self) -> int:
        """The next word of the input stream; raises IllegalGraph where there is none."""
        if self.taken == len(self.coming):
            raise IllegalGraph(
                "stream_in",
                f"expected more than {self.taken} words, found no more",
                "Send as many words as the run takes.",
            )
        self.taken += 1
        return self.coming[self.taken - 1]


def run(fabric: Fabric, configuration: Configuration, state: State, streams: Streams) -> None:
    """One run, which changes ``state`` and ``streams``.

    Raises IllegalGraph for a configuration of another fabric, and where the input stream ends too early.
    """
    expected = fabric_hash(fabric)
    if configuration.fabric_hash != expected:
        raise IllegalGraph(
            f"configuration for {fabric.name}",
            f"expected a fabric with hash {expected:08x}, found {configuration.fabric_hash:08x}",
            "Map the kernel again for this fabric.",
        )
    machine = _Machine(fabric, configuration, state, streams)
    for cycle in range(configuration.cycles):
        machine.step(cycle)


class _Machine:
    """One run."""

    def __init__(
        self, fabric: Fabric, configuration: Configuration, state: State, streams: Streams
    ) -> None:
        self.fabric, self.state, self.streams = fabric, state, streams
        self.interval, self.cycles = configuration.interval, configuration.cycles
        iterations = -(-configuration.cycles // self.interval)
        self.places = Places.of(fabric)
        self.slots = slots(configuration, self.places)
        self.ports = ports(configuration, self.places, state.banks, iterations)
        self.before = fabric.stages
        self.lines = line_values(configuration, iterations, self.before)
        self.drain = DrainChain.of(fabric, configuration, state.parameters)
        self.visible = np.zeros(self.places.size, dtype=np.int64)
        # Reads that are ahead see banks, and indices, of so many cycles ago.
        ahead = fabric.read_ahead
        self.indexed = any(port.other_reads for port in self.ports)
        self.indices = deque([np.zeros_like(self.visible)] * ahead, ahead + 1)
        self.written: deque[list[Written]] = deque([[]] * ahead, ahead + 1)
        self.seen = state.banks.cells.copy()
        cells = len(fabric.cells)
        self.rows = np.arange(cells)
        self.depth = max(kind.late_latency for kind in fabric.pe_kinds) + 1
        self.late = np.zeros((self.depth, cells), dtype=np.int64)
        self.drained: list[tuple[np.ndarray, np.ndarray] | None] = [None] * self.depth

    def step(self, cycle: int) -> None:
        """One enabled cycle."""
        iteration, number = divmod(cycle, self.interval)
        slot, tile_ports = self.slots[number], self.ports[number]
        column = self.before + iteration
        places, visible = self.places, self.visible
        cells = len(self.rows)
        # What registers show in this cycle.
        late = self.late[cycle % self.depth]
        visible[places.late : places.late + cells] = late
        late[:] = 0
        if self.fabric.registers:
            self._read_registers(slot, iteration)
        visible[places.constant : places.constant + cells] = slot.constants
        visible[places.result : places.result + cells] = 0
        self.drain.arrive(cycle)
        # What is computed from it.
        for group in slot.fast:
            a, b = self._operands(group, column)
            result = self._word_result(group, a >> 2, b >> 2, column)
            visible[places.result + group.cells] = result << 2
        for group in slot.late:
            self._issue(group, cycle, column)
        if self.indexed:
            self.indices.append(visible.copy())
        memory = self._read_tiles(tile_ports, iteration)
        self._write(
            [
                *self._tile_writes(tile_ports, iteration, column),
                *self.drain.results(cycle, self.state.banks),
            ]
        )
        # The end of the cycle.
        drained = self.drained[cycle % self.depth]
        self.drained[cycle % self.depth] = None
        self.drain.shift(drained)
        if len(slot.write_cells):
            physical = (slot.write_registers - iteration) % self.fabric.registers
            words = visible[slot.write_sources] & ~3  # registers keep no marks
            self.state.registers[slot.write_cells, physical] = words
        links = visible[slot.link_sources]
        visible[1 : 1 + len(links)] = links
        visible[places.memory : places.memory + len(memory)] = memory

    def _read_registers(self, slot: Slot, iteration: int) -> None:
        count, cells = self.fabric.registers, len(self.rows)
        for start, indices in (
            (self.places.register_a, slot.read_a),
            (self.places.register_b, slot.read_b),
        ):
            physical = (indices - iteration) % count
            self.visible[start : start + cells] = self.state.registers[self.rows, physical]

    def _operands(self, group: Group, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Operands a and b with their marks."""
        a, b = self.visible[group.a], self.visible[group.b]
        if (group.initial >= 0).any():
            start = group.at_start.hold(self.visible, self.lines, column)
            a = np.where(start & (group.initial == 0), group.replacement, a)
            b = np.where(start & (group.initial == 1), group.replacement, b)
        return a, b

    def _word_result(self, group: Group, a: np.ndarray, b: np.ndarray, column: int) -> np.ndarray:
        operator, bits = WORD_OPERATORS[group.operator], self.fabric.word_bits
        operands = (a, b)[: operator.operands]
        if group.operator == "select":
            true = group.predicate.hold(self.visible, self.lines, column)
            return np.where(true, a, b)
        result = wrap(np.asarray(operator.meaning(bits, *operands)), bits)
        if group.predicate.always:
            return np.asarray(result)
        true = group.predicate.hold(self.visible, self.lines, column)
        return np.where(true, result, 0)

    def _issue(self, group: Group, cycle: int, column: int) -> None:
        """An operator of more than one cycle; one that the run does not last to the end of leaves nothing."""
        if cycle + group.latency > self.cycles:
            return
        a, b = self._operands(group, column)
        due = (cycle + group.latency - 1) % self.depth
        if not WORD_OPERATORS[group.operator].accumulates:
            result = self._word_result(group, a >> 2, b >> 2, column)
            self.late[due, group.cells] = result << 2
            return
        executes = (
            True
            if group.predicate.always
            else group.predicate.hold(self.visible, self.lines, column)
        )
        clear = self._when(group.clear, group.at_start, a >> 1, column)
        held = self.state.accumulators[group.cells]
        if group.operator == "multiply_accumulate":
            total = np.where(clear, 0, held) + (a >> 2) * (b >> 2)
        else:
            total = np.where(clear, a >> 2, np.maximum(held, a >> 2))
        total = wrap(total, self.fabric.accumulator_bits)
        kept = np.where(executes, total, held)
        self.state.accumulators[group.cells] = kept
        low = np.where(executes, wrap(total, self.fabric.word_bits), 0)
        self.late[due, group.cells] = low << 2
        drains = self._when(group.drain, group.drain_at, a, column) & executes
        if drains.any():
            self._hand_over(due, group.cells[drains], kept[drains])

    def _hand_over(self, due: int, cells: np.ndarray, words: np.ndarray) -> None:
        before = self.drained[due]
        if before is not None:
            cells, words = (
                np.concatenate(pair) for pair in zip(before, (cells, words), strict=True)
            )
        self.drained[due] = (cells, words)

    def _when(
        self, codes: np.ndarray, at: Conditions, marks: np.ndarray, column: int
    ) -> np.ndarray:
        """Which of clear or drain hold; ``marks`` has the mark that counts in its lowest bit."""
        hold = codes == 1
        if (codes == 2).any():
            hold = hold | (codes == 2) & at.hold(self.visible, self.lines, column)
        if (codes == 3).any():
            hold = hold | (codes == 3) & (marks & 1).astype(bool)
        return np.asarray(hold)

    def _read_tiles(self, tile_ports: Ports, iteration: int) -> np.ndarray:
        """The words that the tiles show in the next cycle."""
        memory = np.zeros(len(self.fabric.tiles), dtype=np.int64)
        reads, cells = tile_ports.reads, self.seen
        if reads is not None:
            self._meet(reads.elements[iteration])
            stored = cells[reads.elements[iteration]]
            words = wrap((stored ^ reads.half) - reads.half, self.fabric.word_bits)
            memory[reads.tiles] = words << 2 | reads.marks[iteration]
        for other in tile_ports.other_reads:
            memory[other.tile] = self._other_read(other, iteration)
        return memory

    def _other_read(self, read: OtherRead, iteration: int) -> int:
        context, banks, bits = read.context, self.state.banks, self.fabric.word_bits
        tile = self.fabric.tiles[read.tile]
        if context.mode == "stream":
            return self._taken() << 2
        if context.mode == "address":
            sequence = read.sequence
            if sequence is None or not sequence.valid[iteration]:
                return 0
            address = int(sequence.address[iteration]) + context.offset
            # The address as it stands on the bank's lines: extended as a signed or unsigned number of its bits.
            word = address % (1 << address_bits(tile))
            if context.signed:
                word = wrap(word, address_bits(tile))
            marks = 2 * int(sequence.first[iteration]) + int(sequence.last[iteration])
            return wrap(word, bits) << 2 | marks
        index = int(self.indices[0][read.index]) >> 2
        if context.wrap_bits is not None:
            index &= (1 << context.wrap_bits) - 1
        place = (index + context.offset) % banks.sizes[read.tile]
        self._meet(np.array([banks.first[read.tile] + place]))
        element = int(self.seen[banks.first[read.tile] + place])
        if context.signed:
            element = wrap(element, tile.bits)
        return wrap(element, bits) << 2

    def _meet(self, elements: np.ndarray) -> None:
        """Count elements that are read while they are written: ``written`` has the cycle of the banks' reading where reads are ahead."""
        if self.fabric.read_ahead:
            for places, _ in self.written[1] if len(self.written) > 1 else ():
                self.state.collisions += int(np.isin(elements, places).sum())

    def _taken(self) -> int:
        """The next word of the input stream, of which only the bits of a word count."""
        return int(wrap(self.streams.take(), self.fabric.word_bits))

    def _write(self, written: list[Written]) -> None:
        """The end of a cycle for the banks; reads see what was written some cycles ago where they are ahead."""
        for places, words in written:
            self.state.banks.cells[places] = words
        self.written.append(written)
        for places, words in self.written[0]:
            self.seen[places] = words

    def _tile_writes(self, tile_ports: Ports, iteration: int, column: int) -> list[Written]:
        writes = tile_ports.writes
        others = [self._other_write(other, iteration, column) for other in tile_ports.other_writes]
        written: list[Written] = []
        if writes is not None:
            enable = writes.enables[iteration]
            if not writes.predicate.always:
                enable = enable & writes.predicate.hold(self.visible, self.lines, column)
            if enable.any():
                words = (self.visible[writes.sources] >> 2) & writes.cut
                words = ((words ^ writes.half) - writes.half) & writes.bits
                written.append((writes.elements[iteration][enable], words[enable]))
        return [*written, *(other for other in others if other is not None)]

    def _other_write(
        self, write: OtherWrite, iteration: int, column: int
    ) -> tuple[int, int] | None:
        """(element, bits) to be written, None where nothing is."""
        context, banks = write.context, self.state.banks
        sequence = write.sequence
        if context.mode in ("affine", "indexed"):
            assert sequence is not None, "a write of a bank has a generator"
            active = sequence.valid if context.when is None else sequence.last_from[context.when]
            if not active[iteration]:
                return None
        true = write.predicate.always or bool(
            write.predicate.hold(self.visible, self.lines, column)[0]
        )
        if not true:
            return None
        word = self._taken() if write.source is None else int(self.visible[write.source]) >> 2
        if context.mode == "stream":
            self.streams.given.append(wrap(word, self.fabric.word_bits))
            return None
        word &= (1 << context.element_bits) - 1
        if context.signed:
            word = wrap(word, context.element_bits)
        if context.mode == "indexed":
            index = int(self.visible[write.index]) >> 2
            if context.wrap_bits is not None:
                index &= (1 << context.wrap_bits) - 1
            address = index + context.offset
        else:
            assert sequence is not None, "an affine write has a generator"
            address = int(sequence.address[iteration]) + context.offset
        place = banks.first[write.tile] + address % banks.sizes[write.tile]
        return place, word & ((1 << self.fabric.tiles[write.tile].bits) - 1)

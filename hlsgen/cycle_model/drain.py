"""The drain chains of a fabric and the requantisers at their western ends."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hlsgen.algebra.scalar import RequantiseFloat32, RequantiseMultiplyShift, ScalarOp
from hlsgen.cycle_model.address_sequence import AddressSequence, address_sequence
from hlsgen.cycle_model.tiles import Banks
from hlsgen.errors import Mismatch
from hlsgen.fabric.configuration import Configuration, Requantiser
from hlsgen.fabric.ir import Fabric
from hlsgen.rtl_templates.loop_contract import TILE_REQUANTISE_LATENCY


@dataclass(eq=False)
class Writer:
    """The requantiser of one tile during a run: ``results`` given so far; ``held``: the first word of a pair."""

    tile: int
    bits: int
    requantiser: Requantiser
    op: ScalarOp | None
    sequence: AddressSequence
    parameters: np.ndarray
    results: int = 0
    held: int | None = None

    def take(self, word: int) -> tuple[int, int] | None:
        """(address, result) of the result that a drained word completes, if it does."""
        mode = self.requantiser.mode
        if mode == "pair" and self.held is None:
            self.held = word
            return None
        step, self.results = self.results, self.results + 1
        if step >= len(self.sequence.valid):
            return None
        row = int(self.sequence.parameter[step])
        bias, multiplier, rounding = (int(v) for v in self.parameters[row % len(self.parameters)])
        if mode == "pair":
            total = self._pair(row, word)
        else:
            assert self.op is not None
            constants = (multiplier,) if mode == "float32" else (multiplier, rounding)
            arrays = [np.array(v, dtype=np.int64) for v in (word + bias, *constants)]
            total = int(self.op.evaluate(np, *arrays))
        return int(self.sequence.address[step]), total & ((1 << self.bits) - 1)

    def _pair(self, row: int, word: int) -> int:
        count = len(self.parameters)
        (bias_0, m_0, _), (bias_1, m_1, rounding) = (
            (int(v) for v in self.parameters[(row + k) % count]) for k in range(2)
        )
        assert self.held is not None
        first, self.held = self.held, None
        total = m_0 * (first + bias_0) + m_1 * (word + bias_1) + rounding
        requantiser = self.requantiser
        return min(max(total >> requantiser.shift, requantiser.low), requantiser.high)


@dataclass(eq=False)
class DrainChain:
    """Chains (rows, columns) of words and valid bits, and results on their way into the banks.

    ``busy``: cycles for which something may still move.
    """

    words: np.ndarray
    valid: np.ndarray
    writers: Mapping[int, Writer]
    row_tiles: tuple[int | None, ...]
    pending: list[tuple[int, int, int, int]] = field(default_factory=list)
    busy: int = 0

    @classmethod
    def of(
        cls, fabric: Fabric, configuration: Configuration, parameters: Mapping[str, np.ndarray]
    ) -> DrainChain:
        """The drain of a run, empty."""
        named = dict(configuration.tiles)
        west: list[int | None] = [None] * fabric.rows
        writers = {}
        for k, tile in enumerate(fabric.tiles):
            if tile.side != "west":
                continue
            west[tile.cell[0]] = k
            settings = named.get(tile.name)
            if settings is not None and settings.requantiser.mode != "off":
                generator = settings.write_generators[settings.requantiser.generator]
                extents = [loop.extent for loop in generator.loops]
                total = math.prod(extents) if extents else 0
                writers[k] = Writer(
                    k,
                    tile.bits,
                    settings.requantiser,
                    _operator(settings.requantiser),
                    address_sequence(generator, total),
                    parameters[tile.name],
                )
        shape = (fabric.rows, fabric.columns)
        words, valid = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
        return cls(words, valid, writers, tuple(west))

    def arrive(self, cycle: int) -> None:
        """Words of the western column reach their tiles in this cycle."""
        if not self.busy:
            return
        self.busy -= 1
        for row in np.flatnonzero(self.valid[:, 0]):
            tile = self.row_tiles[row]
            writer = None if tile is None else self.writers.get(tile)
            if writer is not None:
                result = writer.take(int(self.words[row, 0]))
                if result is not None:
                    self.pending.append((cycle + TILE_REQUANTISE_LATENCY, writer.tile, *result))

    def results(self, cycle: int, banks: Banks) -> list[tuple[int, int]]:
        """What goes into the banks in this cycle: (index, element) pairs."""
        due = []
        while self.pending and self.pending[0][0] == cycle:
            _, tile, address, value = self.pending.pop(0)
            due.append((banks.first[tile] + address % banks.sizes[tile], value))
        return due

    def shift(self, drained: tuple[np.ndarray, np.ndarray] | None) -> None:
        """The end of a cycle: words move west; ``drained`` (numbers of cells, their words) enter the chain.

        Raises Mismatch where a drained word meets a passing one: the schedule is wrong.
        """
        if drained is None and not self.busy:
            return
        columns = self.words.shape[1]
        self.words[:, :-1], self.valid[:, :-1] = self.words[:, 1:].copy(), self.valid[:, 1:].copy()
        self.valid[:, -1] = False
        if drained is not None:
            cells, words = drained
            rows, places = cells // columns, cells % columns
            if self.valid[rows, places].any():
                raise Mismatch(
                    f"drain chain at cells {cells[self.valid[rows, places]].tolist()}",
                    "expected a free place for a drained word, found a passing word",
                    "Report this: the template's timing is wrong.",
                )
            self.words[rows, places], self.valid[rows, places] = words, True
            self.busy = columns


def _operator(requantiser: Requantiser) -> ScalarOp | None:
    match requantiser.mode:
        case "float32":
            return RequantiseFloat32(
                requantiser.shift, requantiser.zero_point, requantiser.low, requantiser.high
            )
        case "multiply_shift":
            return RequantiseMultiplyShift(requantiser.shift, requantiser.low, requantiser.high)
        case _:
            return None

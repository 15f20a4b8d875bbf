"""Programs: the packets that are sent to the load port of a fabric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.algebra.packets import PARAMETER_WORDS
from hlsgen.algebra.types import ElementType
from hlsgen.fabric.configuration_words import TILE_PARAMETERS
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric, MemoryTile
from hlsgen.fabric.packets import HelloPacket, WritePacket


def hello(fabric: Fabric) -> HelloPacket:
    """The packet with which a program for this fabric begins."""
    return HelloPacket(fabric_hash(fabric))


def tile_unit(fabric: Fabric, tile: MemoryTile) -> int:
    """The number of a tile on the load port."""
    return len(fabric.cells) + fabric.tiles.index(tile)


def bank_words(tile: MemoryTile, elements: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    """Elements as load words of the bank, element 0 lowest; the last word is filled up with zeros."""
    lanes = tile.lanes
    values = ElementType(tile.bits, False).encode(np.asarray(elements, dtype=np.int64))
    padded = np.zeros(-(-len(values) // lanes) * lanes, dtype=np.int64)
    padded[: len(values)] = values
    shifts = np.arange(lanes, dtype=np.int64) * tile.bits
    joined = (padded.reshape(-1, lanes) << shifts).sum(axis=1)
    return tuple(int(word) for word in joined)


def bank_elements(tile: MemoryTile, words: Sequence[int] | np.ndarray, signed: bool) -> np.ndarray:
    """The inverse: int64 elements of load words."""
    lanes = tile.lanes
    shifts = np.arange(lanes, dtype=np.int64) * tile.bits
    patterns = np.asarray(words, dtype=np.int64).reshape(-1, 1) >> shifts
    elements: np.ndarray = ElementType(tile.bits, signed).decode(patterns).reshape(-1)
    return elements


def write_parameters(
    fabric: Fabric, tile: MemoryTile, first: int, rows: Sequence[tuple[int, int, int]]
) -> WritePacket:
    """Parameter rows (bias, multiplier, rounding) of a tile from row ``first`` on."""
    words: list[int] = []
    for bias, multiplier, rounding in rows:
        words += [part & 0xFFFFFFFF for part in (bias, multiplier, rounding, rounding >> 32)]
    address = TILE_PARAMETERS + PARAMETER_WORDS * first
    return WritePacket(tile_unit(fabric, tile), address, tuple(words))

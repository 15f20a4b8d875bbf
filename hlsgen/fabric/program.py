"""Programs: what is sent to the load port, packet by packet (docs/grid.md, "Elastic border and the load port")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.packets import (
    COUNT_BITS,
    HELLO,
    PARAMETER_WORDS,
    READ,
    RUN,
    WAIT,
    WRITE,
    head,
    split_head,
)
from hlsgen.algebra.types import ElementType
from hlsgen.errors import BadFile
from hlsgen.fabric.configuration import Configuration
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.configuration_words import TILE_PARAMETERS
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric, MemoryTile

LONGEST = (1 << COUNT_BITS) - 1
"""Data words of one packet at most."""


@dataclass(frozen=True)
class Hello:
    hash: int


@dataclass(frozen=True)
class Write:
    unit: int
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class Read:
    """``count`` 32-bit words of a tile's bank, from 32-bit word ``address`` on."""

    unit: int
    address: int
    count: int


@dataclass(frozen=True)
class Run:
    pass


@dataclass(frozen=True)
class Wait:
    pass


Packet: TypeAlias = Hello | Write | Read | Run | Wait


def to_words(packets: Iterable[Packet]) -> np.ndarray:
    """The words of the load port, uint32. A Write longer than a packet becomes several."""
    parts: list[np.ndarray] = []

    def header(command: int, unit: int, count: int, address: int) -> None:
        parts.append(np.array([head(command, unit, count), address], dtype=np.uint32))

    for packet in packets:
        match packet:
            case Hello(hash):
                header(HELLO, 0, 0, hash)
            case Write(unit, address, words):
                for first in range(0, len(words), LONGEST):
                    part = words[first : first + LONGEST]
                    header(WRITE, unit, len(part), address + first)
                    parts.append(np.array(part, dtype=np.uint32))
            case Read(unit, address, count):
                header(READ, unit, count, address)
            case Run():
                header(RUN, 0, 0, 0)
            case Wait():
                header(WAIT, 0, 0, 0)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)


def from_words(words: Sequence[int] | np.ndarray) -> tuple[Packet, ...]:
    """The packets of a program; raises BadFile for an unknown command or a program that ends within a packet."""
    packets: list[Packet] = []
    stream = [int(word) for word in words]
    place = 0
    while place < len(stream):
        if place + 2 > len(stream):
            raise _truncated(place, 2, len(stream) - place)
        (command, unit, count), address = split_head(stream[place]), stream[place + 1]
        place += 2
        if command == WRITE:
            data = tuple(stream[place : place + count])
            if len(data) < count:
                raise _truncated(place, count, len(data))
            packets.append(Write(unit, address, data))
            place += count
        elif command == READ:
            packets.append(Read(unit, address, count))
        elif command == HELLO:
            packets.append(Hello(address))
        elif command in (RUN, WAIT):
            packets.append(Run() if command == RUN else Wait())
        else:
            raise BadFile(
                f"program, word {place - 2}",
                f"expected a command of 0 to {WAIT}, found {command}",
                "Make the program again.",
            )
    return tuple(packets)


def configure(fabric: Fabric, configuration: Configuration) -> tuple[Write, ...]:
    """The packets that write a configuration."""
    return tuple(Write(*words) for words in pack(fabric, configuration))


def hello(fabric: Fabric) -> Hello:
    """The packet with which a program for this fabric begins."""
    return Hello(fabric_hash(fabric))


def tile_unit(fabric: Fabric, tile: MemoryTile) -> int:
    """The number of a tile on the load port."""
    return len(fabric.cells) + fabric.tiles.index(tile)


def bank_words(tile: MemoryTile, elements: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    """Elements as 32-bit words of the bank, element 0 lowest; the last word is filled up with zeros."""
    lanes = tile.lanes
    values = ElementType(tile.bits, False).encode(np.asarray(elements, dtype=np.int64))
    padded = np.zeros(-(-len(values) // lanes) * lanes, dtype=np.int64)
    padded[: len(values)] = values
    shifts = np.arange(lanes, dtype=np.int64) * tile.bits
    joined = (padded.reshape(-1, lanes) << shifts).sum(axis=1)
    return tuple(int(word) for word in joined)


def bank_elements(tile: MemoryTile, words: Sequence[int] | np.ndarray, signed: bool) -> np.ndarray:
    """The inverse: int64 elements of 32-bit words."""
    lanes = tile.lanes
    shifts = np.arange(lanes, dtype=np.int64) * tile.bits
    patterns = np.asarray(words, dtype=np.int64).reshape(-1, 1) >> shifts
    elements: np.ndarray = ElementType(tile.bits, signed).decode(patterns).reshape(-1)
    return elements


def write_parameters(
    fabric: Fabric, tile: MemoryTile, first: int, rows: Sequence[tuple[int, int, int]]
) -> Write:
    """Parameter rows (bias, multiplier, rounding) of a tile from row ``first`` on."""
    words: list[int] = []
    for bias, multiplier, rounding in rows:
        words += [part & 0xFFFFFFFF for part in (bias, multiplier, rounding, rounding >> 32)]
    address = TILE_PARAMETERS + PARAMETER_WORDS * first
    return Write(tile_unit(fabric, tile), address, tuple(words))


def _truncated(place: int, expected: int, found: int) -> BadFile:
    return BadFile(
        f"program, word {place}",
        f"expected {expected} more words, found {found}",
        "Make the program again.",
    )

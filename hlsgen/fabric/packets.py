"""The packets of a program and their words (docs/grid.md, "Elastic border and the load port")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from hlsgen.algebra.packets import COUNT_BITS, HELLO, READ, RUN, WAIT, WRITE, head, split_head
from hlsgen.errors import BadFile

LONGEST = (1 << COUNT_BITS) - 1
"""Data words of one packet at most."""


@dataclass(frozen=True)
class HelloPacket:
    """The greeting; ``hash`` of the fabric that the program is for."""

    hash: int


@dataclass(frozen=True)
class WritePacket:
    """``words`` (32 bits) for a unit, from ``address`` on."""

    unit: int
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class ReadPacket:
    """``count`` load words of a tile's bank, from load word ``address`` on."""

    unit: int
    address: int
    count: int


@dataclass(frozen=True)
class RunPacket:
    """The configuration that was written is run, after the run before."""


@dataclass(frozen=True)
class WaitPacket:
    """What follows waits for the end of the run."""


Packet: TypeAlias = HelloPacket | WritePacket | ReadPacket | RunPacket | WaitPacket


def to_words(packets: Iterable[Packet]) -> np.ndarray:
    """The words of the load port, uint32. A Write longer than a packet becomes several."""
    parts: list[np.ndarray] = []

    def header(command: int, unit: int, count: int, address: int) -> None:
        parts.append(np.array([head(command, unit, count), address], dtype=np.uint32))

    for packet in packets:
        match packet:
            case HelloPacket(hash):
                header(HELLO, 0, 0, hash)
            case WritePacket(unit, address, words):
                for first in range(0, len(words), LONGEST):
                    part = words[first : first + LONGEST]
                    header(WRITE, unit, len(part), address + first)
                    parts.append(np.array(part, dtype=np.uint32))
            case ReadPacket(unit, address, count):
                header(READ, unit, count, address)
            case RunPacket():
                header(RUN, 0, 0, 0)
            case WaitPacket():
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
            packets.append(WritePacket(unit, address, data))
            place += count
        elif command == READ:
            packets.append(ReadPacket(unit, address, count))
        elif command == HELLO:
            packets.append(HelloPacket(address))
        elif command in (RUN, WAIT):
            packets.append(RunPacket() if command == RUN else WaitPacket())
        else:
            raise BadFile(
                f"program, word {place - 2}",
                f"expected a command of 0 to {WAIT}, found {command}",
                "Make the program again.",
            )
    return tuple(packets)


def _truncated(place: int, expected: int, found: int) -> BadFile:
    return BadFile(
        f"program, word {place}",
        f"expected {expected} more words, found {found}",
        "Make the program again.",
    )

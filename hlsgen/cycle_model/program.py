"""Programs of the load port, executed: the meaning of what is sent to a fabric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.packets import ADDRESS_BITS, PARAMETER_WORDS
from hlsgen.cycle_model.machine import State, Streams, run
from hlsgen.fabric.configuration_packing import unpack
from hlsgen.fabric.configuration_words import TILE_CONFIGURATION, TILE_PARAMETERS
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import HelloPacket, ReadPacket, RunPacket, WritePacket, from_words
from hlsgen.fabric.program import bank_elements, bank_words


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """``unload``: load words sent back; ``run_cycles``: enabled cycles of every run; ``refused``: the program was for another fabric.

    ``collisions``: elements that were read in the cycle in which they were written, on fabrics without streams, where the circuit's block RAMs promise
    nothing for them (counted by the cycle model; 0 of a simulation).
    Where it was measured (simulation), else None: ``cycles`` of the whole program, ``busy_cycles`` from the start of the first run to the
    end of the last.
    """

    unload: np.ndarray
    stream_out: tuple[int, ...]
    run_cycles: tuple[int, ...]
    refused: bool
    cycles: int | None = None
    busy_cycles: int | None = None
    collisions: int = 0


def run_program(
    fabric: Fabric, words: Sequence[int] | np.ndarray, stream_in: Sequence[int] = ()
) -> ProgramResult:
    """Execute a program on a fabric after reset. Raises BadFile for words that are not a program."""
    state = State.of(fabric, {}, {})
    streams = Streams(list(stream_in))
    unload: list[int] = []
    run_cycles: list[int] = []
    written: list[WritePacket] = []
    greeted, refused = False, False
    for packet in from_words(words):
        if isinstance(packet, HelloPacket):
            greeted = packet.hash == fabric_hash(fabric)
            refused = refused or not greeted
            continue
        refused = refused or not greeted
        if refused:
            continue
        match packet:
            case WritePacket():
                if not _write_memory(fabric, state, packet):
                    written.append(packet)
            case ReadPacket():
                unload += _read_bank(fabric, state, packet)
            case RunPacket():
                configuration = unpack(fabric, written)
                if configuration.cycles:
                    run(fabric, configuration, state, streams)
                run_cycles.append(configuration.cycles)
                written = []
    return ProgramResult(
        np.array(unload, dtype=np.uint32),
        tuple(streams.given),
        tuple(run_cycles),
        refused,
        collisions=state.collisions,
    )


def _write_memory(fabric: Fabric, state: State, packet: WritePacket) -> bool:
    """Write to a bank or to parameters, if there are any; False where the packet is configuration."""
    number = packet.unit - len(fabric.cells)
    if (
        not 0 <= number < len(fabric.tiles)
        or TILE_CONFIGURATION <= packet.address < TILE_PARAMETERS
    ):
        return False
    tile = fabric.tiles[number]
    if packet.address < TILE_CONFIGURATION:
        elements = bank_elements(tile, packet.words, signed=False)
        lanes = 32 // tile.bits
        size = state.banks.sizes[number]
        places = (packet.address * lanes + np.arange(len(elements))) % size
        state.banks.cells[state.banks.first[number] + places] = elements
        return True
    rows = state.parameters.get(tile.name)
    if rows is None or packet.address >= TILE_PARAMETERS + (1 << ADDRESS_BITS):
        return True  # no such part: ignored
    for k, word in enumerate(packet.words):
        row, part = divmod(packet.address - TILE_PARAMETERS + k, PARAMETER_WORDS)
        rows[row % len(rows)] = _with_part(rows[row % len(rows)], part, word)
    return True


def _with_part(row: np.ndarray, part: int, word: int) -> np.ndarray:
    """A parameter row with one of its four words replaced."""
    bias, multiplier, rounding = (int(value) for value in row)
    signed = word - (1 << 32) if word >> 31 else word
    if part == 0:
        bias = signed
    elif part == 1:
        multiplier = word
    elif part == 2:
        rounding = (rounding >> 32 << 32) | word
    else:
        rounding = (signed << 32) | (rounding & 0xFFFFFFFF)
    return np.array([bias, multiplier, rounding], dtype=np.int64)


def _read_bank(fabric: Fabric, state: State, packet: ReadPacket) -> tuple[int, ...]:
    """The words of a tile's bank; zeros of a unit that has none."""
    number = packet.unit - len(fabric.cells)
    if not 0 <= number < len(fabric.tiles):
        return (0,) * packet.count
    tile, lanes = fabric.tiles[number], 32 // fabric.tiles[number].bits
    size = state.banks.sizes[number]
    places = (packet.address * lanes + np.arange(packet.count * lanes)) % size
    return bank_words(tile, state.banks.cells[state.banks.first[number] + places])

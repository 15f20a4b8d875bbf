"""Modes of a fabric's units: a mode's code in a configuration is its place among the names here."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Initial: TypeAlias = Literal["none", "a_constant", "a_zero", "b_constant", "b_zero"]
"""Which operand of a PE is replaced at the start of an iteration, by the constant or by 0."""
When: TypeAlias = Literal["never", "always", "line", "mark"]
"""When a PE clears its accumulator or hands it to the drain chain: where a loop line is true, or a word is marked."""
ReadMode: TypeAlias = Literal["none", "affine", "indexed", "address", "stream"]
WriteMode: TypeAlias = Literal["none", "affine", "indexed", "stream"]
RequantiseMode: TypeAlias = Literal["off", "float32", "multiply_shift", "pair"]

INITIAL: tuple[Initial, ...] = get_args(Initial)
WHEN: tuple[When, ...] = get_args(When)
READ_MODES: tuple[ReadMode, ...] = get_args(ReadMode)
WRITE_MODES: tuple[WriteMode, ...] = get_args(WriteMode)
NETWORK_READ_MODES = READ_MODES[: READ_MODES.index("address")]
NETWORK_WRITE_MODES = WRITE_MODES[: WRITE_MODES.index("indexed")]
"""Of the tiles of fabrics without streams, which run networks; their writes have no predicates either."""
REQUANTISE_MODES: tuple[RequantiseMode, ...] = get_args(RequantiseMode)
ELEMENT_BITS = (8, 16, 32)
"""Bits of a word that a tile's write port keeps, in the order of the field ``write_element``."""

"""The load port's packets: a header of two words (command, unit, count; address or hash), then ``count`` words of data.

docs/grid.md, "Elastic border and the load port". Written by programs, decoded by ``rtl_templates.fabric.load_port``.
"""

from __future__ import annotations

LOAD_BITS = 32
"""Bits of a word of the load port."""
COUNT_BITS, UNIT_BITS = 16, 12
"""Bits of the fields of a header's first word, lowest first; the command is above them."""
ADDRESS_BITS = 28
"""Bits of an address within a part of a unit; the bits above them choose the part."""
PARAMETER_WORDS = 4
"""Words of the load port in a row of a tile's parameters: bias, multiplier, rounding (two words)."""
COMMANDS = HELLO, WRITE, READ, RUN, WAIT = range(5)


def head(command: int, unit: int = 0, count: int = 0) -> int:
    """The first word of a header."""
    return (command << UNIT_BITS | unit) << COUNT_BITS | count


def split_head(word: int) -> tuple[int, int, int]:
    """(command, unit, count) of the first word of a header."""
    unit = word >> COUNT_BITS & ((1 << UNIT_BITS) - 1)
    return word >> (COUNT_BITS + UNIT_BITS), unit, word & ((1 << COUNT_BITS) - 1)

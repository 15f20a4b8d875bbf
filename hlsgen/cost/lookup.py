"""What tables of a few bits cost in LUTs of four inputs.

A bit of a table is split by its index bits, the highest first, as a decision diagram is (Bryant, "Graph-based algorithms for Boolean function
manipulation", 1986): what is left of four bits is a LUT, each different part of more bits chooses between two. What synthesis finds beyond
that is a factor of the family, measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.algebra.lookup_table import LookupTable
from hlsgen.algebra.types import narrowest
from hlsgen.cost.units import FamilyTable

_LUT_BITS = 4


def tables_luts(table: FamilyTable, tables: Sequence[LookupTable]) -> float:
    """LUTs of the tables, with what those of the same index share."""
    by_index: dict[tuple[tuple[int, ...], int], set[bytes]] = {}
    for lookup in tables:
        bits = narrowest(*lookup.range)[0]
        values = np.array(lookup.values, np.int64)
        columns = by_index.setdefault((lookup.inputs, lookup.bits), set())
        for bit in range(bits):
            columns.add(((values >> bit) & 1).astype(np.uint8).tobytes())
    return float(sum(_shared_luts(table, columns) for columns in by_index.values()))


def _shared_luts(table: FamilyTable, columns: set[bytes]) -> float:
    """LUTs of functions of the same index bits, given as a byte an entry."""
    whole = len(next(iter(columns)))
    parts, luts = {c for c in columns if len(set(c)) > 1}, 0.0
    while whole > 1 << _LUT_BITS:
        whole //= 2
        halves = [(c[:whole], c[whole:]) for c in parts]
        luts += table.table_choice * sum(low != high for low, high in halves)
        parts = {half for pair in halves for half in pair if len(set(half)) > 1}
    single = {c for c in parts if _depends_on(c) > 1}
    return luts + len(single)


def _depends_on(column: bytes) -> int:
    """Index bits that a function depends on."""
    values = np.frombuffer(column, np.uint8)
    count = len(values).bit_length() - 1
    shaped = values.reshape((2,) * count)
    return sum(
        bool(np.any(np.take(shaped, 0, axis=k) != np.take(shaped, 1, axis=k))) for k in range(count)
    )

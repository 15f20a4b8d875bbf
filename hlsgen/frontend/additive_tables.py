"""Additive table networks in the JSON form that KANELÉ publishes (``truth_tables.json``): a table for every edge, and sums.

An object with an entry ``"<layer>_<input>_<output>"`` for every edge: ``values_int``, the integers that the edge adds to its output, one for each
code of its input; and ``acive`` (so written; ``active`` is read too), 0 where the edge is pruned. The code of the network's own inputs is
unsigned. Behind every layer sums are kept to signed integers: of as many bits as the next layer's tables have of index, and behind the last of
those that ``config.json`` beside it gives last in ``layers_bitwidth``; without it of the least that hold every value of the last layer's tables.
A layer's code is its result plus half their number.

Form: Hoang et al., "KANELÉ: Kolmogorov-Arnold networks for efficient LUT-based evaluation", FPGA 2026, and the files of github.com/Duchstf/KANELE.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.algebra.types import bounds, narrowest
from hlsgen.errors import BadFile
from hlsgen.frontend.table_model import table_model
from hlsgen.ops.lowering import SummedTables
from hlsgen.ops.table_sum import INDEX_BITS

if TYPE_CHECKING:
    import onnx

_EDGE = re.compile(r"(\d+)_(\d+)_(\d+)")
_REMEDY = "Export truth_tables.json again; docs/tables.md says what is in it."
MOST_EDGES = 1 << 20


@dataclass(frozen=True)
class _Edge:
    values: tuple[int, ...]
    active: bool


def is_additive(content: object) -> bool:
    """Whether a JSON value is an additive table network: an object whose first key names an edge."""
    return (
        isinstance(content, dict) and bool(content) and bool(_EDGE.fullmatch(next(iter(content))))
    )


def additive_model(
    content: Mapping[str, Any], name: str, output_bits: int | None = None
) -> onnx.ModelProto:
    """The model of a network; ``output_bits``: of its last results. Raises BadFile naming the edge that is wrong."""
    layers = _edges(content, name)
    sizes = [_sizes(edges) for edges in layers]
    bits = [_index_bits(edges, k, name) for k, edges in enumerate(layers)]
    result = []
    for k, edges in enumerate(layers):
        inputs, outputs = sizes[k]
        if k and inputs != sizes[k - 1][1]:
            raise BadFile(
                f"{name}, layer {k}",
                f"expected edges from the {sizes[k - 1][1]} outputs of layer {k - 1}, found {inputs} inputs",
                _REMEDY,
            )
        tables = np.zeros((outputs, inputs, 1 << bits[k]), np.int64)
        for (source, target), edge in edges.items():
            if edge.active:
                tables[target, source] = edge.values
        kept = bits[k + 1] if k + 1 < len(layers) else output_bits or _signed_bits(tables)
        selection = np.broadcast_to(np.arange(inputs), (outputs, inputs))[:, :, None]
        offset = 1 << (bits[k] - 1) if k else 0
        layer = SummedTables(selection, tables, bits[k], offset, *bounds(kept, True))
        result.append(_without_pruned(layer))
    return table_model(name.rpartition(".")[0] or name, sizes[0][0], result)


def _edges(content: Mapping[str, Any], name: str) -> list[dict[tuple[int, int], _Edge]]:
    """Every edge by (input, output), layer by layer."""
    layers: dict[int, dict[tuple[int, int], _Edge]] = {}
    for key, entry in content.items():
        match = _EDGE.fullmatch(key)
        if match is None or len(content) > MOST_EDGES:
            raise BadFile(
                f"{name}, entry {key!r}",
                f"expected at most {MOST_EDGES:,} edges named <layer>_<input>_<output>, found {len(content):,} entries with this one",
                _REMEDY,
            )
        layer, source, target = map(int, match.groups())
        layers.setdefault(layer, {})[source, target] = _edge(entry, f"{name}, edge {key}")
    if sorted(layers) != list(range(len(layers))):
        raise BadFile(
            name,
            f"expected layers numbered from 0, found {sorted(layers)[:8]}",
            _REMEDY,
        )
    for layer, edges in layers.items():
        inputs, outputs = _sizes(edges)
        if len(edges) != inputs * outputs:
            missing = next(
                (i, o) for i in range(inputs) for o in range(outputs) if (i, o) not in edges
            )
            raise BadFile(
                f"{name}, layer {layer}",
                f"expected an edge from each of {inputs} inputs to each of {outputs} outputs, found none from {missing[0]} to {missing[1]}",
                _REMEDY,
            )
    return [layers[layer] for layer in range(len(layers))]


def _edge(entry: Any, where: str) -> _Edge:
    values = entry.get("values_int") if isinstance(entry, dict) else None
    if not isinstance(values, list) or not all(
        type(v) is int and abs(v) < 1 << 31 for v in values or [None]
    ):
        raise BadFile(
            where,
            f"expected values_int, a list of integers of at most 32 bits, found {values!r:.60}",
            _REMEDY,
        )
    active = entry.get("acive", entry.get("active", 1))
    return _Edge(tuple(values), bool(active))


def _sizes(edges: Mapping[tuple[int, int], _Edge]) -> tuple[int, int]:
    """Inputs and outputs of a layer."""
    return 1 + max(source for source, _ in edges), 1 + max(target for _, target in edges)


def _index_bits(edges: Mapping[tuple[int, int], _Edge], layer: int, name: str) -> int:
    """Bits of the code of a layer's inputs: those of the tables, which are all of one size."""
    size = len(next(iter(edges.values())).values)
    most = min(8, INDEX_BITS) if layer == 0 else INDEX_BITS
    for (source, target), edge in edges.items():
        count = len(edge.values)
        if count != size or not 2 <= count <= 1 << most or count & (count - 1):
            raise BadFile(
                f"{name}, edge {layer}_{source}_{target}",
                f"expected tables of one size in a layer, a power of two from 2 to {1 << most:,}, found {count:,} entries"
                f" where the first edge has {size:,}",
                _REMEDY,
            )
    return size.bit_length() - 1


def _signed_bits(tables: np.ndarray) -> int:
    """Bits of the narrowest signed integers that hold every value."""
    return narrowest(min(int(tables.min()), -1), int(tables.max()))[0]


def _without_pruned(layer: SummedTables) -> SummedTables:
    """The same sums with as few terms as the output of the most edges has; others are filled up with tables of 0."""
    there = np.any(layer.tables != 0, axis=2)
    order = np.argsort(~there, axis=1, kind="stable")[:, : max(1, int(there.sum(axis=1).max()))]
    rows = np.arange(len(order))[:, None]
    return SummedTables(
        layer.selection[rows, order],
        layer.tables[rows, order],
        layer.bits,
        layer.offset,
        layer.low,
        layer.high,
    )

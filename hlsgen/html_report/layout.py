"""Boxes in layers, from top to bottom: the longest path says in which, the mean place of the neighbours where in it.

The method of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures", 1981, in its simplest
form: lines that pass a layer have a place of their own there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx

SWEEPS = 8
"""Passes down and up, over the orders and over the places."""
GAP = 28.0
PASSING = 18.0
"""Width that a line takes where it passes a layer."""


@dataclass(frozen=True)
class Layout:
    """``corners``: upper left corner of every box; ``routes``: for each line, by its number, the points that it passes."""

    corners: Mapping[str, tuple[float, float]]
    routes: Sequence[Sequence[tuple[float, float]]]
    width: float
    height: float


def layered(
    nodes: Sequence[str],
    lines: Sequence[tuple[str, str]],
    box: tuple[float, float],
    between: float,
) -> Layout:
    """Places for ``nodes`` of size ``box``, in an acyclic graph of ``lines``, with ``between`` pixels from layer to layer."""
    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(lines)
    depth = {n: k for k, ns in enumerate(networkx.topological_generations(graph)) for n in ns}
    chains = [_chain(number, line, depth) for number, line in enumerate(lines)]
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in nodes:
        rows[depth[node]].append(node)
    for chain in chains:
        for name, row in zip(chain[1:-1], range(depth[chain[0]] + 1, len(rows)), strict=False):
            rows[row].append(name)
    links = networkx.DiGraph()
    links.add_nodes_from(name for row in rows for name in row)
    links.add_edges_from((a, b) for chain in chains for a, b in pairwise(chain))
    sizes = {name: box[0] if name in depth else PASSING for name in links}
    _order(rows, links)
    centres = _centres(rows, links, sizes)
    left = min((centres[n] - sizes[n] / 2 for n in links), default=0.0)
    right = max((centres[n] + sizes[n] / 2 for n in links), default=0.0)
    pitch = box[1] + between
    row_of = {name: k for k, row in enumerate(rows) for name in row}
    corners = {n: (centres[n] - left - box[0] / 2, row_of[n] * pitch) for n in nodes}
    routes = [_route(chain, centres, row_of, left, box[1], pitch) for chain in chains]
    return Layout(corners, routes, right - left, max(0.0, len(rows) * pitch - between))


def _chain(number: int, line: tuple[str, str], depth: Mapping[str, int]) -> list[str]:
    """The line with a name for its place in every layer that it passes."""
    source, target = line
    passed = range(depth[source] + 1, depth[target])
    return [source, *(f"\0{number} {row}" for row in passed), target]


def _neighbours(links: networkx.DiGraph, name: str, down: bool) -> list[str]:
    return list(links.predecessors(name) if down else links.successors(name))


def _order(rows: list[list[str]], links: networkx.DiGraph) -> None:
    """Sort every layer by the mean place of the neighbours in the layer before, down and up in turn."""
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        at = {name: k for row in rows for k, name in enumerate(row)}
        for row in rows if down else reversed(rows):
            means = {}
            for name in row:
                near = [at[other] for other in _neighbours(links, name, down)]
                means[name] = sum(near) / len(near) if near else float(at[name])
            row.sort(key=lambda name: means[name])
            at |= {name: k for k, name in enumerate(row)}


def _centres(
    rows: list[list[str]], links: networkx.DiGraph, sizes: Mapping[str, float]
) -> dict[str, float]:
    """Where the middle of everything is: near its neighbours, without overlaps."""
    centres: dict[str, float] = {}
    for row in rows:
        edge = 0.0
        for name in row:
            centres[name] = edge + sizes[name] / 2
            edge += sizes[name] + GAP
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wishes = []
            for name in row:
                near = [centres[other] for other in _neighbours(links, name, down)]
                wishes.append(sum(near) / len(near) if near else centres[name])
            centres |= zip(row, _apart(wishes, [sizes[name] for name in row]), strict=True)
    return centres


def _apart(wishes: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Places in this order without overlaps: groups of boxes that touch stand where the mean of their wishes is."""
    # Of each group: where its boxes would have its left edge, summed; its width; its boxes.
    groups: list[tuple[float, float, int]] = []
    for wish, size in zip(wishes, sizes, strict=True):
        groups.append((wish - size / 2, size, 1))
        while len(groups) > 1 and _first(groups[-2]) + groups[-2][1] + GAP > _first(groups[-1]):
            (wish_a, width_a, n_a), (wish_b, width_b, n_b) = groups[-2:]
            shift = (width_a + GAP) * n_b
            groups[-2:] = [(wish_a + wish_b - shift, width_a + GAP + width_b, n_a + n_b)]
    edges = _unfolded(groups, sizes)
    return [edge + size / 2 for edge, size in zip(edges, sizes, strict=True)]


def _first(group: tuple[float, float, int]) -> float:
    return group[0] / group[2]


def _unfolded(groups: Sequence[tuple[float, float, int]], sizes: Sequence[float]) -> list[float]:
    """The left edge of every box."""
    places: list[float] = []
    for group in groups:
        edge = _first(group)
        for _ in range(group[2]):
            places.append(edge)
            edge += sizes[len(places) - 1] + GAP
    return places


def _route(
    chain: Sequence[str],
    centres: Mapping[str, float],
    row_of: Mapping[str, int],
    left: float,
    height: float,
    pitch: float,
) -> list[tuple[float, float]]:
    """From below the first box to above the last one, straight down where a layer is passed."""
    points = [(centres[chain[0]] - left, row_of[chain[0]] * pitch + height)]
    for name in chain[1:-1]:
        x, y = centres[name] - left, row_of[name] * pitch
        points += [(x, y), (x, y + height)]
    return [*points, (centres[chain[-1]] - left, row_of[chain[-1]] * pitch)]

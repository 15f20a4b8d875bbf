"""From a complete partial mapping to the plain value that the mapper returns."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

from hlsgen.schedule.grid_kernel.mapping import (
    Bounds,
    GridMapping,
    Keep,
    Move,
    Placement,
    Send,
    Unit,
    Use,
)
from hlsgen.schedule.grid_kernel.partial import Partial
from hlsgen.schedule.grid_kernel.routing import FETCH, KEPT, STORE, Net, Point

PORTS: tuple[Literal["register_a"], Literal["register_b"]] = ("register_a", "register_b")


def to_mapping(partial: Partial, bounds: Bounds, seed: int) -> GridMapping:
    """The mapping, moved to the earliest iteration in which no time is negative; nothing is said of the search yet."""
    problem, ii = partial.problem, partial.ii
    earliest = min(partial.time(o) for o in range(problem.count))
    shift = earliest // ii * ii
    placements = {
        name: _placement(partial, o, partial.time(o) - shift)
        for o, name in enumerate(problem.names)
    }
    ports = _ports(partial)
    routes: dict[Use, tuple[Move, ...]] = {}
    for number, edge in enumerate(problem.edges):
        net = partial.nets[edge.producer]
        assert net is not None
        route = _route(partial, edge.producer, net, net.paths[number], ports, shift)
        routes.update({use: route for use in edge.uses})
    tiles: dict[str, list[str]] = {array.name: [] for array in problem.graph.arrays}
    for operation in problem.graph.operations:
        tile = placements[operation.name].tile
        if operation.array is not None and tile is not None and tile not in tiles[operation.array]:
            tiles[operation.array].append(tile)
    return GridMapping(
        fabric=problem.fabric,
        graph=problem.graph,
        ii=ii,
        bounds=bounds,
        placements=placements,
        routes=routes,
        tiles={name: tuple(homes) for name, homes in tiles.items() if homes},
        proved_optimal=False,
        stopped="",
        seconds=0.0,
        seed=seed,
    )


def _placement(partial: Partial, operation: int, time: int) -> Placement:
    problem = partial.problem
    unit = partial.unit(operation)
    tile = problem.tile_of(unit)
    cell = problem.cells[partial.cell(operation)]
    if tile is None:
        return Placement(cell, time, "alu")
    kind: Unit = "read" if unit - len(problem.cells) < len(problem.tiles) else "write"
    return Placement(cell, time, kind, problem.tiles[tile].name)


def _ports(partial: Partial) -> Mapping[tuple[int, Point], int]:
    """(operation, point reached by a read of the register file) -> number of the read port."""
    held: dict[tuple[int, int], int] = {}
    ports: dict[tuple[int, Point], int] = {}
    for operation, net in enumerate(partial.nets):
        assert net is not None
        for point, (_, _, how) in net.tree.items():
            if how == FETCH and point != net.root:
                place = (point[1], point[0] % partial.ii)
                ports[operation, point] = held.get(place, 0)
                held[place] = held.get(place, 0) + 1
    return ports


def _route(
    partial: Partial,
    operation: int,
    net: Net,
    path: list[Point],
    ports: Mapping[tuple[int, Point], int],
    shift: int,
) -> tuple[Move, ...]:
    cells, directions = partial.problem.cells, partial.wires.directions
    moves: list[Move] = []
    written = 0
    for before, point in itertools.pairwise(path):
        how = net.tree[point][2]
        if how >= 0:
            moves.append(Send(cells[before[1]], directions[how], before[0] - shift))
        elif how == STORE:
            written = before[0]
        elif how == FETCH:
            port = PORTS[ports[operation, point]]
            moves.append(Keep(cells[point[1]], written - shift, point[0] - shift, port))
        assert how >= STORE and (point[2] == KEPT) == (how in (STORE, -2))
    return tuple(moves)

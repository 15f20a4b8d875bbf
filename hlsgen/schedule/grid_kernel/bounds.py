"""Lower bounds of the initiation interval of a loop graph on a fabric: resources, memory, recurrences."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hlsgen.schedule.grid_kernel.mapping import Bounds
from hlsgen.schedule.grid_kernel.modulo_schedule import recurrence_bound
from hlsgen.schedule.grid_kernel.problem import Problem


def bounds_of(problem: Problem) -> Bounds:
    """All three bounds of a problem."""
    return Bounds(_resource(problem), _memory(problem), recurrence_bound(problem))


def _resource(problem: Problem) -> int:
    """Hall's condition over sets of kinds: operations that only these kinds can start, shared by the PEs of these kinds."""
    present = Counter(name for row in problem.fabric.kinds for name in row)
    operators = Counter(
        o.operator
        for o in problem.graph.operations
        if o.operator not in ("load", "store", "affine")
    )
    able = {
        operator: {k.name for k in problem.fabric.pe_kinds if operator in k.operators}
        & set(present)
        for operator in operators
    }
    bound = 1
    for size in range(1, len(present) + 1):
        for kinds in map(set, combinations(sorted(present), size)):
            only = sum(n for operator, n in operators.items() if able[operator] <= kinds)
            bound = max(bound, -(-only // sum(present[kind] for kind in kinds)))
    return bound


def _memory(problem: Problem) -> int:
    """All accesses over all ports; the accesses of one array that lives in one tile; those of all arrays with the same given home."""
    bound = 1
    for operators in (("load", "affine"), ("store",)):
        users = [o for o in problem.graph.operations if o.operator in operators]
        if not users:
            continue
        ports = {u for o in users for u in problem.candidates[problem.index[o.name]].units.tolist()}
        bound = max(bound, -(-len(users) // len(ports)))
        together = Counter(
            problem.homes.get(o.array, "array " + o.array)
            for o in users
            if o.array is not None and problem.in_one_tile(o.array)
        )
        bound = max(bound, *together.values(), 1)
    return bound

"""A mapping as text: a table of places and slots, and the route of every value."""

from __future__ import annotations

from hlsgen.loops.ir import Constant, Operation
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Placement, Send

NAME_WIDTH = 18
"""Letters of an operation's name in a table; longer ones lose their middle."""


LEGEND = (
    "Table: name: operator (and its constant) of each PE or memory port in each slot; +s: of the iteration that began s intervals before;",
    "PEs and ports that are never used are left out.",
    "Routes: r,c E @t: from PE r,c over its link eastwards in cycle t (E2: over two cells); r,c register_a @w..t: in a register of r,c from",
    "cycle w on, read through port a in cycle t; at r,c: used there; in place: used where it is made. Cycles are those of iteration 0.",
)


def to_text(mapping: GridMapping) -> str:
    """The mapping for people: the interval and what is known of smaller ones, who works where in which slot, the routes, a legend."""
    bounds = mapping.bounds
    lines = [
        f"{mapping.graph.name} on {mapping.fabric.name}: interval {mapping.ii}",
        verdict(mapping),
        f"lower bounds: resource {bounds.resource}, memory {bounds.memory}, recurrence {bounds.recurrence}",
        f"{len(mapping.graph.operations)} operations, {mapping.length} cycles an iteration,"
        f" {mapping.graph.iterations} iterations",
        "",
        *_table(mapping),
        "",
        *_routes(mapping),
    ]
    if mapping.tiles:
        lines += ["", *(f"array {name} in {', '.join(t)}" for name, t in mapping.tiles.items())]
    return "\n".join(line.rstrip() for line in [*lines, "", *LEGEND]) + "\n"


def verdict(mapping: GridMapping) -> str:
    """What is known of smaller intervals: that there is none, or why the search stopped."""
    lower, ii = mapping.bounds.mii, mapping.ii
    if ii == lower:
        return f"proved optimal: {ii} is the lower bound"
    if mapping.proved_optimal:
        smaller = f" {lower} is" if ii == lower + 1 else f"s {lower} to {ii - 1} are"
        return f"proved optimal: interval{smaller} infeasible"
    return f"not proved optimal (lower bound {lower}): {mapping.stopped}"


def shortened(name: str, width: int = NAME_WIDTH) -> str:
    """``name`` in at most ``width`` letters; its end, which tells names apart, stays."""
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return f"{name[: width - 1 - end]}~{name[-end:]}"


def computes(operation: Operation) -> str:
    """The operator, and its constants."""
    constants = [
        str(operand.value) for operand in operation.operands if isinstance(operand, Constant)
    ]
    return " ".join([operation.operator, *constants])


def _table(mapping: GridMapping) -> list[str]:
    entries: dict[tuple[str, int], str] = {}
    for operation in mapping.graph.operations:
        place = mapping.placements[operation.name]
        stage, slot = divmod(place.time, mapping.ii)
        entry = f"{shortened(operation.name)}: {computes(operation)} +{stage}"
        entries[_row(place), slot] = entry
    used = {row for row, _ in entries}
    rows = [f"PE {row},{column}" for row, column in mapping.fabric.cells]
    for tile in mapping.fabric.tiles:
        rows += [f"{tile.name} read", f"{tile.name} write"]
    rows = [row for row in rows if row in used]
    slots = range(mapping.ii)
    table = [["", *(f"slot {slot}" for slot in slots)]]
    table += [[row, *(entries.get((row, slot), "") for slot in slots)] for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(mapping.ii + 1)]
    text = [" | ".join(map(str.ljust, line, widths)) for line in table]
    return [text[0], "-+-".join("-" * width for width in widths), *text[1:]]


def _row(place: Placement) -> str:
    if place.unit == "alu":
        return f"PE {place.cell[0]},{place.cell[1]}"
    return f"{place.tile} {place.unit}"


def _routes(mapping: GridMapping) -> list[str]:
    lines = []
    for use, route in mapping.routes.items():
        producer = mapping.producer(use)
        steps = [f"{producer} -> {use.consumer} ({use.operand}):"]
        for move in route:
            row, column = move.cell
            if isinstance(move, Send):
                steps.append(f"{row},{column} {move.direction} @{move.time}")
            else:
                steps.append(f"{row},{column} {move.port} @{move.written}..{move.read}")
        cell = mapping.placements[use.consumer].cell
        steps.append(f"at {cell[0]},{cell[1]}" if route else "in place")
        lines.append("  ".join(steps))
    return lines

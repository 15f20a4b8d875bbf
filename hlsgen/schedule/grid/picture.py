"""A mapping as text: a table of places and slots, and the route of every value."""

from __future__ import annotations

from hlsgen.schedule.grid.mapping import GridMapping, Placement, Send

NAME_WIDTH = 18
"""Letters of an operation's name in a table; longer ones lose their middle."""


def to_text(mapping: GridMapping) -> str:
    """The mapping for people: who works where in which slot (``+s``: s stages later than the first), then the routes.

    Times in routes are cycles of iteration 0.
    """
    bounds = mapping.bounds
    proof = "proved optimal" if mapping.proved_optimal else f"not proved: {mapping.stopped}"
    lines = [
        f"{mapping.graph.name} on {mapping.fabric.name}: interval {mapping.interval} ({proof})",
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
    return "\n".join(line.rstrip() for line in lines) + "\n"


def shortened(name: str, width: int = NAME_WIDTH) -> str:
    """``name`` in at most ``width`` letters; its end, which tells names apart, stays."""
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return f"{name[: width - 1 - end]}~{name[-end:]}"


def _table(mapping: GridMapping) -> list[str]:
    entries: dict[tuple[str, int], str] = {}
    for operation in mapping.graph.operations:
        place = mapping.placements[operation.name]
        stage, slot = divmod(place.time, mapping.interval)
        entry = f"{shortened(operation.name)} {operation.operator} +{stage}"
        entries[_row(place), slot] = entry
    used = {row for row, _ in entries}
    rows = [f"PE {row},{column}" for row, column in mapping.fabric.cells]
    rows += [
        row
        for tile in mapping.fabric.tiles
        for row in (f"{tile.name} read", f"{tile.name} write")
        if row in used
    ]
    slots = range(mapping.interval)
    table = [["", *(f"slot {slot}" for slot in slots)]]
    table += [[row, *(entries.get((row, slot), "") for slot in slots)] for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(mapping.interval + 1)]
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

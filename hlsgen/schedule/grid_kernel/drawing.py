"""A mapping as SVG: for every slot the grid, with operations in the PEs, and an arrow for every link that carries a word.

Every value has a colour, the same for its operation, its arrows and the registers (small squares) that hold it; ``LEGEND`` is drawn below.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterator
from html import escape

from hlsgen.fabric.ir import Cell
from hlsgen.fabric.switch import outgoing
from hlsgen.loops.ir import Value
from hlsgen.loops.text import operation_text
from hlsgen.schedule.grid_kernel.map_report import sends
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Keep, Send
from hlsgen.schedule.grid_kernel.picture import computes, shortened, verdict

BOX, PITCH, MARGIN, TILE, HEAD, LINE = 96, 146, 20, 96, 34, 18
"""Sizes in pixels: a PE, from one to the next, around a panel, a memory tile, the panel's title, a line of text."""
LEGEND = (
    "A panel is one slot of the interval: what happens in cycles of this number modulo the interval, of several iterations at once.",
    "+s: of the iteration that began s intervals before. if: the predicate, true where its lowest bit is 1. After an operator: its constant.",
    "An arrow: a word on a link, at the far end one cycle later. A small square: a register that holds a value. Colours tell values apart.",
    "A memory tile reads (upper box) and writes (lower box) one element a slot; what it reads is in the PE beside it one cycle later.",
)
PANELS_WIDTH = 2700
"""Panels are put side by side up to this width."""
LETTER = 7
"""Width of a letter in pixels, about."""
GOLDEN = 0.618034


def to_svg(mapping: GridMapping) -> str:
    """One SVG document."""
    return _Drawing(mapping).document()


class _Drawing:
    def __init__(self, mapping: GridMapping) -> None:
        self.mapping = mapping
        self.fabric = mapping.fabric
        names = [operation.name for operation in mapping.graph.operations]
        self.colours = {name: _colour(number, 0.82) for number, name in enumerate(names)}
        self.strong = {name: _colour(number, 0.36) for number, name in enumerate(names)}
        self.operations = {operation.name: operation for operation in mapping.graph.operations}
        sides = {tile.side for tile in self.fabric.tiles}
        self.left = MARGIN + (TILE + 20) * ("west" in sides)
        self.top = HEAD + MARGIN + (TILE + 20) * ("north" in sides)
        self.width = self.left + self.fabric.columns * PITCH + (TILE + 20) * ("east" in sides)
        self.height = self.top + self.fabric.rows * PITCH + (TILE + 20) * ("south" in sides)
        self.held = _held(mapping)

    def document(self) -> str:
        mapping, count = self.mapping, self.mapping.ii
        head = HEAD + LINE
        across = max(1, min(count, PANELS_WIDTH // self.width))
        lines = [*LEGEND, verdict(mapping)]
        width = max(across * self.width, max(map(len, lines)) * LETTER + 2 * MARGIN)
        foot = -(-count // across) * self.height + head
        height = foot + len(LEGEND) * LINE + MARGIN
        title = f"{mapping.graph.name} on {self.fabric.name}, interval {count}, {mapping.length} cycles an iteration"
        body = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            _text(MARGIN, 24, title, size=16),
            _text(MARGIN, 24 + LINE, verdict(mapping)),
        ]
        for slot in range(count):
            x, y = slot % across * self.width, slot // across * self.height + head
            body += [f'<g transform="translate({x} {y})">', *self._panel(slot), "</g>"]
        body += [_text(MARGIN, foot + (k + 1) * LINE, line) for k, line in enumerate(LEGEND)]
        return "\n".join([*body, "</svg>"]) + "\n"

    def _panel(self, slot: int) -> Iterator[str]:
        yield _text(MARGIN, 22, f"slot {slot}", size=14)
        for cell in self.fabric.cells:
            yield from self._pe(cell, slot)
        for tile in self.fabric.tiles:
            yield from self._tile(tile.name, tile.side, tile.cell, slot)
        for name, move in sorted(sends(self.mapping), key=str):
            if move.time % self.mapping.ii == slot:
                yield from self._arrow(name, move)

    def _corner(self, cell: Cell) -> tuple[int, int]:
        return self.left + cell[1] * PITCH, self.top + cell[0] * PITCH

    def _pe(self, cell: Cell, slot: int) -> Iterator[str]:
        x, y = self._corner(cell)
        name = self._at(cell, "alu", slot)
        yield _box(x, y, BOX, self.colours.get(name or "", "#f2f2f2"))
        yield _text(x + 4, y + 13, f"{cell[0]},{cell[1]}", size=9, fill="#555")
        if name is not None:
            yield from self._operation(x, y + 18, name)
        for number, value in enumerate(self.held.get((cell, slot), ())):
            left, up = x + 4 + number % 8 * 11, y + BOX - 13 - number // 8 * 11
            yield (
                f'<rect x="{left}" y="{up}" width="9" height="9" fill="{self.colours[value]}"'
                f' stroke="#333"><title>register: {escape(value)}</title></rect>'
            )

    def _operation(self, x: int, y: int, name: str) -> Iterator[str]:
        operation = self.operations[name]
        yield _text(x + 4, y + 12, shortened(name, 13), "bold", operation_text(operation))
        yield _text(x + 4, y + 26, shortened(computes(operation), 14))
        yield _text(x + 4, y + 39, self._when(name, 8))

    def _when(self, name: str, letters: int) -> str:
        """The stage and the predicate, its name in at most so many letters."""
        stage = self.mapping.placements[name].time // self.mapping.ii
        predicate = self.operations[name].predicate
        if predicate is None:
            return f"+{stage}"
        if isinstance(predicate, Value):
            return f"+{stage} if {shortened(predicate.operation, letters)}"
        return f"+{stage} if {predicate.edge}"

    def _tile(self, name: str, side: str, cell: Cell, slot: int) -> Iterator[str]:
        x, y = self._corner(cell)
        step = TILE + 20
        across, down = {"west": (-1, 0), "east": (1, 0), "north": (0, -1), "south": (0, 1)}[side]
        x, y = x + across * step, y + down * step
        yield _box(x, y, TILE, "#d6d6e6", round_by=0)
        yield _text(x + 6, y + 13, name, size=9, fill="#555")
        for number, unit in enumerate(("read", "write")):
            user = self._at(name, unit, slot)
            if user is not None:
                up = y + 18 + 36 * number
                yield (
                    f'<rect x="{x + 3}" y="{up}" width="{TILE - 6}" height="34"'
                    f' fill="{self.colours[user]}" stroke="#999"/>'
                )
                operation = self.operations[user]
                yield _text(x + 6, up + 13, shortened(user, 13), "bold", operation_text(operation))
                words = [] if operation.predicate else [operation.operator]
                yield _text(x + 6, up + 27, " ".join([*words, self._when(user, 8)]))

    def _at(self, where: Cell | str, unit: str, slot: int) -> str | None:
        for name, place in self.mapping.placements.items():
            here = place.cell if place.unit == "alu" else place.tile
            if (here, place.unit, place.time % self.mapping.ii) == (where, unit, slot):
                return name
        return None

    def _arrow(self, name: str, move: Send) -> Iterator[str]:
        """From the edge of one PE to the other's; opposite links beside each other, longer ones bent, wrapped ones cut."""
        far = outgoing(self.fabric, move.cell)[move.direction]
        down, right = {"N": (-1, 0), "E": (0, 1), "S": (1, 0), "W": (0, -1)}[move.direction[0]]
        hop = int(move.direction[1:] or 1)
        x0, y0 = self._corner(move.cell)
        aside = 16 + 12 * (hop - 1)
        x0 += BOX // 2 + (BOX // 2) * right - aside * down
        y0 += BOX // 2 + (BOX // 2) * down + aside * right
        wraps = far != (move.cell[0] + hop * down, move.cell[1] + hop * right)
        length = (PITCH - BOX) // 2 if wraps else hop * PITCH - BOX
        x1, y1 = x0 + length * right, y0 + length * down
        colour = self.strong[name]
        stage = move.time // self.mapping.ii
        head = f"{x1},{y1} {x1 - 8 * right - 4 * down},{y1 - 8 * down - 4 * right}"
        head += f" {x1 - 8 * right + 4 * down},{y1 - 8 * down + 4 * right}"
        yield (
            f'<g class="link" stroke="{colour}" fill="{colour}"><title>{escape(name)} +{stage},'
            f" cycle {move.time}</title>"
        )
        yield f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke-width="2"/>'
        yield f'<polygon points="{head}"/></g>'
        # Beside the line: opposite links have their names on opposite sides.
        label = shortened(name, 8)
        if down:
            anchor, label_x = ("end", x0 - 3) if down > 0 else ("start", x0 + 3)
            yield _text(label_x, (y0 + y1) // 2 + 3, label, size=8, fill=colour, anchor=anchor)
        else:
            label_y = y0 + 10 if right > 0 else y0 - 5
            yield _text((x0 + x1) // 2, label_y, label, size=8, fill=colour, anchor="middle")


def _held(mapping: GridMapping) -> dict[tuple[Cell, int], list[str]]:
    """(cell, slot) -> the values in its registers, once for each iteration that is held."""
    last: dict[tuple[Cell, str, int], int] = {}
    for use, route in mapping.routes.items():
        for move in route:
            if isinstance(move, Keep):
                key = (move.cell, mapping.producer(use), move.written)
                last[key] = max(last.get(key, 0), move.read)
    held: dict[tuple[Cell, int], list[str]] = {}
    for (cell, value, written), read in sorted(last.items()):
        for cycle in range(written + 1, read + 1):
            held.setdefault((cell, cycle % mapping.ii), []).append(value)
    return held


def _colour(number: int, lightness: float) -> str:
    """Hues that are far apart for numbers that are near."""
    red, green, blue = colorsys.hls_to_rgb(number * GOLDEN % 1, lightness, 0.75)
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))


def _box(x: int, y: int, size: int, fill: str, round_by: int = 5) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{size}" height="{size}" rx="{round_by}" fill="{fill}"'
        ' stroke="#555"/>'
    )


def _text(
    x: int,
    y: int,
    text: str,
    weight: str = "normal",
    title: str = "",
    size: int = 11,
    fill: str = "black",
    anchor: str = "start",
) -> str:
    tip = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}">'
        f"{tip}{escape(text)}</text>"
    )

"""Graphs as pictures: a network's processes and channels, a kernel's operations and values."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hlsgen.html_report.content import Drawing, EdgeLine, NodeBox, Picture
from hlsgen.html_report.documents import Documents
from hlsgen.html_report.layout import layered

PROCESS_BOX, OPERATION_BOX = (210.0, 76.0), (150.0, 44.0)
BETWEEN_PROCESSES, BETWEEN_OPERATIONS = 46.0, 34.0
MARGIN = 14.0
LETTERS = 26
"""Of a title in a box."""
TITLE_LETTERS = 22
"""The same of a title, which is bold."""


def network_picture(documents: Documents) -> Picture:
    """Inputs, processes and outputs, with a line for every channel that is read; the label of a line is the depth of its buffer.
    Dashed lines are states."""
    graph = documents.report["graph"]
    layers = {layer["name"]: layer for layer in documents.layers}
    bottleneck = documents.report.get("bottleneck")
    boxes: dict[str, tuple[str, tuple[str, ...], float | None, str]] = {}
    makers: dict[str, str] = {}
    for name in graph["inputs"]:
        makers[name] = f"in {name}"
        boxes[makers[name]] = ("port", (name, _shape(graph, name)), None, "")
    for process in graph["processes"]:
        layer = layers.get(process["name"], {})
        mark = "bottleneck" if process["name"] == bottleneck else ""
        share = layer.get("busy", layer.get("mac_use"))
        lines = (process["name"], *_process_lines(graph, process, layer))
        boxes[process["name"]] = ("process", lines, share, mark)
        makers[process["writes"]] = process["name"]
    lines_between: list[tuple[str, str, str, bool]] = []
    for process in graph["processes"]:
        buffers = {b["channel"]: b for b in layers.get(process["name"], {}).get("buffers", ())}
        for channel in process["reads"]:
            label = _buffer(buffers.get(channel))
            kept = graph.get("states", {}).get(channel)
            if kept is not None:
                label = f"{label}, 1 sample before" if label else "1 sample before"
            lines_between.append(
                (makers[kept or channel], process["name"], label, kept is not None)
            )
    for name in graph["outputs"]:
        boxes[f"out {name}"] = ("port", (name, _shape(graph, name)), None, "")
        lines_between.append((makers[name], f"out {name}", "", False))
    description = f"{len(graph['processes'])} processes" + (
        f"; {bottleneck} is the slowest" if bottleneck else ""
    )
    title = f"processes and channels of {documents.manifest.top}"
    return _picture(title, description, boxes, lines_between, PROCESS_BOX, BETWEEN_PROCESSES)


def kernel_picture(graph: Mapping[str, Any], name: str) -> Picture:
    """Operations, with a line for every value that is read; dashed ones are of earlier iterations."""
    boxes: dict[str, tuple[str, tuple[str, ...], float | None, str]] = {}
    lines: list[tuple[str, str, str, bool]] = []
    for operation in graph["operations"]:
        where = f" {operation['array']}" if operation["array"] else ""
        text = (operation["name"], f"{operation['operator']}{where}, cycle {operation['cycle']}")
        boxes[operation["name"]] = ("memory" if where else "process", text, None, "")
        for value in operation["reads"]:
            distance = value["distance"]
            label = f"{distance} before" if distance else ""
            lines.append((value["operation"], operation["name"], label, distance > 0))
    description = f"{len(boxes)} operations, an iteration every {graph['ii']} cycles"
    return _picture(
        f"loop graph {name}", description, boxes, lines, OPERATION_BOX, BETWEEN_OPERATIONS
    )


def drawings(documents: Documents) -> tuple[Drawing, ...]:
    """The drawings of the folder."""
    return tuple(
        Drawing(
            f"mapping on the fabric ({name})",
            f"data:image/svg+xml;base64,{b64encode(content).decode()}",
        )
        for name, content in sorted(documents.drawings.items())
    )


def _picture(
    title: str,
    description: str,
    boxes: Mapping[str, tuple[str, tuple[str, ...], float | None, str]],
    lines: Sequence[tuple[str, str, str, bool]],
    box: tuple[float, float],
    between: float,
) -> Picture:
    straight = [(a, b) for a, b, _, carried in lines if not carried]
    layout = layered(list(boxes), straight, box, between)
    routes = iter(layout.routes)
    edges = []
    for source, target, label, carried in lines:
        points = _back(layout.corners, source, target, box) if carried else next(routes)
        edges.append(_edge(source, target, label, points, carried))
    nodes = tuple(
        NodeBox(
            name,
            kind,
            layout.corners[name][0] + MARGIN,
            layout.corners[name][1] + MARGIN,
            *box,
            shortened(texts[0], TITLE_LETTERS),
            texts[1:],
            share,
            mark,
        )
        for name, (kind, texts, share, mark) in boxes.items()
    )
    room = 60.0 if any(edge.carried for edge in edges) else 0.0  # for lines that bend back
    width, height = layout.width + 2 * MARGIN + room, layout.height + 2 * MARGIN
    return Picture(title, description, width, height, nodes, tuple(edges))


def _edge(
    source: str,
    target: str,
    label: str,
    points: Sequence[tuple[float, float]],
    carried: bool,
) -> EdgeLine:
    """A line that is straight down at both ends of each part; carried ones bend beside the boxes."""
    moved = [(x + MARGIN, y + MARGIN) for x, y in points]
    if carried:
        (x0, y0), (x1, y1) = moved[0], moved[-1]
        out = max(x0, x1) + 44
        path = f"M{x0:.1f} {y0:.1f}C{out:.1f} {y0:.1f} {out:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        return EdgeLine(source, target, path, label, out - 14, (y0 + y1) / 2, True)
    path = f"M{moved[0][0]:.1f} {moved[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(moved):
        middle = (y0 + y1) / 2
        path += f"C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    x, y = moved[-1]
    return EdgeLine(source, target, path, label, x + 6, y - 12, False)


def _back(
    corners: Mapping[str, tuple[float, float]],
    source: str,
    target: str,
    box: tuple[float, float],
) -> list[tuple[float, float]]:
    """From the right side of one box to that of the other; of a box to itself, from its lower to its upper half."""
    (x0, y0), (x1, y1) = corners[source], corners[target]
    apart = box[1] / 4 if source == target else 0.0
    return [(x0 + box[0], y0 + box[1] / 2 + apart), (x1 + box[0], y1 + box[1] / 2 - apart)]


def shortened(text: str, letters: int = LETTERS) -> str:
    """At most so many letters; where some are left out, from the middle."""
    if len(text) <= letters:
        return text
    front = (letters - 1) // 2
    return f"{text[:front]}…{text[front + 1 - letters :]}"


def _shape(graph: Mapping[str, Any], channel: str) -> str:
    known = graph["channels"][channel]
    return f"{' × '.join(map(str, known['shape']))} {known['element']}"


def _process_lines(
    graph: Mapping[str, Any], process: Mapping[str, Any], layer: Mapping[str, Any]
) -> tuple[str, str]:
    factors = " ".join(f"{name}{n}" for name, n in layer.get("unroll", {}).items() if n > 1)
    cycles = f"{layer['cycles']:,} cycles" if "cycles" in layer else ""
    return (
        ", ".join(filter(None, (process["step"], factors))),
        ", ".join(filter(None, (_shape(graph, process["writes"]), cycles))),
    )


def _buffer(buffer: Mapping[str, Any] | None) -> str:
    """Words × channels of a word."""
    return "" if buffer is None else f"{buffer['depth']:,} × {buffer['lanes']}"

"""LUTs for each operation by number format, as a picture: bars on a logarithmic scale, from the records of ``formats``."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from math import log10

from benchmarks.format_layers import FORMATS
from benchmarks.record import records

FORMS = {"array": ("PE array", "#5b7fb0"), "constant": ("weights are wires", "#c2571a")}
DECADES = (-1, 3)
"""Powers of ten at both ends of the scale."""
LEFT, TOP, WIDTH, BAR, GROUP = 110, 44, 480, 15, 46


def picture() -> str:
    """The SVG of all records that have LUTs; formats in the order of ``FORMATS``."""
    measured = {
        record.design: float(record.values["luts_per_operation"])
        for record in records("formats")
        if "luts_per_operation" in record.values
    }
    height = TOP + GROUP * len(FORMATS) + 34
    svg = ET.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "font-family": "sans-serif", "font-size": "12"}
        | {"width": f"{LEFT + WIDTH + 70}", "height": f"{height}"},
    )
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    _scale(svg, height - 30)
    for k, (title, colour) in enumerate(FORMS.values()):
        x = LEFT + 150 * k
        key = {"x": f"{x}", "y": "10", "width": "12", "height": "12", "fill": colour}
        ET.SubElement(svg, "rect", key)
        _text(svg, x + 18, 20, title)
    for row, name in enumerate(FORMATS):
        y = TOP + GROUP * row
        _text(svg, LEFT - 10, y + BAR + 4, name, text_anchor="end")
        for k, (form, (_, colour)) in enumerate(FORMS.items()):
            _bar(svg, y + k * (BAR + 1), measured.get(f"{name}-{form}"), colour)
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _scale(svg: ET.Element, bottom: float) -> None:
    for power in range(DECADES[0], DECADES[1] + 1):
        x = f"{_place(10.0**power):g}"
        line = {"x1": x, "x2": x, "y1": f"{TOP - 8}", "y2": f"{bottom}", "stroke": "#ddd"}
        ET.SubElement(svg, "line", line)
        _text(svg, float(x), bottom + 14, f"{10.0**power:g}", text_anchor="middle", fill="#555")
    middle = LEFT + WIDTH / 2
    _text(svg, middle, bottom + 27, "LUT4 for each operation, ECP5", text_anchor="middle")


def _bar(svg: ET.Element, y: float, value: float | None, colour: str) -> None:
    """The bar of a design, with its figure; one that was not measured has a dash."""
    if value is None:
        _text(svg, LEFT + 4, y + BAR - 3, "–", fill=colour)
        return
    wide = max(1.0, _place(value) - LEFT)
    bar = {"x": f"{LEFT}", "y": f"{y:g}", "width": f"{wide:.1f}", "height": f"{BAR}"}
    ET.SubElement(svg, "rect", bar | {"fill": colour})
    _text(svg, LEFT + wide + 5, y + BAR - 3, f"{value:g}", fill="#555")


def _place(value: float) -> float:
    low, high = DECADES
    return LEFT + WIDTH * (log10(value) - low) / (high - low)


def _text(svg: ET.Element, x: float, y: float, words: str, **style: str) -> None:
    attributes = {"x": f"{x:g}", "y": f"{y:g}", "fill": "#222"}
    attributes |= {key.replace("_", "-"): value for key, value in style.items()}
    ET.SubElement(svg, "text", attributes).text = words

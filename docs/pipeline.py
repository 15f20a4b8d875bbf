"""Draws docs/pipeline.svg from the reports of real compiles: ``python docs/pipeline.py``."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hlsgen

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "examples" / "digits" / "digits.onnx"
DESIGNS = (("icebreaker", 6000), ("ulx3s_85f", 1250))
"""Boards and cycles a sample: the designs of the README's table."""
BOX, GAP, HEIGHT, LEFT, TOP = 150, 56, 118, 16, 40
DOTS_PER_ROW, DOT = 18, 7


def text(parent: ET.Element, x: float, y: float, words: str, **style: str) -> None:
    """Words at a place; ``style`` are attributes of the element."""
    attributes = {"x": f"{x:g}", "y": f"{y:g}", "font-size": "12", "fill": "#222"} | {
        key.replace("_", "-"): value for key, value in style.items()
    }
    ET.SubElement(parent, "text", attributes).text = words


def array(parent: ET.Element, x: float, y: float, layer: Mapping[str, Any]) -> None:
    """A process: its unrolling, a dot per multiplier (open: in LUTs), and the share of cycles in which it works."""
    ET.SubElement(
        parent,
        "rect",
        {"x": f"{x}", "y": f"{y}", "width": f"{BOX}", "height": f"{HEIGHT}", "rx": "6"}
        | {"fill": "#eef3fa", "stroke": "#5b7fb0"},
    )
    text(parent, x + 8, y + 18, layer["name"], font_weight="bold")
    factors = (
        " ".join(f"{key}{n}" for key, n in layer["unroll"].items() if n > 1) or "one at a time"
    )
    text(parent, x + 8, y + 34, factors, fill="#555")
    for k in range(layer["multipliers"]):
        place = {
            "cx": f"{x + 12 + k % DOTS_PER_ROW * DOT}",
            "cy": f"{y + 46 + k // DOTS_PER_ROW * DOT}",
        }
        colour = "#c2571a" if layer["multiplier"] == "dsp" else "none"
        ET.SubElement(parent, "circle", place | {"r": "2.6", "fill": colour, "stroke": "#c2571a"})
    text(parent, x + 8, y + HEIGHT - 22, f"{layer['cycles']:,} cycles")
    share = {"x": f"{x + 8}", "y": f"{y + HEIGHT - 14}", "height": "6"}
    ET.SubElement(parent, "rect", share | {"width": f"{BOX - 16}", "fill": "#d5dde8"})
    busy = layer["busy"] * (BOX - 16)
    ET.SubElement(parent, "rect", share | {"width": f"{busy:.1f}", "fill": "#3b8f5a"})


def buffer(parent: ET.Element, x: float, y: float, layer: Mapping[str, Any]) -> None:
    """The arrow into a process, with the buffer's words times the channels of a word."""
    line = {"x1": f"{x}", "x2": f"{x + GAP - 6}", "y1": f"{y}", "y2": f"{y}"}
    ET.SubElement(parent, "line", line | {"stroke": "#333", "marker-end": "url(#tip)"})
    (plan,) = layer["buffers"]
    words = f"{plan['depth']}x{plan['lanes']}"
    text(parent, x + GAP / 2 - 2, y - 6, words, text_anchor="middle", font_size="11")


def row(svg: ET.Element, y: float, report: Mapping[str, Any]) -> None:
    """One design: its figures above, its processes side by side."""
    title = (
        f"{report['board']}: {report['multipliers']} multipliers, a digit every "
        f"{report['interval_cycles']:,} cycles (predicted)"
    )
    text(svg, LEFT, y, title, font_size="14", font_weight="bold")
    x: float = LEFT
    for layer in report["layers"]:
        buffer(svg, x, y + 12 + HEIGHT / 2, layer)
        array(svg, x + GAP, y + 12, layer)
        x += GAP + BOX
    line = {"x1": f"{x}", "x2": f"{x + 30}", "y1": f"{y + 12 + HEIGHT / 2}"}
    line["y2"] = line["y1"]
    ET.SubElement(svg, "line", line | {"stroke": "#333", "marker-end": "url(#tip)"})


def main() -> None:
    """Compiles the digits network for both boards and writes the picture."""
    reports = [hlsgen.compile(MODEL, board=b, interval=n).report for b, n in DESIGNS]
    width = LEFT + len(reports[0]["layers"]) * (GAP + BOX) + 50
    height = TOP + len(reports) * (HEIGHT + 56) + 10
    box = {"viewBox": f"0 0 {width} {height}", "width": f"{width}", "height": f"{height}"}
    svg = ET.Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", "font-family": "sans-serif"} | box
    )
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "white"})
    tip = {"id": "tip", "refX": "5", "refY": "3", "markerWidth": "8", "markerHeight": "6"}
    marker = ET.SubElement(ET.SubElement(svg, "defs"), "marker", tip | {"orient": "auto"})
    ET.SubElement(marker, "path", {"d": "M0,0 L6,3 L0,6 z", "fill": "#333"})
    for k, report in enumerate(reports):
        row(svg, TOP - 10 + k * (HEIGHT + 56), report)
    legend = "dot: multiplier (open: in LUTs); arrow: buffer, words x channels per word; bar: share of cycles at work"
    text(svg, LEFT, height - 6, legend, font_size="11", fill="#555")
    ET.indent(svg)
    (HERE / "pipeline.svg").write_text(ET.tostring(svg, encoding="unicode") + "\n")


if __name__ == "__main__":
    main()

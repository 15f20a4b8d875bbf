"""Boxes of a picture stand in layers, do not overlap, and lines end at them."""

from __future__ import annotations

import random

from hlsgen.html_report.layout import Layout, layered

BOX = (100.0, 40.0)


def drawn(nodes: list[str], lines: list[tuple[str, str]]) -> Layout:
    return layered(nodes, lines, BOX, 30.0)


def test_a_chain_is_straight() -> None:
    layout = drawn(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert [layout.corners[n] for n in "abc"] == [(0, 0), (0, 70), (0, 140)]
    assert layout.width == 100 and layout.height == 180


def test_a_line_that_passes_a_layer_goes_beside_its_boxes() -> None:
    layout = drawn(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
    left = layout.corners["b"][0]
    passing = [x for x, y in layout.routes[2] if y == 70]
    assert len(passing) == 1 and not left <= passing[0] <= left + BOX[0]


def test_boxes_of_random_graphs_do_not_overlap_and_lines_go_down() -> None:
    for seed in range(40):
        draw = random.Random(seed)
        nodes = [f"n{k}" for k in range(draw.randint(1, 14))]
        pairs = [(a, b) for k, a in enumerate(nodes) for b in nodes[k + 1 :]]
        lines = draw.sample(pairs, k=min(len(pairs), draw.randint(0, 20)))
        layout = drawn(nodes, lines)
        corners = list(layout.corners.values())
        for k, (x0, y0) in enumerate(corners):
            assert 0 <= x0 <= layout.width - BOX[0] + 1e-6
            for x1, y1 in corners[k + 1 :]:
                assert y0 != y1 or abs(x0 - x1) >= BOX[0], seed
        for (source, target), route in zip(lines, layout.routes, strict=True):
            heights = [y for _, y in route]
            assert heights == sorted(heights)
            assert route[0][1] == layout.corners[source][1] + BOX[1]
            assert route[-1][1] == layout.corners[target][1]


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn([], []).height == 0

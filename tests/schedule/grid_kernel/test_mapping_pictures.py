"""Report, text and drawing of a mapping: every operation and route in its place, and what is known of smaller intervals."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from support.small_mapping import mapping

from hlsgen.schedule.grid_kernel.drawing import to_svg
from hlsgen.schedule.grid_kernel.map_report import map_report, mapping_figures
from hlsgen.schedule.grid_kernel.mapping import Bounds, GridMapping, Keep, Use
from hlsgen.schedule.grid_kernel.picture import shortened, to_text, verdict

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = [
    "ops",
    "edges",
    "ii",
    "mii",
    "res_mii",
    "mem_mii",
    "rec_mii",
    "proved_optimal",
    "seconds",
    "seed",
    "pe_use",
    "link_use",
]


def bounded(lower: int, proved: bool = False, stopped: str = "") -> GridMapping:
    """The mapping by hand with another lower bound, and other knowledge."""
    bounds = Bounds(lower, 1, 1)
    return replace(
        mapping(), ii=4, bounds=bounds, proved_optimal=proved, stopped=stopped, seconds=1.5
    )


def panels(drawn: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(drawn)
    return [group for group in root.findall(f"{SVG}g") if "transform" in group.attrib]


def words(element: ElementTree.Element) -> list[str]:
    """What stands there, without tool tips."""
    return [
        "".join(t for t in (text.text, *(c.tail for c in text)) if t)
        for text in element.iter(f"{SVG}text")
    ]


def test_the_report_holds_every_figure() -> None:
    report = map_report(mapping())
    assert set(FIGURES) <= set(report)
    assert (report["ops"], report["edges"], report["ii"], report["mii"]) == (4, 4, 2, 1)
    assert report["pe_use"] == 2 / (4 * 2)
    assert report["link_use"] == 3 / (8 * 2)


def test_the_report_of_several_graphs_names_each_and_adds_up() -> None:
    second = replace(mapping(), graph=replace(mapping().graph, name="other"), seconds=2.0)
    report = mapping_figures([replace(mapping(), seconds=1.0), second])
    assert [graph["name"] for graph in report["graphs"]] == ["running_sum", "other"]
    assert (report["ops"], report["edges"], report["seconds"]) == (8, 8, 3.0)
    assert set(FIGURES) <= set(report["graphs"][0])


@pytest.mark.parametrize(
    ("mapped", "said"),
    [
        (bounded(4, proved=True), "proved optimal: 4 is the lower bound"),
        (bounded(3, proved=True), "proved optimal: interval 3 is infeasible"),
        (bounded(2, proved=True), "proved optimal: intervals 2 to 3 are infeasible"),
        (bounded(3, stopped="time ran out after 9 s"), "not proved optimal (lower bound 3): time"),
    ],
)
def test_it_is_said_what_is_known_of_smaller_intervals(mapped: GridMapping, said: str) -> None:
    assert verdict(mapped).startswith(said)
    assert verdict(mapped) in to_text(mapped)
    assert verdict(mapped) in words(ElementTree.fromstring(to_svg(mapped)))
    report = map_report(mapped)
    assert report["stopped"] == mapped.stopped
    assert report["smaller_infeasible"] == ("infeasible" in said)


def test_the_table_has_every_operation_in_its_row_and_slot() -> None:
    text = to_text(mapping()).splitlines()
    cells = {
        line.split("|")[0].strip(): [cell.strip() for cell in line.split("|")[1:]]
        for line in text
        if "|" in line
    }
    assert cells == {
        "": ["slot 0", "slot 1"],
        "PE 0,0": ["s: add +2", ""],
        "PE 0,1": ["p: multiply 3 +1", ""],
        "west_0 read": ["x: load +0", ""],
        "west_1 write": ["", "w: store +2"],
    }


def test_every_route_is_told_step_by_step_and_explained() -> None:
    text = to_text(mapping())
    assert "x -> p (0):  0,0 E @1  at 0,1" in text
    assert "s -> s (1):  0,0 register_a @4..6  at 0,0" in text
    for sign in ("+s", "r,c E @t", "register_a @w..t", "in place"):
        assert sign in text


def test_a_word_that_is_read_in_place_has_no_steps() -> None:
    here = mapping()
    routes = {use: () if use.consumer == "p" else route for use, route in here.routes.items()}
    assert "x -> p (0):  in place" in to_text(replace(here, routes=routes))


def test_the_drawing_has_a_panel_for_every_slot_with_what_happens_in_it() -> None:
    first, second = panels(to_svg(mapping()))
    assert {"slot 0", "x", "load +0", "p", "multiply 3", "s", "add", "+2"} <= set(words(first))
    assert {"slot 1", "w", "store +2"} <= set(words(second))
    assert not {"x", "p", "add"} & (set(words(second)) - {"x", "p"})
    arrows = [
        [g.findtext(f"{SVG}title") for g in panel.findall(f"{SVG}g")] for panel in (first, second)
    ]
    assert arrows == [["s +2, cycle 4"], ["p +1, cycle 3", "x +0, cycle 1"]]


@pytest.mark.parametrize(("read", "slots"), [(5, [0, 1]), (6, [1, 1]), (7, [1, 2])])
def test_registers_are_drawn_in_the_slots_in_which_they_hold(read: int, slots: list[int]) -> None:
    """Written in cycle 4, the register holds s from cycle 5 to the last read."""
    here = mapping()
    use = Use("s", 1)
    routes = {**here.routes, use: (Keep((0, 0), 4, read, "register_a"),)}
    drawn = panels(to_svg(replace(here, routes=routes)))
    titles = [[title.text for title in panel.iter(f"{SVG}title")] for panel in drawn]
    assert [texts.count("register: s") for texts in titles] == slots


def test_a_value_has_one_colour_in_element_arrow_and_register() -> None:
    drawn = to_svg(mapping())
    boxes = re.findall(r'fill="(#\w+)" stroke="#333"><title>register: s', drawn)
    element = re.search(r'fill="(#\w+)" stroke="#555"/>\n<text [^>]*>0,0<', drawn)
    assert element is not None and set(boxes) == {element[1]}


def test_predicates_are_drawn_with_what_they_guard() -> None:
    here = mapping()
    graph = here.graph
    guarded = replace(graph.operation("p"), predicate=graph.operation("p").operands[0])
    operations = tuple(
        guarded if operation.name == "p" else operation for operation in graph.operations
    )
    drawn = panels(to_svg(replace(here, graph=replace(graph, operations=operations))))
    assert "+1 if x" in words(drawn[0])


def test_the_drawing_is_well_formed_whatever_the_names() -> None:
    here = mapping()
    odd = replace(here, graph=replace(here.graph, name='<a & "b">'))
    assert any('<a & "b">' in word for word in words(ElementTree.fromstring(to_svg(odd))))


def test_nothing_is_drawn_outside_the_page() -> None:
    root = ElementTree.fromstring(to_svg(mapping()))
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    for panel in panels(to_svg(mapping())):
        x, y = map(int, re.findall(r"\d+", panel.attrib["transform"]))
        for box in panel.iter(f"{SVG}rect"):
            assert 0 <= x + int(box.attrib["x"]) <= width - int(box.attrib["width"])
            assert 0 <= y + int(box.attrib["y"]) <= height - int(box.attrib["height"])


def test_long_names_lose_their_middle() -> None:
    assert shortened("accumulate_12", 20) == "accumulate_12"
    assert shortened("accumulate_12", 8) == "accu~_12"
    assert len(shortened("a" * 50)) == 18

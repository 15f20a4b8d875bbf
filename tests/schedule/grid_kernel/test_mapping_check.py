"""A valid mapping passes; every single thing changed in it is refused with its place."""

from dataclasses import replace
from typing import Literal

import pytest
from support.small_mapping import FABRIC, graph, mapping

from hlsgen.errors import IllegalGraph
from hlsgen.loops.text import parse, to_text
from hlsgen.schedule.grid_kernel.check import check_mapping
from hlsgen.schedule.grid_kernel.mapping import Bounds, GridMapping, Keep, Placement, Send, Use


def placed(name: str, place: Placement) -> GridMapping:
    return replace(mapping(), placements={**mapping().placements, name: place})


def routed(use: Use, *moves: Send | Keep) -> GridMapping:
    return replace(mapping(), routes={**mapping().routes, use: moves})


def with_fabric(**changes: object) -> GridMapping:
    return replace(mapping(), fabric=replace(FABRIC, **changes))  # type: ignore[arg-type]


def with_text(old: str, new: str) -> GridMapping:
    text = to_text(graph())
    assert old in text
    return replace(mapping(), graph=parse(text.replace(old, new)))


def refused(wrong: GridMapping, words: str) -> None:
    with pytest.raises(IllegalGraph, match=words) as caught:
        check_mapping(wrong)
    assert str(caught.value).count("\n") == 2


def test_valid_mapping_passes() -> None:
    check_mapping(mapping())


def test_longer_ways_round_pass() -> None:
    check_mapping(
        routed(Use("s", 1), Keep((0, 0), 4, 5, "register_b"), Keep((0, 0), 5, 6, "register_a"))
    )


@pytest.mark.parametrize("name", ["x", "p", "s", "w"])
@pytest.mark.parametrize("later", [-1, 1, 2])
def test_shifted_operation_is_refused(name: str, later: int) -> None:
    place = mapping().placements[name]
    refused(placed(name, replace(place, time=place.time + later)), "route of|time from 0")


@pytest.mark.parametrize("use", list(mapping().routes))
def test_dropped_route_or_move_is_refused(use: Use) -> None:
    refused(routed(use), "route of")
    left = {key: moves for key, moves in mapping().routes.items() if key != use}
    refused(replace(mapping(), routes=left), "routes")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (placed("s", Placement((2, 0), 4, "alu")), "cell of the fabric"),
        (placed("p", Placement((1, 1), 2, "alu")), "PE with multiply"),
        (placed("p", Placement((0, 1), 2, "read", "west_0")), "unit alu"),
        (placed("w", Placement((0, 0), 5, "write", "west_1")), "tile at its cell"),
        (placed("w", Placement((0, 0), 5, "write", "west_0")), "tile of o"),
        (placed("w", Placement((1, 0), 9, "write", "west_1")), "stage below 4, found 4"),
        (placed("s", Placement((0, 1), 4, "alu")), "p on"),
        (replace(mapping(), ii=5), "4 contexts"),
        (replace(mapping(), bounds=Bounds(1, 3, 1)), "bound 3"),
        (replace(mapping(), placements={"x": mapping().placements["x"]}), "every operation"),
        (with_fabric(hops=(3,)), "link out of"),
        (with_fabric(registers=0), "register"),
        (with_fabric(stages=2), "stage below 2"),
        (replace(mapping(), tiles={"a": ("west_0", "west_1"), "o": ("west_1", "west_0")}), "o,? *"),
        (replace(mapping(), tiles={"o": ("west_1",)}), "tile of a"),
        (with_text("array a 16", "array a 65"), "at most 64 words, found 65"),
        (with_text("array a 16 s32", "array a 16 s40"), "at most 32 bits"),
        (with_text("s = add p s@1(0, 0)", "s = add p s@2(0, 0)"), "iteration before"),
        (with_text("s = add p s@1(0, 0)", "s = add s@1(0, 0) s@1(0, 0)"), "one operand"),
        (with_text("p = multiply x 3", "p = multiply x@1(5, 0) 3"), "one constant"),
        (with_text("w = store o[i] s", "w = store o[i] s@1(0, 0)"), "same iteration"),
        (with_text("w = store o[i] s", "w = store o[i] s if s@1(0, 0)"), "predicate"),
        (
            with_text("w = store o[i] s", "w = store o[i] s\norder w -> x distance 1 delay 4"),
            "order",
        ),
    ],
)
def test_broken_rule_is_named(wrong: GridMapping, words: str) -> None:
    refused(wrong, words)


def test_order_that_is_just_kept_passes() -> None:
    text = "w = store o[i] s"
    check_mapping(with_text(text, f"{text}\norder w -> x distance 3 delay 1"))
    refused(with_text(text, f"{text}\norder w -> x distance 3 delay 2"), "cycle 1 or later")


BOTH = """loop_graph two s32
loop i 16
array o 16 s32 output
array q 16 s32 output
n = affine [i]
m = affine [2*i]
s = add n 1
t = add m 1
w = store o[i] s
v = store q[i] t
"""


def two_stores() -> GridMapping:
    """Two adders side by side whose results go to one tile, in slots 0 and 1."""
    return replace(
        mapping(),
        graph=parse(BOTH),
        placements={
            "n": Placement((0, 0), 0, "read", "west_0"),
            "m": Placement((0, 0), 1, "read", "west_0"),
            "s": Placement((0, 0), 1, "alu"),
            "t": Placement((0, 0), 2, "alu"),
            "w": Placement((1, 0), 2, "write", "west_1"),
            "v": Placement((1, 0), 3, "write", "west_1"),
        },
        routes={
            Use("s", 0): (),
            Use("t", 0): (),
            Use("w", 0): (Send((0, 0), "S", 1),),
            Use("v", 0): (Send((0, 0), "S", 2),),
        },
        tiles={"o": ("west_1",), "q": ("west_1",)},
    )


def moved(base: GridMapping, time: int, *route: Send | Keep) -> GridMapping:
    """``base`` with the store v at another time and at the end of another route."""
    tile = replace(FABRIC.tiles[1], write_generators=2)
    place = replace(base.placements["v"], time=time)
    return replace(
        base,
        fabric=replace(FABRIC, tiles=(FABRIC.tiles[0], tile), stages=16, registers=4),
        placements={**base.placements, "v": place},
        routes={**base.routes, Use("v", 0): route},
    )


SOUTH = "S"


def test_generators_are_counted_by_stage_and_strides() -> None:
    check_mapping(two_stores())
    later = (Send((0, 0), SOUTH, 2), Keep((1, 0), 3, 5, "register_a"))
    check_mapping(moved(two_stores(), 5, *later))
    fewer = replace(moved(two_stores(), 5, *later), fabric=FABRIC)
    refused(fewer, "west_1\nexpected at most 1 write generators, found 2")


def test_two_words_on_one_thing_are_refused() -> None:
    base = two_stores()
    refused(replace(base, placements={**base.placements, "t": Placement((0, 0), 3, "alu")}), "s on")
    refused(moved(base, 4), "w on")
    link = (
        Keep((0, 0), 2, 3, "register_a"),
        Send((0, 0), SOUTH, 3),
        Keep((1, 0), 4, 5, "register_a"),
    )
    refused(moved(base, 5, *link), r"link of \(0, 0\), slot 1")


def test_register_file_writes_one_word() -> None:
    base = moved(two_stores(), 7, Send((0, 0), SOUTH, 2), Keep((1, 0), 3, 7, "register_a"))
    check_mapping(base)
    around = (Send((0, 0), "E", 2), Send((0, 1), SOUTH, 3), Send((1, 1), "W", 4))
    route = (Keep((0, 0), 1, 2, "register_a"), *around, Keep((1, 0), 5, 10, "register_b"))
    wrong = replace(
        base,
        placements={**base.placements, "w": Placement((1, 0), 10, "write", "west_1")},
        routes={**base.routes, Use("w", 0): route},
    )
    refused(wrong, r"register write of \(1, 0\), slot 1")


@pytest.mark.parametrize("port", ["register_a", "register_b"])
def test_read_port_gives_one_register(port: Literal["register_a", "register_b"]) -> None:
    around = (Send((0, 0), "E", 4), Send((0, 1), SOUTH, 5), Send((1, 1), "W", 6))
    base = moved(two_stores(), 8, Keep((0, 0), 2, 4, port), *around, Keep((1, 0), 7, 8, port))
    wrong = replace(
        base,
        placements={**base.placements, "w": Placement((1, 0), 5, "write", "west_1")},
        routes={
            **base.routes,
            Use("w", 0): (Keep((0, 0), 1, 4, "register_a"), Send((0, 0), SOUTH, 4)),
        },
    )
    if port == "register_a":
        refused(wrong, r"register_a of \(0, 0\), slot 0")
    else:
        check_mapping(wrong)


def test_live_words_are_counted_around_the_interval() -> None:
    def held(cycles: int) -> GridMapping:
        route = (Send((0, 0), SOUTH, 2), Keep((1, 0), 3, 3 + cycles, "register_a"))
        return moved(two_stores(), 3 + cycles, *route)

    check_mapping(held(8))
    refused(held(10), r"register file of \(1, 0\), slot .\nexpected at most 4 live words, found 5")

"""Fabrics as TOML files: what is read, and what is refused in three lines."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hlsgen.errors import BadFile, BadOption, HlsgenError, IllegalGraph
from hlsgen.fabric.check import MOST_UNITS, check_fabric
from hlsgen.fabric.file import fabric_hash, load_fabric, parse_fabric, presets
from hlsgen.fabric.ir import Fabric, PeKind
from hlsgen.fabric.report import fabric_report, preset_rows

ROOT = Path(__file__).parents[2]
SMALL = (ROOT / "fabrics" / "icebreaker_2x2.toml").read_text()
NETWORKS = (ROOT / "fabrics" / "mac_8x8.toml").read_text()
PRESETS = ("cgra_4x4", "cgra_8x8", "icebreaker_2x2", "mac_2x2", "mac_8x16", "mac_8x8")


def edited(old: str, new: str, text: str = SMALL) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def refused(kind: type[HlsgenError], text: str, *words: str) -> None:
    with pytest.raises(HlsgenError) as caught:
        parse_fabric("mine", text)
    assert type(caught.value) is kind, caught.value
    assert len(str(caught.value).splitlines()) == 3
    assert str(caught.value).startswith("fabric mine")
    for word in words:
        assert word in str(caught.value), caught.value


def test_the_presets_are_the_files_of_the_folder() -> None:
    assert tuple(preset.fabric.name for preset in presets()) == PRESETS
    assert {path.stem for path in (ROOT / "fabrics").glob("*.toml")} == set(PRESETS)
    assert len({fabric_hash(preset.fabric) for preset in presets()}) == len(PRESETS)
    assert all(preset.title for preset in presets())


def test_presets_have_what_they_are_named_for() -> None:
    sizes = {name: (load_fabric(name).rows, load_fabric(name).columns) for name in PRESETS}
    assert sizes == {
        "cgra_4x4": (4, 4),
        "cgra_8x8": (8, 8),
        "icebreaker_2x2": (2, 2),
        "mac_2x2": (2, 2),
        "mac_8x16": (8, 16),
        "mac_8x8": (8, 8),
    }
    full, mac = load_fabric("cgra_4x4"), load_fabric("mac_8x8")
    assert {"add", "select", "multiply_accumulate"} <= set(full.kind((3, 3)).operators)
    assert [(tile.side, tile.cell) for tile in full.tiles] == [("west", (r, 0)) for r in range(4)]
    assert full.hops == (1,) and not full.torus
    assert mac.kind((0, 0)).operators == ("multiply_accumulate", "maximum_accumulate")


def test_the_example_of_the_documentation_is_read_as_it_says() -> None:
    page = (ROOT / "docs" / "fabrics.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", page, flags=re.S)
    fabric = parse_fabric("mine", text)
    assert (fabric.rows, fabric.columns, fabric.hops, fabric.loops) == (3, 4, (1, 2), 4)
    assert fabric.kind((2, 1)).name == "full" and fabric.kind((0, 2)).name == "plain"
    assert fabric.kind((0, 0)).latency("multiply") == 2
    assert [(tile.name, tile.cell) for tile in fabric.tiles] == [
        ("west_0", (0, 0)),
        ("west_2", (2, 0)),
    ]
    assert fabric.tiles[0].words == 512 and fabric.tiles[0].parameters == 0


def test_what_is_left_out_has_its_default() -> None:
    text = edited("loops = 3\ntrip_bits = 7\n", "")
    fabric = parse_fabric("mine", text)
    assert (fabric.loops, fabric.trip_bits, fabric.torus, fabric.drain) == (6, 16, False, False)
    every_row = parse_fabric("mine", edited("at = [0]\n", ""))
    assert [tile.cell for tile in every_row.tiles] == [(0, 0), (1, 0)]


@pytest.mark.parametrize(
    ("side", "cell"), [("west", (1, 0)), ("east", (1, 1)), ("north", (0, 1)), ("south", (1, 1))]
)
def test_tiles_lie_at_positions_of_their_side(side: str, cell: tuple[int, int]) -> None:
    text = edited('side = "west"\nat = [0]', f'side = "{side}"\nat = [1]')
    (tile,) = parse_fabric("mine", text).tiles
    assert (tile.name, tile.side, tile.cell) == (f"{side}_1", side, cell)


def test_every_field_changes_the_hash() -> None:
    base = parse_fabric("mine", SMALL)
    changes = [
        ("registers = 2", "registers = 3"),
        ("hops = [1]", "hops = [1]\ntorus = true"),
        ("multiply = 2", "multiply = 2\nmaximum = 1"),
        ("words = 256", "words = 128"),
        ("trip_bits = 7", "trip_bits = 8"),
    ]
    hashes = {fabric_hash(parse_fabric("mine", edited(*change))) for change in changes}
    assert len(hashes | {fabric_hash(base)}) == len(changes) + 1
    title = edited('title = "', 'title = "another ')
    assert fabric_hash(parse_fabric("mine", title)) == fabric_hash(base)


WRONG_FORM = {
    "no TOML": ("rows = 2", "rows = = 2", "line 2"),
    "text for a number": ("rows = 2", 'rows = "2"', "rows to be a whole number"),
    "fraction": ("columns = 2", "columns = 2.5", "2.5"),
    "truth for a number": ("registers = 2", "registers = true", "True"),
    "number for truth": ("hops = [1]", "hops = [1]\ntorus = 1", "torus to be true or false"),
    "text for truth": ("hops = [1]", 'hops = [1]\ndrain = "no"', "drain to be true or false"),
    "sources that are not a list": (
        "multiply_accumulate = 2\n",
        'multiply_accumulate = 2\n[pe.sources]\na = "N"\n',
        "a to be a list",
    ),
    "number for a list": ("hops = [1]", "hops = 1", "hops to be a list"),
    "list of texts": ("hops = [1]", 'hops = ["1"]', "list of whole numbers"),
    "title": ('title = "', 'title = 3 # "', "title to be a text"),
    "missing key": ("word_bits = 16\n", "", "'word_bits'"),
    "unknown key": ("registers = 2", "register = 2", "'registers'"),
    "unknown key of a tile": ("bits = 16\nread", "bit = 16\nread", "'bits'"),
    "missing key of a tile": ("words = 256\n", "", "'words'"),
    "unknown key of a kind": ('name = "logical"', 'names = "logical"', "'name'"),
    "latency": ("multiply = 2", 'multiply = "2"', "multiply to be a whole number"),
    "table for tables": ("[[tile]]", "[tile]", "[[tile]]"),
    "kinds in one row": ("kinds = [[", 'kinds = ["logical", [', "list of rows"),
    "position": ("at = [0]", 'at = ["north"]', "list of whole numbers"),
    "endless number": ("rows = 2", f"rows = {'9' * 5000}", "limit"),
    "deep list": ("hops = [1]", f"hops = {'[' * 4000}", "recursion"),
}


@pytest.mark.parametrize("case", WRONG_FORM)
def test_a_wrong_form_is_refused(case: str) -> None:
    old, new, word = WRONG_FORM[case]
    refused(BadFile, edited(old, new), word)


ILLEGAL = {
    "zero rows": ("\nrows = 2", "\nrows = 0", "0 x 2"),
    "negative columns": ("columns = 2", "columns = -2", "2 x -2"),
    "more rows than memory": ("\nrows = 2", f"\nrows = {10**12}", f"at most {MOST_UNITS}"),
    "a number without decimals": ("\nrows = 2", f"\nrows = 0x{'f' * 6000}", "24000 bits"),
    "narrow words": ("word_bits = 16", "word_bits = 1", "word_bits of 2 to 32"),
    "wide words": ("word_bits = 16", "word_bits = 33", "word_bits of 2 to 32"),
    "narrow accumulators": ("accumulator_bits = 16", "accumulator_bits = 8", "16 to 64"),
    "wide accumulators": ("accumulator_bits = 16", "accumulator_bits = 65", "0 to 64"),
    "negative registers": ("registers = 2", "registers = -1", "registers of 0 to 64"),
    "no contexts": ("contexts = 4", "contexts = 0", "contexts of 1 to 256"),
    "unknown multiplexer": (
        "multiply_accumulate = 2\n",
        'multiply_accumulate = 2\n[pe.sources]\nc = ["N"]\n',
        "multiplexers of a, b, predicate",
    ),
    "unknown source": (
        "multiply_accumulate = 2\n",
        'multiply_accumulate = 2\n[pe.sources]\na = ["memory"]\n',
        "some of N, E, S, W, constant",
    ),
    "an operand without a source": (
        "multiply_accumulate = 2\n",
        'multiply_accumulate = 2\n[pe.sources]\na = ["memory_east"]\n',
        "a source of a",
    ),
    "a tile without a source": (
        "multiply_accumulate = 2\n",
        "multiply_accumulate = 2\n[pe.sources]\nmemory = []\n",
        "a source of memory",
    ),
    "no links": ("hops = [1]", "hops = []", "increasing hops"),
    "long links": ("hops = [1]", "hops = [1, 2]", "hops of 1 to 1"),
    "links in disorder": ("hops = [1]", "hops = [1, 1]", "increasing hops"),
    "rows of kinds": ('kinds = [["multiplying", "logical"], ', "kinds = [", "2 rows of 2 kinds"),
    "short row of kinds": ('["multiplying", "logical"]', '["logical"]', "rows of [1, 2]"),
    "unknown kind": ('kinds = [["multiplying"', 'kinds = [["adding"', "'adding'"),
    "kinds left out": ("kinds = [", "# [", "2 kinds"),
    "kinds of one name": ('name = "multiplying"', 'name = "logical"', "different names"),
    "unknown operator": ("subtract = 1", "substract = 1", "such as subtract"),
    "no latency": ("subtract = 1", "subtract = 0", "latency for subtract of 1 to 16"),
    "endless latency": ("subtract = 1", "subtract = 17", "latency for subtract of 1 to 16"),
    "fast accumulator": ("multiply_accumulate = 2", "multiply_accumulate = 1", "2 to 16"),
    "two late latencies": ("multiply = 2", "multiply = 3", "[2, 3]"),
    "side": ('side = "west"', 'side = "left"', "west, north, east, south"),
    "position": ("at = [0]", "at = [2]", "0 to 1; found 2"),
    "negative position": ("at = [0]", "at = [-1]", "found -1"),
    "no position": ("at = [0]", "at = []", "found none"),
    "two tiles in one place": ("at = [0]", "at = [0, 1, 0]", "tile west_0"),
    "bits": ("bits = 16\nread", "bits = 12\nread", "8, 16 or 32"),
    "elements wider than words": ("bits = 16\nread", "bits = 32\nread", "at most 16"),
    "negative words": ("words = 256", "words = -1", "words of 2 to"),
    "less than two rows": ("words = 256", "words = 3", "words of 4 or more"),
    "more words than memory": ("words = 256", f"words = {10**15}", "words of 2 to"),
    "no generator": ("write_generators = 1", "write_generators = 0", "write_generators of 1"),
    "parameters without drain": ("bits = 16\nread", "parameters = 8\nbits = 16\nread", "drain"),
}


@pytest.mark.parametrize("case", ILLEGAL)
def test_an_illegal_fabric_is_refused(case: str) -> None:
    old, new, word = ILLEGAL[case]
    refused(IllegalGraph, edited(old, new), word)


def test_all_tiles_together_are_bounded() -> None:
    text = edited("words = 16384", f"words = {1 << 19}", NETWORKS)
    refused(IllegalGraph, text, "in all tiles", str((1 << 22) + 8 * 16384))


def test_a_fabric_without_memory_is_refused() -> None:
    refused(IllegalGraph, SMALL[: SMALL.index("[[tile]]")], "a memory tile", "none")


def test_a_drain_needs_accumulators_and_tiles_to_end_in() -> None:
    fabric = parse_fabric("mine", NETWORKS)
    for changed in (
        replace(fabric, tiles=tuple(tile for tile in fabric.tiles if tile.side == "north")),
        replace(
            fabric, pe_kinds=tuple(PeKind(k.name, (("multiply", 2),)) for k in fabric.pe_kinds)
        ),
    ):
        with pytest.raises(IllegalGraph, match="drain"):
            check_fabric(changed)


def test_more_units_than_the_load_port_can_number_are_refused() -> None:
    kernels = (ROOT / "fabrics" / "cgra_8x8.toml").read_text()
    text = edited("rows = 8", "rows = 63", edited("columns = 8", "columns = 65", kernels))
    refused(IllegalGraph, edited('side = "west"', 'side = "west"\nat = [0]', text), "4161")


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b'title = "\xff\xfe"\n')
    (tmp_path / "folder.toml").mkdir()
    for name, word in (("none", "No such file"), ("bytes", "UTF-8"), ("folder", "directory")):
        with pytest.raises(BadFile) as caught:
            load_fabric(str(tmp_path / f"{name}.toml"))
        assert word in str(caught.value) and len(str(caught.value).splitlines()) == 3


def test_a_file_is_read_and_named_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "größer.toml"
    path.write_text(SMALL, "utf-8")
    assert load_fabric(str(path)) == replace(load_fabric("icebreaker_2x2"), name="größer")


@pytest.mark.parametrize(
    ("name", "word"), [("cgra_5x5", "cgra_4x4"), ("zzz", "hlsgen fabrics"), ("", "hlsgen fabrics")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, word: str) -> None:
    with pytest.raises(BadOption) as caught:
        load_fabric(name)
    assert word in str(caught.value).splitlines()[2]


def test_random_edits_never_give_a_traceback() -> None:
    draw = Random(7)
    values = ("0", "-1", str(10**18), "1.5", "true", '"x"', "[]", "[[]]", "{}", "nan", "[0, 0]")
    accepted = 0
    for _ in range(600):
        lines = draw.choice((SMALL, NETWORKS)).splitlines()
        for _ in range(draw.randint(1, 3)):
            place, other = draw.randrange(len(lines)), draw.randrange(len(lines))
            match draw.randrange(4):
                case 0:
                    lines[place], lines[other] = lines[other], lines[place]
                case 1:
                    lines.insert(place, lines[other])
                case 2:
                    del lines[place]
                case 3:
                    key, _, _ = lines[place].partition("=")
                    lines[place] = f"{key}= {draw.choice(values)}"
        try:
            fabric = parse_fabric("mine", "\n".join(lines))
        except HlsgenError as error:
            assert len(str(error).splitlines()) == 3
            continue
        accepted += 1
        assert fabric_report(fabric).text
    assert 20 < accepted < 500


def test_the_report_says_what_every_kind_computes_and_how_fast() -> None:
    text = fabric_report(load_fabric("icebreaker_2x2")).text
    assert "2 PEs multiplying: move, add, subtract, select, multiply (2 cycles)" in text
    assert "2 PEs logical: move, add, subtract, and, xor, less, select" in text
    assert "memory tiles: 1 of 256 x 16 bits (west_0)" in text
    assert (
        "8 of 16384 x 8 bits (west_0 ... west_7), 8 of 4096 x 32 bits"
        in fabric_report(load_fabric("cgra_8x8")).text
    )


def test_express_links_and_torus_are_reported() -> None:
    fabric: Fabric = replace(load_fabric("cgra_4x4"), hops=(1, 2), torus=True)
    text = fabric_report(fabric).text
    assert "torus: links to neighbours, express links 2 cells far" in text


def test_the_list_of_presets_has_a_row_for_each() -> None:
    rows = {row[0]: row[1:] for row in preset_rows()}
    assert tuple(rows) == PRESETS
    assert rows["cgra_8x8"][:4] == (
        "8 x 8",
        32,
        "20 (full)",
        "8 west of 16384 x 8, 8 north of 4096 x 32",
    )

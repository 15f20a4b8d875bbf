"""Amaranth -> RTLIL -> Verilog, with yosys (pyosys) in a process of its own.

``import pyosys`` changes how later C extensions are loaded, and an error inside yosys ends its process: hence the subprocess.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from hlsgen.errors import ToolFailed
from hlsgen.processes import run
from hlsgen.rtl.emit import Design

TOP = "hlsgen_top"

_PROGRAM = Path(__file__).with_name("yosys_verilog.py")


def to_rtlil(design: Design | wiring.Component) -> str:
    """The RTLIL text of a design; ports are ``clk``, ``rst`` and the component's members."""
    units, top = (design.units, design.component) if isinstance(design, Design) else ((), design)
    modules = [*units, (TOP, top)]
    return "\n".join(rtlil.convert(unit, name=name, emit_src=False) for name, unit in modules)


def to_verilog(design: Design | wiring.Component) -> str:
    """The Verilog text of a design, module ``hlsgen_top``. Raises ToolFailed where pyosys is missing or fails."""
    with tempfile.TemporaryDirectory(prefix="hlsgen_verilog_") as folder:
        work = Path(folder)
        (work / "design.il").write_text(to_rtlil(design))
        done = run(
            [sys.executable, str(_PROGRAM), "design.il", "design.v"],
            cwd=work,
            capture_output=True,
            text=True,
        )
        result = work / "design.v"
        if done.returncode or not result.exists():
            log = work / "yosys.log"
            tail = (log.read_text() if log.exists() else "") + done.stderr
            raise ToolFailed(
                "Amaranth to Verilog (pyosys)",
                f"expected Verilog, found exit code {done.returncode}: {_last_lines(tail)}",
                "Install pyosys 0.70 or newer: pip install pyosys.",
            )
        return result.read_text()


def _last_lines(text: str, count: int = 20) -> str:
    return "\n".join(text.strip().splitlines()[-count:])

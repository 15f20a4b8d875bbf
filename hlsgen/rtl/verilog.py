"""Amaranth -> RTLIL -> Verilog, with yosys (pyosys) in a process of its own.

``import pyosys`` changes how later C extensions are loaded, and an error inside yosys ends its process: hence the subprocess.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from hlsgen.artefact.manifest import TOP
from hlsgen.errors import ToolFailed
from hlsgen.processes import run
from hlsgen.rtl.emit import Design
from hlsgen.rtl.header import header
from hlsgen.rtl.memory_text import memories_by_rows
from hlsgen.rtl_templates.shared_unit import UnitLibrary

_PROGRAM = Path(__file__).with_name("yosys_verilog.py")


def to_rtlil(design: Design | wiring.Component) -> str:
    """The RTLIL text of a design; ports are ``clk``, ``rst`` and the component's members. Equal shared units are one module."""
    return _converted(design, UnitLibrary(_top(design)))


def _converted(design: Design | wiring.Component, library: UnitLibrary) -> str:
    top = _top(design)
    component = design.component if isinstance(design, Design) else design
    with memories_by_rows():
        whole = rtlil.convert(component, name=top, platform=library, emit_src=False)
        units = [
            rtlil.convert(unit, name=name, platform=library, emit_src=False)
            for name, unit in library.waiting()
        ]
    return "\n".join([*units, whole])


def _top(design: Design | wiring.Component) -> str:
    return design.manifest.top if isinstance(design, Design) else TOP


def to_verilog(
    design: Design | wiring.Component, origin: str | None = None, elsewhere: str = ""
) -> str:
    """The Verilog text of a design; the name of every module is that of the design, or begins with it and a dot.

    ``origin`` says what it was made of: without it there is no comment at the head. ``elsewhere``: RTLIL of modules whose Verilog stands in other
    files (``outside_module``). Raises ToolFailed where pyosys is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="hlsgen_verilog_") as folder:
        work = Path(folder)
        library = UnitLibrary(_top(design))
        (work / "design.il").write_text(elsewhere + _converted(design, library))
        files = ("design.il", "design.v", _top(design))
        done = run(
            [sys.executable, str(_PROGRAM), *files, *library.kept_apart],
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
        text = result.read_text()
    if origin is None or not isinstance(design, Design):
        return text
    return header(design.manifest, design.component, origin) + text


def outside_module(name: str, ports: Sequence[tuple[str, int, bool]]) -> str:
    """RTLIL of a module of which only the ports are known: name, bits, whether it is an input."""
    wires = [
        f"  wire width {bits} {'input' if is_input else 'output'} {number} \\{port}\n"
        for number, (port, bits, is_input) in enumerate(ports, start=1)
    ]
    return f"attribute \\blackbox 1\nmodule \\{name}\n{''.join(wires)}end\n"


def _last_lines(text: str, count: int = 20) -> str:
    return "\n".join(text.strip().splitlines()[-count:])

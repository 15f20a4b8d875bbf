"""A design as a project for a shared chip: the folder that Tiny Tapeout's and LibreLane's flows take.

Formats: https://tinytapeout.com/specs (info.yaml, pins, sizes of tiles) and https://librelane.readthedocs.io (config.json).
"""

from __future__ import annotations

import json
from dataclasses import replace

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.parameter_port import has_parameter_port
from hlsgen.errors import BadOption, DoesNotFit
from hlsgen.export.contents import Contents
from hlsgen.export.export import SAMPLES, Stimulus, filled
from hlsgen.progress import Progress
from hlsgen.rtl.tile_top import tile_verilog

TILES = ("1x1", "1x2", "2x2", "3x2", "4x2", "6x2", "8x2")
"""Sizes that a project may have, tiles across and up."""
TILE_UM = (167.0, 108.0)
"""Of a tile, about: micrometres across and up."""
FILLED = 0.6
"""Of the area of its tiles that cells may take: the rest is for wires, buffers and the clock's tree."""
CLOCK_MHZ = 20
"""For which the flow is asked; there is no estimate of what a chip allows."""
FILES = {
    "info.yaml": "chip_info.yaml.j2",
    "README.md": "chip_README.md.j2",
    "docs/info.md": "chip_docs.md.j2",
    "test/test_{top}.py": "chip_test.py.j2",
    "test/run.py": "run.py.j2",
    "test/Makefile": "Makefile.j2",
    "test/requirements.txt": "chip_requirements.txt.j2",
}


def check_ports(folder: Folder) -> None:
    """Raise BadOption for a design that the pins of a tile do not serve: they carry one input and one output."""
    manifest = folder.manifest
    ports = len(manifest.inputs), len(manifest.outputs)
    if ports != (1, 1) or has_parameter_port(manifest):
        more = ", and one for weights" if has_parameter_port(manifest) else ""
        raise BadOption(
            "--project",
            f"expected a design with one input and one output, found {ports[0]} and {ports[1]}{more}",
            "Join its inputs and its outputs (Concat), and compile with --weights constant.",
        )


def tiles_for(area_um2: float) -> str:
    """The smallest of ``TILES`` for cells of so many square micrometres; raises DoesNotFit."""
    across, up = TILE_UM
    for size in TILES:
        columns, rows = map(int, size.split("x"))
        if area_um2 <= FILLED * columns * rows * across * up:
            return size
    most = FILLED * 16 * across * up
    raise DoesNotFit(
        "--project",
        f"expected cells of at most {most:,.0f} square micrometres, which {TILES[-1]} tiles hold; found {area_um2:,.0f}",
        "Compile it smaller (--effort small, --multipliers 1), or take a smaller network.",
    )


def project_files(
    folder: Folder, flags: tuple[str, ...], area_um2: float, words: Stimulus, progress: Progress
) -> dict[str, bytes]:
    """Relative name -> content of all files; ``area_um2``: of the design's cells; ``words``: what the test sends and expects. Raises BadOption, DoesNotFit, ToolFailed."""
    check_ports(folder)
    name, tiles = folder.manifest.top, tiles_for(area_um2)
    top = f"tt_um_{name}".lower()
    progress("writing the Verilog of the pins", None)
    files = {
        f"src/{name}.v": folder.read("design.v"),
        f"src/{top}.v": tile_verilog(folder.manifest, flags, top).encode(),
        "src/config.json": _json({"PL_TARGET_DENSITY_PCT": 60, "CLOCK_PERIOD": 1e3 / CLOCK_MHZ}),
        "config.json": _json(_librelane(name, top, tiles)),
        f"test/{SAMPLES}": words.text().encode(),
    }
    contents = Contents(folder, name, top, top)
    contents = replace(contents, rtl='HERE.parent / "src"', samples=words.count)
    (source,), (sink,) = folder.manifest.inputs, folder.manifest.outputs
    more = {
        "tiles": tiles,
        "area_um2": area_um2,
        "clock_hz": CLOCK_MHZ * 10**6,
        "bytes_in": source.words * source.word_bytes,
        "bytes_out": sink.words * sink.word_bytes,
    }
    return filled(files, FILES, contents, more)


def _librelane(name: str, top: str, tiles: str) -> dict[str, object]:
    """The configuration of LibreLane's flow, for the tiles alone."""
    columns, rows = map(int, tiles.split("x"))
    return {
        "meta": {"version": 2, "flow": "Classic"},
        "DESIGN_NAME": top,
        "VERILOG_FILES": [f"dir::src/{name}.v", f"dir::src/{top}.v"],
        "CLOCK_PORT": "clk",
        "CLOCK_PERIOD": 1e3 / CLOCK_MHZ,
        "FP_SIZING": "absolute",
        "DIE_AREA": [0, 0, columns * TILE_UM[0], rows * TILE_UM[1]],
        "PL_TARGET_DENSITY_PCT": 60,
    }


def _json(values: dict[str, object]) -> bytes:
    return (json.dumps(values, indent=2) + "\n").encode()

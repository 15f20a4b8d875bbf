"""Networks of tables on boards, a result every cycle: ``python -m benchmarks.run tables``.

An additive network in the form that KANELÉ publishes (8-6-3, codes of 4, 5 and 6 bits, 30 % of the edges pruned), and one of logic as DWN and difflogic have
(8 bytes, 4 thresholds each, 48 tables of 4 bits, 30 gates, 3 counts; the encoder is in it), both of a fixed seed: simulated with random stalls, placed and routed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row, compiled_design, verified_values
from benchmarks.table_networks import additive, logic

INPUTS, SAMPLES = 8, 200
BITS = (4, 5, 6)
BOARDS = ("ulx3s_25f", "ice40_hx8k_evn")


def write(name: str, folder: Path) -> Path:
    """The file of a network, and of its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    if name == "additive":
        content = additive((INPUTS, 6, 3), BITS)
        (folder / "config.json").write_text(json.dumps({"layers_bitwidth": BITS}))
    else:
        content = logic(INPUTS, 4, (48, 30), 3, fan_in=4)
    path.write_text(json.dumps(content))
    return path


def _measure(design: str, sources: Sources, work: Path) -> Record:
    name, board = design.split("@")
    options: dict[str, Any] = {"board": board, "interval": 1}
    path = write(name, work / "tables")
    compiled, report = compiled_design("tables", design, path, work / "tables", **options)
    codes = np.random.default_rng(5).integers(0, 256, (SAMPLES, INPUTS)).astype(np.uint8)
    verified = verified_values(compiled, {"x": codes}, stall="random")
    compiled.build()
    built = json.loads((compiled.directory / "build.json").read_text())
    built["bitstream"] = Path(built["bitstream"]).name
    command = f"python -m benchmarks.run tables {design}"
    return Record("tables", design, command, options, report | verified | built)


tables = Row(
    tuple(f"{name}@{board}" for name in ("additive", "logic") for board in BOARDS), _measure
)

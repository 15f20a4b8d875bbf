"""LUTs for each operation of one layer, 64 inputs to 64 outputs, in every number format: as a PE array, and with weights that are wires.

``python -m benchmarks.run formats``: compiled for the ULX3S 85F without DSP blocks, at 64 cycles a sample (64 products a cycle) or at one
(4,096), and synthesised for ECP5 without the ports of the board. Numbers of FP8 are integers in steps of the least one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.format_layers import FORMATS, model
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.bitstream.build import synthesise
from hlsgen.errors import DoesNotFit
from hlsgen.flow import compile

FAMILY = "ecp5"
FORMS = {"array": 64, "constant": 1}
"""Cycles for a sample."""
PRODUCTS = 64 * 64


def _measure(design: str, sources: Sources, work: Path) -> Record:
    name, form = design.split("-")
    options: dict[str, Any] = {"board": "ulx3s_85f", "interval": FORMS[form], "dsp": 0}
    command = f"python -m benchmarks.run formats {design}"
    number = FORMATS[name]
    try:
        compiled = compile(model(number, number), output=work / "formats" / design, **options)
    except DoesNotFit as refused:
        return Record("formats", design, command, options, {"refused": str(refused)})
    used = synthesise(compiled.directory, FAMILY, top=compiled.manifest.top)
    interval = compiled.report["interval_cycles"]
    values = {
        "interval_cycles": interval,
        "predicted_lut": compiled.report["lut"],
        "lut": used.lut,
        "ff": used.ff,
        "bram": used.bram,
        "luts_per_operation": round(used.lut * interval / PRODUCTS, 2),
    }
    return Record("formats", design, command, options, values)


formats = Row(tuple(f"{name}-{form}" for form in FORMS for name in FORMATS), _measure)

"""Row ``asic``: networks as gates of a chip, counted and simulated: ``python -m benchmarks.run asic [DESIGN ...]``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.flow import compile, verify
from hlsgen.flow_asic import asic

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "digits": {"board": "icebreaker", "interval": 4608},
    "tm_mnist_valid_int8": {"board": "ulx3s_85f", "effort": "small"},
}
SAMPLES = 1
"""The gates are simulated on so many samples, under random stalls."""
FIGURES = ("interval_cycles", "latency_cycles", "macs", "lut")


def _measure(design: str, sources: Sources, work: Path) -> Record:
    options = OPTIONS[design]
    folder, gates = work / "asic" / design, work / "asic" / f"{design}.gates"
    shutil.rmtree(gates, ignore_errors=True)
    compiled = compile(sources.model(design), output=folder, **options)
    count = asic(folder, output=gates)
    verify(gates, sources.inputs(design), samples=SAMPLES, engine="fast")
    verified = json.loads((gates / "verify.json").read_text())
    values = {key: compiled.report[key] for key in FIGURES} | asdict(count)
    values |= {key: verified[key] for key in ("samples", "elements", "mismatches")}
    return Record("asic", design, f"python -m benchmarks.run asic {design}", options, values)


gate_counts = Row(tuple(OPTIONS), _measure)

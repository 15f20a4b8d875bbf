"""The tables of single units on boards and of the sweep through synthesis, from the records of ``units`` and ``sweep``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.prediction import RESOURCES
from benchmarks.record import Record, records


def _sweep() -> str:
    rows = []
    for record in records("sweep"):
        entries = record.values["designs"].values()
        luts = [entry["lut"] for entry in entries if "lut" in entry]
        counts = (len(entries), record.values["failures"], record.values["by_abc"])
        seconds = sum(entry.get("seconds", 0) for entry in entries)
        rows.append(
            (
                record.design,
                *(number(count) for count in counts),
                number(min(luts, default=None)),
                number(max(luts, default=None)),
                number(seconds),
            )
        )
    return table(
        "Family | Designs | Failures | Mapped by abc | Least LUT | Most LUT | Seconds in all", rows
    )


def _units() -> str:
    def cells(record: Record) -> Iterable[str]:
        values, path = record.values, record.values["path"]
        unit, board = record.design.split("@")
        return (
            unit.replace("_", " "),
            board,
            *(number(values[key]) for key in RESOURCES),
            ", ".join(number(mhz, 1) for mhz in values["fmax_mhz"].values()),
            f"`{path['from']}` to `{path['to']}`",
            f"{path['logic_ns']} + {path['wires_ns']}",
        )

    return table(
        "Unit | Board | LUT | FF | DSP | Block RAM | Fmax, MHz, of each seed | Slowest path | ns in cells + wires",
        map(cells, records("units")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"sweep": _sweep, "units": _units}

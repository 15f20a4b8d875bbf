"""The table of LUTs for each operation, from the records of ``formats``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records


def _formats() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        name, form = record.design.split("-")
        return (
            name,
            "weights are wires" if form == "constant" else "PE array",
            *(number(values.get(key)) for key in ("interval_cycles", "predicted_lut", "lut")),
            *(number(values.get(key)) for key in ("ff", "bram")),
            number(values.get("luts_per_operation"), 2),
            values.get("refused", "").split("\n")[1:2][0] if "refused" in values else "",
        )

    return table(
        "Format | Form | Interval | LUT predicted | LUT | FF | RAM blocks | LUTs for each operation | Refused",
        map(cells, records("formats")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"formats": _formats}

"""The table of networks of tables, from the records of ``tables``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records


def _tables() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        name, board = record.design.split("@")
        return (
            name,
            board,
            number(values["interval_cycles"]),
            number(values["latency_cycles"]),
            f"{values['mismatches']:,} of {values['elements']:,}",
            *(number(values.get(key)) for key in ("predicted_lut", "lut", "ff", "bram")),
            number(values.get("fmax_mhz"), 1),
        )

    return table(
        "Network | Board | Interval | Latency, cycles | Elements that differ | LUT predicted | LUT | FF | RAM blocks | Fmax, MHz",
        map(cells, records("tables")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"tables": _tables}

"""The table of boards that are simulated whole, from the records of ``emulated``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records


def _emulated() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        name, board = record.design.split("@")
        return (
            name,
            board,
            number(values["samples"]),
            f"{values['mismatches']:,} of {values['elements']:,}",
            f"{values['ort_mismatches']:,}",
            number(values["predicted_interval_cycles"]),
            number(values["measured_cycles"] / values["measured_samples"], 1),
            number(values["clock_mhz"], 1),
        )

    return table(
        "Design | Board | Samples | Elements that differ | from ONNX Runtime | Interval predicted"
        " | Cycles a sample, counted on the board | Clock, MHz, counted",
        map(cells, records("emulated")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"emulated": _emulated}

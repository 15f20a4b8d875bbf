"""The table of other weights in the same circuit, from the records of ``retrained``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records


def _retrained() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            record.design,
            number(values["seed"]),
            number(values["bytes"]),
            number(values["samples"]),
            f"{values['mismatches']:,} of {values['elements']:,}",
            number(values["predicted_interval_cycles"]),
            number(values["predicted_lut"]),
            number(values["predicted_dsp"]),
            *(number(values[key]) if key in values else "" for key in ("lut", "dsp", "bram")),
            f"{values['clock_mhz']:.1f} of {values['fmax_mhz']:.1f}"
            if "clock_mhz" in values
            else "",
        )

    return table(
        "Design | Seed | Bytes loaded | Samples | Elements that differ | Interval predicted | LUT predicted | DSP predicted | LUT built | DSP | RAM | MHz of Fmax",
        map(cells, records("retrained")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"retrained": _retrained}

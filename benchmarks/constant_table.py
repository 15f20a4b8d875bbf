"""The table of networks that take a sample every cycle, from the records of ``constant``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records


def _constant() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            record.design,
            number(values["interval_cycles"]),
            number(values["latency_cycles"]),
            f"{values['mismatches']:,} of {values['elements']:,}",
            *(number(values.get(key)) for key in ("predicted_lut", "lut", "ff", "dsp")),
            *(number(values.get(key)) for key in ("da4ml_lut", "da4ml_ff")),
            number(values.get("fmax_mhz"), 1),
        )

    return table(
        "Design | Interval | Latency, cycles | Elements that differ | LUT predicted | LUT | FF | DSP | da4ml: LUT | da4ml: FF | Fmax, MHz",
        map(cells, records("constant")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"constant": _constant}

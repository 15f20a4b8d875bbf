"""The table of networks whose buffers lie in SPRAM, from the records of ``spram``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records


def _spram() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            record.design,
            values["without_spram"],
            number(values["utilisation"]["ICESTORM_SPRAM"]["used"]),
            f"{values['predicted_lut']:,} / {values['lut']:,}",
            f"{values['predicted_bram']:,} / {values['bram']:,}",
            f"{values['predicted_interval_cycles']:,} / {values['interval_cycles']:,}",
            f"{values['clock_mhz']:.1f} of {values['fmax_mhz']:.1f}",
            f"{values['mismatches']:,} of {values['elements']:,}",
        )

    return table(
        "Design | Without SPRAM | SPRAM | LUT, predicted / built | RAM blocks | Interval, predicted / measured | MHz of Fmax | Elements that differ",
        map(cells, records("spram")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"spram": _spram}

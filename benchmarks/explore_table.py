"""The tables of explorations, from the records of ``explore``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.markdown import number, table
from benchmarks.models import network
from benchmarks.record import Record, records


def _explored() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            network(record.design).title,
            f"{values['boards']} of {values['boards'] + len(values['refused'])}",
            number(values["points"]),
            number(values["front"]),
            *(
                number(values[f"{what}_{kind}seconds"], 1)
                for what in ("sketching", "planning")
                for kind in ("", "processor_")
            ),
            f"{len(values['planned'])}",
            number(values["differences"]),
        )

    return table(
        "Network | Boards on which it fits | Points | On the front | Seconds | of the processor | Seconds with five planned, from the sketches | of the processor "
        "| Points compiled | Figures that differ",
        map(cells, records("explore")),
    )


def _points() -> str:
    def cells(record: Record, point: Mapping[str, Any]) -> Iterable[str]:
        return (
            network(record.design).title,
            f"{point['number']}",
            point["board"],
            number(point["fps"], 1),
            number(point["interval_cycles"]),
            number(point["latency_cycles"]),
            number(point["sketched_lut"]),
            number(point["lut"]),
            number(point["dsp"]),
        )

    return table(
        "Network | Point | Board | Samples a second | Interval | Latency | LUT, sketched | planned and compiled | DSP",
        (
            cells(record, point)
            for record in records("explore")
            for point in record.values["planned"]
        ),
    )


SECTIONS: dict[str, Callable[[], str]] = {"explored": _explored, "explored-points": _points}

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
            number(values.get("grid_points", 0)),
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
        "Network | Boards on which it fits | Points | of them on fabrics | On the front | Seconds | of the processor | Seconds with five planned, from the sketches | of the processor "
        "| Points compiled | Figures that differ",
        map(cells, records("explore")),
    )


def _points() -> str:
    def cells(record: Record, point: Mapping[str, Any]) -> Iterable[str]:
        return (
            network(record.design).title,
            f"{point['number']}",
            point["board"],
            f"{point['fabric']}, {point['batch']} at a time" if point.get("fabric") else "-",
            number(point["fps"], 1),
            number(point["interval_cycles"]),
            number(point["latency_cycles"]),
            number(point["sketched_lut"]),
            number(point["lut"]),
            number(point["dsp"]),
        )

    return table(
        "Network | Point | Board | Fabric | Samples a second | Interval | Latency | LUT, sketched | planned and compiled | DSP",
        (
            cells(record, point)
            for record in records("explore")
            for point in record.values["planned"]
        ),
    )


def _built() -> str:
    def cells(record: Record, built: Mapping[str, Any]) -> Iterable[str]:
        whole = built["lut"] + built["link_lut"]
        return (
            network(record.design).title,
            built["board"],
            number(built["interval_cycles"]),
            number(built["lut"]),
            number(built["alone_lut"]),
            f"{built['lut'] / built['alone_lut'] - 1:+.1%}",
            number(whole),
            number(built["built_lut"]),
            f"{whole / built['built_lut'] - 1:+.1%}",
            f"{built['dsp']}, {built['alone_dsp']}, {built['built_dsp']}",
            f"{built['bram']}, {built['alone_bram']}",
            number(built["clock_mhz"], 1),
            number(built["built_mhz"], 1),
        )

    return table(
        "Network | Board | Interval | LUT, predicted | synthesised alone | apart | predicted with the link | placed and routed | apart | DSP, predicted, alone, built | RAM blocks, predicted, alone | MHz, expected | MHz, built",
        (
            cells(record, built)
            for record in records("explore")
            for built in record.values.get("built", ())
        ),
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "explored": _explored,
    "explored-points": _points,
    "explored-built": _built,
}

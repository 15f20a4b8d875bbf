"""The table of networks as gates, from the records of ``asic``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.models import network
from benchmarks.record import Record, records


def _gates() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        logic = values["gate_equivalents"] - values["flip_flop_equivalents"]
        return (
            network(record.design).title,
            number(values["macs"]),
            number(values["interval_cycles"]),
            number(values["gate_equivalents"]),
            number(logic),
            number(values["flip_flops"]),
            number(values["area_um2"] / 1e6, 3),
            f"{values['mismatches']} of {values['elements']}",
        )

    return table(
        "Network | MAC | Cycles per inference | Gate equivalents | of logic | Flip-flops | Cells, mm² | Elements of the simulated gates that differ",
        map(cells, records("asic")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"gates": _gates}

"""The table of random networks, from the records of ``random_graphs``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records

VERDICTS = ("equal", "declared", "different", "refused", "not runnable")
TITLES = {"meaning": "integer graph and dataflow", "rtl": "Verilog too, with random stalls"}


def _random_graphs() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        operators = values["operators"]
        return (
            TITLES[record.design],
            number(values["computed"]),
            *(number(values["verdicts"].get(verdict, 0)) for verdict in VERDICTS),
            number(sum(operators.values())),
            number(len(operators)),
        )

    return table(
        "What is compared | Networks computed | Equal to ONNX Runtime | within the declared bound | different | Refused | Not run by ONNX Runtime itself "
        "| Nodes of those computed | Operators among them",
        map(cells, records("random_graphs")),
    )


SECTIONS: dict[str, Callable[[], str]] = {"random-graphs": _random_graphs}

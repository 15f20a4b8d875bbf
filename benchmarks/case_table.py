"""The table of small networks after public bug reports, from the records of ``cases``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from benchmarks.markdown import number, table
from benchmarks.record import Record, records

_OUTCOMES = {
    "exact": "equal",
    "declared": "differs as declared",
    "wrong": "wrong",
    "refused": "refused",
}


def _cells(record: Record) -> tuple[str, ...]:
    values = record.values
    return (
        record.design,
        _OUTCOMES[values["outcome"]],
        values.get("ort_matched") or "–",
        number(values.get("elements")),
        number(values.get("mismatches")),
        number(values.get("ort_mismatches")),
        number(values.get("predicted_interval_cycles")),
        number(values.get("interval_cycles")),
        "; ".join([*values.get("declared", []), values.get("reason", "")]).strip("; "),
    )


def _cases() -> str:
    stored = sorted(records("cases"), key=lambda record: record.design)
    rows = table(
        "Case | Verilog against ONNX Runtime | Session that it equals | Elements | of them other than the meaning | other than the default session "
        "| Interval, predicted | Interval | Remark",
        map(_cells, stored),
    )
    if not stored:
        return rows
    outcomes = Counter(_OUTCOMES[record.values["outcome"]] for record in stored)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    return f"Of {len(stored)} cases: {counts}.\n\n{rows}"


SECTIONS: dict[str, Callable[[], str]] = {"cases": _cases}

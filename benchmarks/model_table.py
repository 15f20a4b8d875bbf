"""The table of every network of the models folder."""

from __future__ import annotations

from collections import Counter

from benchmarks.markdown import number, table
from benchmarks.record import Record, records

_OUTCOMES = {
    "exact": "equal",
    "declared": "differs as declared",
    "differs": "differs more than declared",
    "refused": "refused",
}


def _remark(record: Record) -> str:
    values = record.values
    if values["outcome"] == "refused":
        return f"{values['node']}: {values['reason']}".replace("|", "\\|")
    calibrated = record.options.get("calibrate")
    return f"float, quantised with {calibrated}" if calibrated else ""


def _cells(record: Record) -> tuple[str, ...]:
    values = record.values
    compared = "–"
    if "elements" in values:
        compared = f"{number(values['ort_mismatches'])} of {number(values['elements'])}"
    return (
        record.design,
        _OUTCOMES[values["outcome"]],
        number(values.get("nodes")),
        number(values.get("host_nodes")),
        number(values.get("macs")),
        number(values.get("predicted_interval_cycles")),
        compared,
        values.get("session", "–"),
        number(values.get("rtl_mismatches")),
        _remark(record),
    )


def _models() -> str:
    stored = sorted(records("models"), key=lambda record: record.design)
    rows = table(
        "Network | Meaning against ONNX Runtime | Nodes | of them on the host | MAC | Interval, predicted "
        "| Elements that differ | Session | Differ in RTL, one sample | Remark",
        map(_cells, stored),
    )
    if not stored:
        return rows
    outcomes = Counter(_OUTCOMES[record.values["outcome"]] for record in stored)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    return f"Of {len(stored)} networks: {counts}.\n\n{rows}"


SECTIONS = {"models": _models}

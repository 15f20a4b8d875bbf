"""The figures of a whole design: predicted, simulated and built side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hlsgen.html_report.content import Bar, Section, Table, TableCell
from hlsgen.html_report.documents import Documents

RESOURCES = (("lut", "LUT"), ("ff", "flip-flops"), ("dsp", "DSP blocks"), ("bram", "RAM blocks"))


def summary(documents: Documents) -> Section:
    """Cycles, rate and clock, as they were predicted, simulated and built."""
    report, verified, built = documents.report, documents.verified, documents.built
    rows: list[tuple[TableCell, ...]] = []
    for key, title in (
        ("interval_cycles", "cycles a sample"),
        ("latency_cycles", "latency, cycles"),
    ):
        rows.append((title, report.get(key), verified.get(key), None))
    rate = _rate(report)
    rows.append(("samples a second", rate, None, built.get("inferences_per_second")))
    rows.append(("clock, MHz", report.get("clock_mhz"), None, built.get("clock_mhz")))
    if report.get("macs") is not None:
        rows.append(("multiply-accumulates a sample", report["macs"], None, None))
    known = tuple(row for row in rows if any(cell is not None for cell in row[1:]))
    columns = ("figure", "predicted", "simulated", "built")
    return Section("summary", "Summary", tables=(Table("Speed and work", columns, known),))


def utilisation(documents: Documents) -> Section:
    """What is used of the device; empty where nothing is known of it."""
    report, built = documents.report, documents.built
    available = built.get("available", {})
    rows: list[tuple[TableCell, ...]] = []
    for key, title in RESOURCES:
        predicted, used = report.get(key), built.get(key)
        whole = available.get(key) or report.get(f"board_{key}")
        if predicted is None and used is None:
            continue
        taken = predicted if used is None else used
        share = Bar(taken / whole, f"{taken / whole:.0%}") if whole else None
        rows.append((title, predicted, used, whole, share))
    if not rows:
        return Section("utilisation", "Device")
    device = built.get("title") or report.get("board") or "the device"
    columns = ("resource", "predicted", "built", "of the device", "used")
    note = "Built: with the serial link of the board; predicted: the circuit alone."
    return Section(
        "utilisation",
        "Device",
        texts=(note,) if built else (),
        tables=(Table(f"Use of {device}", columns, tuple(rows)),),
    )


def clock(documents: Documents) -> Section:
    """The clock and what limits it; empty where nothing is known."""
    built, expected = documents.built, documents.report.get("expected_fmax_mhz")
    texts = []
    if expected is not None:
        texts.append(
            f"Expected after place and route: {expected['expected']:.1f} MHz"
            f" ({expected['low']:.1f} to {expected['high']:.1f})."
        )
    if built.get("fmax_mhz") is not None:
        texts.append(
            f"Built: {built['clock_mhz']:g} MHz, of at most {built['fmax_mhz']:.1f} MHz that place and route found;"
            f" oscillator {built['oscillator_mhz']:g} MHz."
        )
    path = built.get("critical_path") or {}
    tables = (_path_table(path),) if path.get("parts") else ()
    return Section("clock", "Clock", tuple(texts), tables)


def _path_table(path: Mapping[str, Any]) -> Table:
    """The slowest path between two registers, by layer."""
    rows = tuple(
        (part["where"], part["logic_ns"], part["routing_ns"], part["cells"])
        for part in path["parts"]
    )
    columns = ("layer", "logic, ns", "wires, ns", "cells")
    return Table(f"Slowest path, {path['ns']:.2f} ns", columns, rows)


def _rate(report: Mapping[str, Any]) -> float | None:
    mhz, interval = report.get("clock_mhz"), report.get("interval_cycles")
    if mhz is None or not interval:
        return None
    return round(float(mhz) * 1e6 / int(interval), 1)

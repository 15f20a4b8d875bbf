"""Writes the tables of ``benchmarks/README.md`` and ``README.md``, and the pictures, from the records: ``python -m benchmarks.table [--check]``.

No figure of those tables is typed: each comes from a file of ``benchmarks/results`` or, for the work of others, from
``benchmarks/anchors.py``. Text between ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` is replaced.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable

from benchmarks import (
    case_table,
    constant_table,
    emulated_table,
    explore_table,
    format_plot,
    format_table,
    gate_table,
    grid_table,
    model_table,
    mutant_table,
    random_graph_table,
    retrained_table,
    spram_table,
    table_network_table,
    unit_table,
)
from benchmarks.anchors import CYCLE_GOALS, OPEN_TOOLS, PUBLISHED
from benchmarks.markdown import number, percent, table
from benchmarks.models import ROOT, network
from benchmarks.prediction import BELOW, NEAR, RESOURCES
from benchmarks.record import Record, records
from hlsgen.board import load_board
from hlsgen.cost.clock_rate import clock_rate

READMES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md", ROOT / "docs" / "comparison.md")
PICTURES = {ROOT / "benchmarks" / "formats.svg": format_plot.picture}


def _title(design: str) -> str:
    name, _, variant = design.partition("@")
    title = network(name).title
    return {"": title, "goal": f"{title}, just the goal"}.get(variant, f"{title} on {variant}")


def _exact() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        itself = values["ort_default_against_unoptimised"]
        return (
            _title(record.design),
            network(record.design).origin,
            number(values["macs"]),
            number(values["samples"]),
            number(values["elements"]),
            number(values["mismatches"]),
            number(values["ort_mismatches"]),
            number(values["ort_integer_mismatches"]),
            values["ort_matched"] or "none",
            f"{itself['different']} of {itself['elements']}",
        )

    return table(
        "Network | Made by | MAC | Samples | Elements | Differ from the integer meaning "
        "| from ONNX Runtime, default session | from ONNX Runtime, int8 kernels allowed | Answer matched "
        "| ONNX Runtime, default against unoptimised",
        map(cells, records("exact")),
    )


def _interval() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            _title(record.design),
            number(values["predicted_interval_cycles"]),
            number(values["interval_cycles"]),
            percent(values["interval_cycles"] / values["predicted_interval_cycles"] - 1),
            percent(values["busy_share"]),
            number(values["predicted_latency_cycles"]),
            number(values["latency_cycles"]),
        )

    return table(
        "Network | Interval, predicted | measured | deviation | Slowest process busy "
        "| Latency, predicted | measured",
        map(cells, records("exact")),
    )


def _cycles() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            _title(record.design),
            number(CYCLE_GOALS[record.design.partition("@")[0]]),
            number(values["interval_cycles"]),
            number(values["multipliers"]),
            number(values["predicted_dsp"]),
            number(values["predicted_lut"]),
            number(values["macs_per_multiplier_cycle"], 2),
        )

    return table(
        "Network | Goal, cycles | Cycles measured in RTL | Multipliers, DSP and LUT | DSP blocks, predicted "
        "| LUT, predicted | MAC per multiplier and cycle",
        map(cells, records("cycles")),
    )


def _others() -> str:
    published = [
        (
            accelerator.system,
            network(accelerator.network).title,
            f"{accelerator.board}, {accelerator.mhz} MHz",
            number(accelerator.cycles),
            number(accelerator.dsp),
            accelerator.source,
        )
        for accelerator in PUBLISHED
    ]
    return table("System | Network | Board | Cycles | DSP | Source", published)


def _open_tools() -> str:
    return table(
        "System | Network | Cycles, simulated | Remark",
        (
            (tool.system, network(tool.network).title, number(tool.cycles), tool.remark)
            for tool in OPEN_TOOLS
        ),
    )


def _accuracy() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            _title(record.design),
            number(values["samples"]),
            percent(values["accuracy"], 2),
            number(values["elements"]),
            number(values["ort_mismatches"]),
            number(values["ort_integer_mismatches"]),
            values["ort_matched"] or "none",
            number(values["verify_seconds"], 1),
        )

    return table(
        "Network | Samples, the whole test set | Accuracy in RTL | Elements | Unlike ONNX Runtime, default session "
        "| unlike ONNX Runtime, int8 kernels allowed | Answer matched | Seconds",
        map(cells, records("accuracy")),
    )


def _boards() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        fmax, interval = values["fmax_mhz"], values["interval_cycles"]
        board = load_board(values["board"])
        rate = clock_rate(board, values["predicted_lut"])
        expected = None if rate is None else rate.expected
        return (
            _title(record.design),
            *(
                f"{number(values['predicted_' + key])} / {number(values[key])}"
                for key in ("lut", "dsp", "bram")
            ),
            number(values["ff"]),
            number(expected, 1),
            ", ".join(number(mhz, 1) for mhz in values.get("seeds", {"1": fmax}).values()),
            percent(None if expected is None else expected / fmax - 1),
            number(values.get("clock_mhz"), 2),
            number(interval),
            number(values.get("inferences_per_second")),
            number(values["mismatches"]),
            number(values["seconds"]),
        )

    return table(
        "Design | LUT, predicted / built | DSP | Block RAM | FF | Fmax, MHz, predicted | of each seed | Deviation from the best | Clock written, MHz "
        "| Cycles per inference | Inferences per second at that clock | Mismatches | Seconds to build, all seeds",
        map(cells, records("boards")),
    )


def _cells() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            _title(record.design),
            number(sum(values["cells"].values())),
            number(values["samples"]),
            number(values["elements"]),
            number(values["mismatches"]),
            number(values["interval_cycles"]),
        )

    return table(
        "Design | Cells | Samples | Elements | Differ from the integer meaning | Cycles per inference",
        map(cells, records("cells")),
    )


def _time() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            _title(record.design),
            number(values["compile_seconds"], 1),
            number(values["compile_peak_mb"]),
            number(values["one_inference_seconds_cocotb"], 1),
            number(values["one_inference_seconds_fast"], 1),
        )

    return table(
        "Network | ONNX to Verilog, s | Peak memory, MB | One inference in cocotb, s | in the fast engine, s",
        map(cells, records("time")),
    )


def _prediction() -> str:
    """Predicted and synthesised resources of every design, and how many predictions of LUTs are as near as they are to be."""
    stored = records("prediction")
    if not stored:
        return table("", ())
    shares = [record.values["deviation"]["lut"] for record in stored]
    near = sum(-BELOW <= share <= NEAR for share in shares)

    def cells(record: Record) -> tuple[str, ...]:
        name, board, size = record.design.split("@")
        size = f"{number(int(size))} fps" if size.isdigit() else size
        values, deviation = record.values, record.values["deviation"]
        pairs = [
            f"{number(values['predicted_' + key])} / {number(values[key])}" for key in RESOURCES
        ]
        title = f"{network(name).title}, {board}, {size}"
        return (title, pairs[0], percent(deviation["lut"]), *pairs[1:])

    rows = table(
        "Design | LUT, predicted / synthesised | Deviation | FF | DSP | RAM blocks",
        map(cells, stored),
    )
    lowest, highest = min(shares, default=0.0), max(shares, default=0.0)
    return (
        f"{near} of {len(stored)} predictions of LUTs are between {percent(-BELOW)} and {percent(NEAR)} of what synthesis finds; "
        f"all are between {percent(lowest)} and {percent(highest)}.\n\n{rows}"
    )


def _summary() -> str:
    """The README's table: what was placed and routed, and what was simulated only."""
    exact = {record.design: record.values for record in records("exact")}
    built = list(records("boards"))
    shown = _one_a_device(built)
    placed = [(record.design, record.values) for record in shown]
    simulated = [(record.design, record.values) for record in records("cycles")]
    rows = []
    for design, values in placed + simulated:
        checked = exact.get(design.partition("@")[0], values)
        exact_here = (
            not values["mismatches"] and not checked["mismatches"] and checked["ort_matched"]
        )
        routed = "fmax_mhz" in values
        mark = "" if routed else "≈ "
        resources = (values[("" if routed else "predicted_") + k] for k in ("lut", "dsp", "bram"))
        fmax = values.get("fmax_mhz")
        name = design.partition("@")[0]
        rows.append(
            (
                network(name).title,
                values["board"],
                "yes" if exact_here else "no",
                number(values["macs"]),
                number(values["interval_cycles"]),
                *(mark + number(value) for value in resources),
                number(fmax, 1),
            )
        )
    rendered = table(
        "Network | Board | Bit-exact in RTL | MAC | Cycles per inference | LUT | DSP | Block RAM | Fmax, MHz",
        rows,
    )
    notes = (
        "Bit-exact: no element differs from the integer meaning of the graph nor from ONNX Runtime "
        "with its int8 kernels. Where its default session computes signed activations in float "
        "instead, it may differ near ties: see the benchmarks."
    )
    if simulated:
        notes += " ≈: predicted; simulated, not placed and routed."
    if others := len(built) - len(shown):
        notes += f" Of boards with one device the first is here; [the benchmarks](benchmarks/README.md) have {others} more."
    return f"{rendered}\n\n{notes}"


def _one_a_device(built: Iterable[Record]) -> list[Record]:
    """Of the builds of one network for boards with the same device, the first."""
    first: dict[tuple[str, str, str], Record] = {}
    for record in built:
        board = load_board(record.values["board"])
        first.setdefault((record.design.partition("@")[0], board.device, board.speed), record)
    return list(first.values())


def _made() -> str:
    stored = records()
    if not stored:
        return "No records yet."
    dates = sorted(record.made["date"] for record in stored)
    commits = sorted({record.made["commit"] for record in stored})
    packages = sorted(
        {f"{k} {v}" for r in stored for k, v in r.made["packages"].items() if v is not None}
    )
    cores = sorted({str(record.made["cores"]) for record in stored})
    return (
        f"{len(stored)} records, made from {dates[0]} to {dates[-1]} at {', '.join(commits)} on "
        f"{' or '.join(cores)} cores with {', '.join(packages)}."
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "summary": _summary,
    "exact": _exact,
    "interval": _interval,
    "cycles": _cycles,
    "published": _others,
    "open-tools": _open_tools,
    "accuracy": _accuracy,
    "boards": _boards,
    "cells": _cells,
    "time": _time,
    "prediction": _prediction,
    "made": _made,
    **case_table.SECTIONS,
    **constant_table.SECTIONS,
    **emulated_table.SECTIONS,
    **explore_table.SECTIONS,
    **format_table.SECTIONS,
    **gate_table.SECTIONS,
    **retrained_table.SECTIONS,
    **spram_table.SECTIONS,
    **table_network_table.SECTIONS,
    **random_graph_table.SECTIONS,
    **model_table.SECTIONS,
    **unit_table.SECTIONS,
    **grid_table.SECTIONS,
    **mutant_table.SECTIONS,
}


def filled(text: str) -> str:
    """``text`` with every marked section made anew; raises KeyError for a name that is not a section."""

    def replace(section: re.Match[str]) -> str:
        name = section[1]
        return f"<!-- begin {name} -->\n{SECTIONS[name]()}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->\n.*?<!-- end \1 -->", replace, text, flags=re.S)


def main() -> int:
    """Rewrites the files and pictures, or with ``--check`` says whether they are up to date."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    options = parser.parse_args()
    stale = []
    contents = {path: filled(path.read_text()) for path in READMES}
    contents |= {path: picture() for path, picture in PICTURES.items()}
    for path, new in contents.items():
        if not path.exists() or path.read_text() != new:
            stale.append(path)
            if not options.check:
                path.write_text(new)
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'stale' if options.check else 'written'}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())

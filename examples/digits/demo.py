"""The tour: a trained network becomes a circuit that is simulated, compared bit by bit, and placed and routed.

``python examples/digits/demo.py [--board BOARD] [--output DIR]``; ``make demo`` runs it for the ULX3S 85F. Exit code 0 only if
every output element of the circuit equals both the integer meaning of the network and ONNX Runtime.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import hlsgen
from hlsgen.errors import HlsgenError
from hlsgen.progress import terminal

HERE = Path(__file__).resolve().parent
INTERVAL = 1250
"""Cycles a digit at most: fast, and still quick to place and route."""


def run(board: str, output: Path) -> tuple[Table, tuple[str, ...], bool]:
    """Compiles, verifies and builds the digits network: table, findings, and whether every bit was right."""
    with np.load(HERE / "samples.npz") as archive:
        samples = dict(archive)
    labels = np.load(HERE / "labels.npy")
    with terminal(quiet=False) as progress:
        design = hlsgen.compile(
            HERE / "digits.onnx",
            board=board,
            interval=INTERVAL,
            output=output,
            progress=progress,
        )
        design.verify(inputs=samples, samples=20, progress=progress)
        verified = json.loads((output / "verify.json").read_text())
        whole = design.verify(inputs=samples, stall="none", engine="fast", progress=progress)
        design.build(progress=progress)
    built = json.loads((output / "build.json").read_text())
    answers = next(iter(whole.outputs.values())).reshape(len(labels), -1).argmax(axis=1)
    correct = int(np.count_nonzero(answers == labels))
    wrong = (
        verified["mismatches"]
        + verified["ort_mismatches"]
        + whole.mismatches
        + (whole.ort_mismatches or 0)
    )
    findings = (
        f"RTL in cocotb, {verified['samples']} samples, {verified['elements']} elements: "
        f"{verified['mismatches']} differ from the integer meaning, "
        f"{verified['ort_mismatches']} from ONNX Runtime",
        f"RTL, whole test set: {correct} of {len(labels)} digits right ({correct / len(labels):.1%}), "
        f"{whole.ort_mismatches} elements differ from ONNX Runtime",
        _rate(verified, built),
        f"bitstream {output / built['bitstream']}",
        f"with the board plugged in: hlsgen program {output}, then hlsgen run {output} --inputs {HERE / 'samples.npz'}",
    )
    return _table(design.report, verified, built), findings, wrong == 0


def _table(
    report: Mapping[str, Any], verified: Mapping[str, Any], built: Mapping[str, Any]
) -> Table:
    """One row per layer as predicted, and the whole as predicted and as measured."""
    table = Table(title=f"digits on {built['board']}")
    for column in ("", "MAC", "mult.", "cycles", "LUT", "DSP", "RAM", "MHz"):
        table.add_column(column, justify="left" if not column else "right")
    for layer in report["layers"]:
        cells = (layer[key] for key in ("macs", "multipliers", "cycles", "lut", "dsp", "bram"))
        table.add_row(layer["name"], *(f"{value:,}" for value in cells), "")
    table.add_section()
    table.add_row(
        "whole, predicted",
        f"{report['macs']:,}",
        f"{report['multipliers']:,}",
        f"{report['interval_cycles']:,}",
        *(f"{report[key]:,}" for key in ("lut", "dsp", "bram")),
        "",
    )
    table.add_row(
        "whole, measured",
        "",
        "",
        f"{verified['interval_cycles']:,}",
        *(f"{built[key]:,}" for key in ("lut", "dsp", "bram")),
        f"{built['fmax_mhz']:.1f}",
        style="bold",
    )
    return table


def _rate(verified: Mapping[str, Any], built: Mapping[str, Any]) -> str:
    clock = built["clock_mhz"]  # what the board's PLL makes, not above the highest that was found
    per_second = clock * 1e6 / verified["interval_cycles"]
    microseconds = verified["latency_cycles"] / clock
    return f"{per_second:,.0f} digits a second at {clock:.1f} MHz, {microseconds:.1f} us each"


def main() -> int:
    """Runs the tour and prints its table."""
    parser = argparse.ArgumentParser(description="The digits example, from ONNX to a bitstream.")
    parser.add_argument("--board", default="ulx3s_85f")
    parser.add_argument("--output", type=Path, default=Path("build/demo"))
    options = parser.parse_args()
    try:
        table, findings, exact = run(options.board, options.output)
    except HlsgenError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    console = Console()
    console.print(table)
    for finding in findings:
        console.print(finding, highlight=False, soft_wrap=True)
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())

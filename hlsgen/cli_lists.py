"""``hlsgen check | boards | fabrics | ops``: what hlsgen knows, as tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hlsgen.cli_options import States

WIDE = 400
"""Columns of a table that does not go to a terminal."""


def add_list_commands(app: typer.Typer) -> None:
    """Give the command line the commands of this file."""
    for command in (check, boards, fabrics, ops):
        app.command()(command)


def check(
    model: Annotated[Path, typer.Argument(help="ONNX file.")],
    calibrate: Annotated[
        Path | None, typer.Option(help="Samples (npz) with which a float model is quantised.")
    ] = None,
    state: States = None,
) -> None:
    """Say for each node whether it becomes hardware, stays on the host, or is unsupported and why."""
    from hlsgen.arguments import parse_states
    from hlsgen.flow_check import check as run

    rows = run(model, calibrate, parse_states(state))
    _table(("node", "operator", "where", "reason"), rows)
    raise typer.Exit(2 if any(row[2] == "unsupported" for row in rows) else 0)


def boards() -> None:
    """List the boards."""
    from hlsgen.board import boards as known

    _table(
        ("board", "device", "LUT", "DSP", "block RAM kbit", "bitstream"),
        [
            (
                board.name,
                board.device,
                board.lut,
                board.dsp,
                board.bram_kbit,
                "Vivado script" if board.family == "xilinx7" else "yes",
            )
            for board in known()
        ],
    )


def fabrics() -> None:
    """List the fabrics that come with hlsgen."""
    from hlsgen.fabric.report import preset_rows

    _table(("fabric", "PEs", "bits", "operators", "memory tiles", "description"), preset_rows())


def ops() -> None:
    """List the ONNX operators that hlsgen reads."""
    from hlsgen.ops import supported_operators

    _table(("operator", "opset", "where"), supported_operators())


def _table(columns: tuple[str, ...], rows: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    # A file or a pipe has no width: nothing is cut or broken there.
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)

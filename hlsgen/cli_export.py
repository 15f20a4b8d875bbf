"""The command of the command line that hands a design to other tools: ``hlsgen export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.progress import terminal


def add_export_command(app: typer.Typer) -> None:
    """Give the command line the command of this file."""
    app.command("export")(export_command)


def export_command(
    directory: Annotated[Path, typer.Argument(help="Folder of 'hlsgen compile'.")],
    format: Annotated[
        str, typer.Option("--as", help="verilog, litex, ipxact, vivado or fusesoc.")
    ] = "verilog",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="New or empty folder to write (DIR/FORMAT)."),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Samples (npz) for the bench of the folder; random integers without."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no words.")] = False,
) -> None:
    """Write a network or kernel of schedule stream as a folder that another tool takes as it is."""
    from hlsgen.flow_export import export
    from hlsgen.frontend.samples import load_samples

    samples = None if inputs is None else load_samples(inputs)
    with terminal(quiet) as progress:
        folder = export(directory, format, output, samples, progress)
    if not quiet:
        typer.echo(f"wrote {folder}: its README.md says what is in it")

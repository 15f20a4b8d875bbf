"""The commands of the command line that need a board, real or emulated: ``hlsgen program | run | emulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hlsgen.progress import terminal

Port = Annotated[
    str | None, typer.Option(help="Serial device of the board (the only USB one if not given).")
]


def add_board_commands(app: typer.Typer) -> None:
    """Give the command line the commands of this file."""
    app.command("program")(program_command)
    app.command("run")(run_command)
    app.command("emulate")(emulate_command)


def program_command(
    directory: Annotated[Path, typer.Argument(help="Folder of 'hlsgen build'.")],
    flash: Annotated[
        bool, typer.Option("--flash", help="Into the flash memory: the design stays.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Put the bitstream of a built design on its board, with the programmer that is on this machine."""
    from hlsgen.flow_board import programming
    from hlsgen.host.programmer import run_programming

    job = programming(directory, flash)
    if not quiet:
        typer.echo(job.text)
    with terminal(quiet) as progress:
        run_programming(job, progress)
    if not quiet:
        typer.echo(job.outcome)


def run_command(
    directory: Annotated[Path, typer.Argument(help="Folder of 'hlsgen compile' or 'map'.")],
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="Samples (npz): input name -> (samples, ...); labels, if any. Kernels have their own."
        ),
    ] = None,
    port: Port = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File (npz) for the model's outputs.")
    ] = None,
    measure: Annotated[
        int, typer.Option(help="Run the last sample so often to count cycles; 0: do not.")
    ] = 1000,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no table.")] = False,
) -> None:
    """Run samples, or a kernel, on the board that holds the circuit, and say how fast it is."""
    import numpy as np

    from hlsgen.flow_board import run, without_labels
    from hlsgen.frontend.samples import load_samples

    samples, labels = None, None
    if inputs is not None:
        samples, labels = without_labels(directory, load_samples(inputs))
    with terminal(quiet) as progress:
        result = run(directory, samples, port, labels, measure, progress)
    if output is not None:
        arrays: dict[str, Any] = dict(result.outputs)
        np.savez(output, **arrays)
    if not quiet:
        typer.echo(result.text())


def emulate_command(
    directory: Annotated[
        Path, typer.Argument(help="Folder of 'hlsgen compile', 'map' or 'fabric'.")
    ],
    board: Annotated[
        str | None,
        typer.Option(help="Board (or a TOML file), if another than it was compiled for."),
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="MHz, or 'oscillator'; that of the last build if not given.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only the port's name.")] = False,
) -> None:
    """Simulate the board with the design behind a pseudo-terminal, until Ctrl-C.

    Whatever speaks to a serial port speaks to it: hlsgen run DIR --inputs X.npz --port NAME."""
    from hlsgen.flow_board import emulate

    with terminal(quiet) as progress:
        names = emulate(directory, board, clock, progress)
    try:
        typer.echo(next(names))
        for _ in names:
            pass
    except KeyboardInterrupt:  # the way to end it
        raise typer.Exit(0) from None

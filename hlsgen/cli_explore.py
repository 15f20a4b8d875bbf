"""The command of the command line that looks at many designs of one network: ``hlsgen explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.cli_options import Calibrate, Quiet
from hlsgen.progress import terminal


def add_explore_command(app: typer.Typer) -> None:
    """Give the command line the command of this file."""
    app.command("explore")(explore_command)


def explore_command(
    model: Annotated[Path, typer.Argument(help="ONNX file.")],
    board: Annotated[
        str | None,
        typer.Option(help="Boards with commas between, TOML files too, or all (ulx3s_85f)."),
    ] = None,
    objective: Annotated[str, typer.Option(help="fps, latency or lut.")] = "fps",
    points: Annotated[int, typer.Option(help="About so many designs are sketched.")] = 200,
    checks: Annotated[
        int, typer.Option("--check", help="So many of the best are planned as compile does.")
    ] = 5,
    calibrate: Calibrate = None,
    pick: Annotated[
        int | None, typer.Option(help="Write the design of this point, too: OUTPUT/point_N.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of explore.json and explore.html.")
    ] = Path("build/explore"),
    quiet: Quiet = False,
) -> None:
    """Sketch many designs over boards, DSP blocks and rates; an interrupted exploration goes on."""
    from hlsgen.board import DEFAULT_BOARD
    from hlsgen.flow_explore import explore
    from hlsgen.flow_explore import pick as compile_point

    boards = (DEFAULT_BOARD,) if board is None else tuple(filter(None, board.split(",")))
    with terminal(quiet) as progress:
        study = explore(model, boards, objective, points, checks, calibrate, output, progress)
        if pick is not None:
            folder = output / f"point_{pick}"
            compile_point(model, study, pick, calibrate, folder, progress)
    if not quiet:
        typer.echo(study.text())
        if pick is not None:
            typer.echo((folder / "report.txt").read_text())

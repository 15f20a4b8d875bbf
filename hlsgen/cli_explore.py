"""The command of the command line that looks at many designs of one network: ``hlsgen explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.cli_options import Calibrate, ClusterOption, Quiet
from hlsgen.errors import BadOption
from hlsgen.progress import terminal

Points = Annotated[int, typer.Option(help="About so many designs are sketched.")]
Checks = Annotated[
    int, typer.Option("--check", help="So many of the best are planned as compile does.")
]
Intervals = Annotated[
    str | None, typer.Option(help="Only designs of these cycles a sample, commas between.")
]
Schedules = Annotated[
    str, typer.Option(help="stream, grid (runs of a fabric), or both with a comma.")
]
Fabrics = Annotated[
    str | None, typer.Option(help="Of grids, with commas, TOML files too (all for networks).")
]
Lanes = Annotated[
    str | None,
    typer.Option(help="Only designs of these channels in a word of the inputs, with commas."),
]
Precisions = Annotated[
    str | None, typer.Option(help="Of a float model: int8, fixed16, fixed24, with commas.")
]
JudgedSamples = Annotated[
    Path | None, typer.Option(help="Samples (npz) of --precision, on which errors are measured.")
]
Labels = Annotated[
    Path | None, typer.Option(help="The samples' classes (npy): accuracy is measured, too.")
]

BuildCount = Annotated[
    int | None, typer.Option("--build", help="Build so many of the planned, too: OUTPUT/point_N.")
]


def add_explore_command(app: typer.Typer) -> None:
    """Give the command line the command of this file."""
    app.command("explore")(explore_command)


def explore_command(
    model: Annotated[Path, typer.Argument(help="ONNX file.")],
    board: Annotated[
        str | None,
        typer.Option(help="Boards with commas between, TOML files too, or all (ulx3s_85f)."),
    ] = None,
    objective: Annotated[str, typer.Option(help="fps, latency, lut or energy-proxy.")] = "fps",
    points: Points = 200,
    checks: Checks = 5,
    interval: Intervals = None,
    schedule: Schedules = "stream",
    fabric: Fabrics = None,
    lanes: Lanes = None,
    calibrate: Calibrate = None,
    precision: Precisions = None,
    samples: JudgedSamples = None,
    labels: Labels = None,
    pick: Annotated[
        int | None, typer.Option(help="Write the design of this point, too: OUTPUT/point_N.")
    ] = None,
    build: BuildCount = None,
    cluster: ClusterOption = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of explore.json and explore.html.")
    ] = Path("build/explore"),
    quiet: Quiet = False,
) -> None:
    """Sketch many designs over boards, DSP blocks, rates, lanes, fabrics and precisions; an interrupted exploration goes on."""
    from hlsgen.board import DEFAULT_BOARD
    from hlsgen.flow_explore import explore
    from hlsgen.flow_explore import pick as compile_point
    from hlsgen.flow_explore_build import build_points

    with terminal(quiet) as progress:
        study = explore(
            model,
            _parts(board) or DEFAULT_BOARD,
            objective,
            points,
            checks,
            calibrate,
            output,
            progress,
            _whole("--interval", interval, "cycles"),
            _parts(precision),
            samples,
            labels,
            _parts(schedule),
            _parts(fabric),
            _whole("--lanes", lanes, "channels"),
        )
        if build is not None:
            study = build_points(model, study, build, output, calibrate, samples, progress, cluster)
        folder = output / f"point_{pick}"
        if pick is not None:
            compile_point(model, study, pick, calibrate, folder, progress, samples)
    if not quiet:
        typer.echo(study.text())
        if pick is not None:
            typer.echo((folder / "report.txt").read_text())


def _parts(text: str | None) -> tuple[str, ...]:
    """What stands between commas."""
    return () if text is None else tuple(filter(None, (part.strip() for part in text.split(","))))


def _whole(option: str, text: str | None, counted: str) -> tuple[int, ...]:
    """The numbers between commas; raises BadOption."""
    parts = _parts(text)
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise BadOption(
            option,
            f"expected whole numbers of {counted} with commas between, found {text!r}",
            f"Write for example {option} 1,2,4.",
        )
    return tuple(map(int, parts))

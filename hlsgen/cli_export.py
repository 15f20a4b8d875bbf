"""The commands of the command line that hand a design to other tools, and other weights to a design: ``hlsgen export | bench | weights | asic``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hlsgen.errors import BadOption
from hlsgen.progress import terminal


def add_export_commands(app: typer.Typer) -> None:
    """Give the command line the commands of this file."""
    app.command("export")(export_command)
    app.command("bench")(bench_command)
    app.command("weights")(weights_command)
    app.command("asic")(asic_command)


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


def bench_command(
    directory: Annotated[Path, typer.Argument(help="Folder of 'hlsgen compile'.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="New or empty folder to write (DIR/bench)."),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Samples (npz) that it streams; random integers without."),
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Only the first so many (4).")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no words.")] = False,
) -> None:
    """Write a test of the circuit in cocotb as a folder of its own, to be extended; 'make' in it runs it."""
    from hlsgen.flow_export import bench
    from hlsgen.frontend.samples import load_samples

    given = None if inputs is None else load_samples(inputs)
    with terminal(quiet) as progress:
        folder = bench(directory, output, given, samples, progress)
    if not quiet:
        typer.echo(
            f"wrote {folder}: 'make' in it runs the tests; its README.md says how to extend them"
        )


def weights_command(
    directory: Annotated[
        Path, typer.Argument(help="Folder of 'hlsgen compile --weights loadable'.")
    ],
    model: Annotated[Path, typer.Argument(help="ONNX file: the same network, trained again.")],
    calibrate: Annotated[
        Path | None, typer.Option(help="Samples (npz) with which a float model is quantised.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write (DIR/weights.bin).")
    ] = None,
    design: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write instead: the circuit with this network, for run and verify."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no words.")] = False,
) -> None:
    """Write the bytes that make a circuit with loadable weights compute a retrained network, or a folder with which it is run and verified."""
    from hlsgen.flow_weights import WEIGHTS, retrained, weights, write_weights

    if design is not None and output is not None:
        raise BadOption(
            "--output",
            "expected --output for the bytes or --design for a folder that has them, found both",
            "Leave one of them out.",
        )
    if design is not None:
        with terminal(quiet) as progress:
            folder = retrained(directory, model, design, calibrate, progress).directory
        if not quiet:
            typer.echo(f"wrote {folder}: hlsgen run and verify load its weights into the circuit")
        return
    with terminal(quiet) as progress:
        image = weights(directory, model, calibrate, progress)
    path = directory / WEIGHTS if output is None else output
    write_weights(image, path)
    if not quiet:
        typer.echo(f"wrote {path}: {len(image):,} bytes for the parameter port")


def asic_command(
    directory: Annotated[
        Path, typer.Argument(help="Folder of 'hlsgen compile', 'map' or 'fabric'.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="New folder for the design made of gates: verify it."),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="New or empty folder for a project of Tiny Tapeout or LibreLane."),
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no words.")] = False,
) -> None:
    """Say how large the circuit is on a chip, in gate equivalents of SkyWater's 130 nm cells."""
    from hlsgen.flow_asic import asic

    with terminal(quiet) as progress:
        count = asic(directory, progress, output, project)
    if not quiet:
        typer.echo(count.text())
        if project is not None:
            typer.echo(f"wrote {project}: its README.md says what is in it")

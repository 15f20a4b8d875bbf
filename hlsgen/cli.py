"""The command line: ``hlsgen compile | map | fabric | verify | build | program | run | emulate | export | bench | weights | asic | explore | check | boards | fabrics | ops``.

Exit codes: 0 good, 1 the design is wrong, 2 the input or the machine is, 3 hlsgen itself is. Heavy modules are imported where they are used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn, cast

import typer

from hlsgen import __version__
from hlsgen.cli_board import Port, add_board_commands
from hlsgen.cli_explore import add_explore_command
from hlsgen.cli_export import add_export_commands
from hlsgen.cli_lists import add_list_commands
from hlsgen.cli_options import (
    OUTPUT,
    AsGiven,
    Batch,
    Calibrate,
    ClusterOption,
    Dsp,
    Dump,
    EffortOption,
    Exact,
    Interval,
    Lanes,
    Latency,
    Lut,
    Matched,
    Multipliers,
    Name,
    Output,
    Parts,
    Precision,
    Quiet,
    RangeSamples,
    Seed,
    States,
    TargetFps,
    TimeLimit,
    Timeline,
    Unrolls,
    Weights,
)
from hlsgen.errors import BadOption, HlsgenError
from hlsgen.failures import (
    house_error,
    open_standard_streams,
    signals_as_interrupts,
    silence_output,
)
from hlsgen.progress import terminal

HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(context_settings=HELP, pretty_exceptions_enable=False)
INTERRUPTED = 130  # the exit code that typer gives an interrupt, by the shell's custom
BROKEN_PIPE = (
    141  # where nobody reads the pipe: a design must not pass for right because its report was cut
)
USAGE_ERROR = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""What is raised for any wrong or missing argument; typer has no public name for it."""


def _board_names(incomplete: str) -> list[str]:
    from hlsgen.board import boards as known

    return [board.name for board in known() if board.name.startswith(incomplete)]


def _fabric_names(incomplete: str) -> list[str]:
    from hlsgen.fabric.report import preset_rows

    return [row[0] for row in preset_rows() if row[0].startswith(incomplete)]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"hlsgen {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """From a trained network (ONNX) or a loop kernel (Python) to a verified circuit."""


@app.command("compile")
def compile_command(
    model: Annotated[str, typer.Argument(help="ONNX file, or a kernel as for 'map'.")],
    board: Annotated[
        str | None,
        typer.Option(
            help="Board (ulx3s_85f), see 'hlsgen boards'; or a TOML file.",
            autocompletion=_board_names,
        ),
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="stream: an array per layer; grid: a program for one fabric.")
    ] = "stream",
    fabric: Annotated[
        str | None,
        typer.Option(
            help="Fabric of schedule grid; see 'hlsgen fabrics'; or a TOML file.",
            autocompletion=_fabric_names,
        ),
    ] = None,
    batch: Batch = None,
    effort: EffortOption = None,
    multipliers: Multipliers = None,
    dsp: Dsp = None,
    lut: Lut = None,
    target_fps: TargetFps = None,
    interval: Interval = None,
    latency: Latency = None,
    lanes: Lanes = None,
    calibrate: Calibrate = None,
    precision: Precision = None,
    samples: RangeSamples = None,
    reference: Matched = None,
    unroll: Unrolls = None,
    weights: Weights = None,
    state: States = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    exact: Exact = None,
    as_given: AsGiven = None,
    name: Name = None,
    output: Output = OUTPUT,
    dump: Dump = None,
    quiet: Quiet = False,
) -> None:
    """Compile an ONNX model to Verilog, a manifest and a report (and, for a grid, its program)."""
    given = dict(locals())
    asked = {k: given[k] for k in given if k not in ("unroll", "state", "quiet")}
    from hlsgen.algebra.unroll import parse_unroll
    from hlsgen.arguments import parse_states
    from hlsgen.flow import compile

    overrides = dict(parse_unroll(text) for text in unroll or ())
    states = parse_states(state)
    with terminal(quiet) as progress:
        compiled = compile(**asked, overrides=overrides, state=states, progress=progress)
    if not quiet:
        typer.echo((compiled.directory / "report.txt").read_text())


@app.command("map")
def map_command(
    kernel: Annotated[str, typer.Argument(help="FILE.py:name, FILE.dot or FILE.xml.")],
    fabric: Annotated[
        str | None,
        typer.Option(
            help="See 'hlsgen fabrics'; or a TOML file; cgra_4x4 if not given.",
            autocompletion=_fabric_names,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder to write; without one the mapping is shown."),
    ] = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    exact: Exact = None,
    as_given: AsGiven = None,
    name: Name = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", help="Map with so many seeds, side by side; write the best."),
    ] = None,
    cluster: ClusterOption = None,
    quiet: Quiet = False,
) -> None:
    """Map a loop kernel to a fabric: 'compile --schedule grid', or only a look at the mapping."""
    from hlsgen.flow import map_kernel

    if seeds is not None or cluster is not None:
        options = {"time_limit": time_limit, "exact": exact, "as_given": as_given, "name": name}
        typer.echo(_sweep(kernel, fabric, output, seed, seeds, options, cluster, quiet), nl=False)
        return
    with TemporaryDirectory() as scratch:
        with terminal(quiet) as progress:
            mapped = map_kernel(
                kernel,
                fabric=fabric,
                output=scratch if output is None else output,
                seed=seed,
                time_limit=time_limit,
                exact=exact,
                as_given=as_given,
                name=name,
                progress=progress,
            )
        if not quiet:
            typer.echo((mapped.directory / "report.txt").read_text())


def _sweep(
    kernel: str,
    fabric: str | None,
    output: Path | None,
    seed: int | None,
    seeds: int | None,
    options: dict[str, Any],
    cluster: str | None,
    quiet: bool,
) -> str:
    """What ``map --seeds`` prints. Raises BadOption for options that exclude or need each other."""
    from hlsgen.flow_sweep import map_seeds

    missing = "--seeds" if seeds is None else "--output" if output is None else None
    if seeds is None or output is None or seed is not None:
        raise BadOption(
            "--seed" if missing is None else "--seeds",
            "expected --seeds N and an --output folder, and no --seed beside them, found "
            + ("--seed" if missing is None else f"no {missing}"),
            "Write for example --seeds 16 -o build/mapped.",
        )
    with terminal(quiet) as progress:
        mapped, tried = map_seeds(kernel, seeds, output, fabric, options, progress, cluster)
    if quiet:
        return ""
    cycles = ", ".join(
        f"{one.seed}: {'none' if one.interval_cycles is None else one.interval_cycles}"
        for one in tried
    )
    report = (mapped.directory / "report.txt").read_text()
    return f"cycles of an execution by seed: {cycles}\n\n{report}"


@app.command("fabric")
def fabric_command(
    fabric: Annotated[
        str,
        typer.Argument(help="See 'hlsgen fabrics'; or a TOML file.", autocompletion=_fabric_names),
    ],
    name: Name = None,
    output: Output = OUTPUT,
    quiet: Quiet = False,
) -> None:
    """Emit the Verilog of a fabric, on which kernels and networks run."""
    from hlsgen.flow import emit_fabric

    with terminal(quiet) as progress:
        emitted = emit_fabric(fabric, output=output, name=name, progress=progress)
    if not quiet:
        typer.echo((emitted.directory / "report.txt").read_text())


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(help="Folder of 'hlsgen compile' or 'hlsgen map'.")],
    inputs: Annotated[
        Path | None,
        typer.Option(help="Samples (npz): input name -> (samples, ...); kernels have their own."),
    ] = None,
    samples: Annotated[int | None, typer.Option(help="Only the first so many.")] = None,
    stall: Annotated[str, typer.Option(help="Idle and backpressure: random or none.")] = "random",
    engine: Annotated[
        str, typer.Option(help="cocotb (protocol, timing), fast, or board.")
    ] = "cocotb",
    reference: Annotated[str, typer.Option(help="numpy, cupy or torch.")] = "numpy",
    seed: Annotated[int, typer.Option(help="Seed of the stalls.")] = 0,
    port: Port = None,
    waves: Annotated[
        Path | None, typer.Option(help="File (.fst, .vcd) of all signals of two samples.")
    ] = None,
    timeline: Timeline = False,
    parts: Parts = None,
    cluster: ClusterOption = None,
    quiet: Quiet = False,
) -> None:
    """Simulate the Verilog and compare every output element with its references."""
    from hlsgen.flow import verify as run
    from hlsgen.frontend.samples import load_samples

    with terminal(quiet) as progress:
        result = run(
            directory,
            None if inputs is None else load_samples(inputs),
            samples=samples,
            stall=stall,
            engine=engine,
            reference=reference,
            seed=seed,
            progress=progress,
            port=port,
            waves=waves,
            timeline=timeline,
            parts=parts,
            cluster=cluster,
        )
    if not quiet or not result.good:
        typer.echo(result.text())
    raise typer.Exit(0 if result.good else 1)


@app.command()
def build(
    directory: Annotated[
        Path, typer.Argument(help="Folder of 'hlsgen compile', 'map' or 'fabric'.")
    ],
    board: Annotated[
        str | None,
        typer.Option(
            help="Board (or a TOML file), if another than it was compiled for.",
            autocompletion=_board_names,
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Place and route so many times and take the fastest.")
    ] = 1,
    clock: Annotated[
        str | None,
        typer.Option(help="MHz, or 'oscillator' (the fastest that place and route allows)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Build though the clock is too fast.")
    ] = False,
    cluster: ClusterOption = None,
    quiet: Quiet = False,
) -> None:
    """Synthesise, place and route to a bitstream for the board.

    What an earlier build has done is not done again: after Ctrl-C the same command goes on."""
    from hlsgen.flow import build as run

    with terminal(quiet) as progress:
        result = run(
            directory,
            board=board,
            progress=progress,
            seeds=seeds,
            clock=clock,
            force=force,
            cluster=cluster,
        )
    if not quiet:
        typer.echo(result.text())


add_list_commands(app)
add_board_commands(app)
add_export_commands(app)
add_explore_command(app)


def main() -> None:
    """Run the command line. Whatever fails prints three lines and no traceback."""
    command = f"hlsgen {' '.join(sys.argv[1:])}"
    with signals_as_interrupts() as signals:
        try:
            open_standard_streams()
            code = app(sys.argv[1:] or ["--help"], prog_name="hlsgen", standalone_mode=False)
            if code == INTERRUPTED:
                raise KeyboardInterrupt
            sys.stdout.flush()  # here, where a full disk can still be reported
        except USAGE_ERROR as error:
            command = "hlsgen" if error.ctx is None else error.ctx.command_path
            problem = f"expected arguments as its help says; found: {error.format_message()}"
            _refuse(BadOption(command, problem, f"Run '{command} --help'."))
        except (KeyboardInterrupt, typer.Abort):
            cause = f"signal {signals[0]}" if signals else "an interrupt"
            problem = f"expected to run to the end, found {cause}; no result was written"
            _refuse(BadOption(command, problem, "Run it again."))
        except BrokenPipeError:  # the reader has what it wants, as in hlsgen ops | head
            silence_output()
            sys.exit(BROKEN_PIPE)
        except (
            SystemExit
        ) as stop:  # typer and rich end so where a pipe breaks; commands raise typer.Exit
            sys.exit(BROKEN_PIPE if stop.code == 1 else stop.code)
        except Exception as error:
            _refuse(house_error(error, command))
    sys.exit(code)


def _refuse(error: HlsgenError) -> NoReturn:
    print(error, file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # its disk is full, as the error says
        silence_output()
    sys.exit(error.exit_code)

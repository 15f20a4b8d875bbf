"""Options of ``hlsgen compile | map | fabric``, as the command line declares them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Seed = Annotated[
    int | None, typer.Option(help="Of a kernel on a grid: one seed, one mapping (0 if not given).")
]
TimeLimit = Annotated[
    float | None, typer.Option(help="Of a kernel on a grid: seconds of search for the best (100).")
]
Exact = Annotated[
    bool | None,
    typer.Option(help="Of a kernel on a grid: also search with a solver (OR-Tools), or do not."),
]
AsGiven = Annotated[
    bool | None,
    typer.Option(
        "--as-given/--cleaned", help="Of a kernel on a grid: keep every operation of the graph."
    ),
]
EffortOption = Annotated[
    str | None, typer.Option(help="small, balanced (default: best area per rate) or max (fastest).")
]
Multipliers = Annotated[int | None, typer.Option(help="At most so many multipliers, of any kind.")]
Dsp = Annotated[int | None, typer.Option(help="At most so many DSP blocks.")]
Lut = Annotated[int | None, typer.Option(help="At most so many LUTs.")]
TargetFps = Annotated[float | None, typer.Option(help="The smallest of so many a second.")]
Interval = Annotated[int | None, typer.Option(help="The smallest design of so many cycles.")]
Latency = Annotated[int | None, typer.Option(help="At most so many cycles from first to last.")]
Lanes = Annotated[int | None, typer.Option(help="So many channels in a word of every input.")]
Calibrate = Annotated[Path | None, typer.Option(help="Samples (npz) to quantise a float model.")]
Precision = Annotated[
    str | None,
    typer.Option(help="fixed16 or fixed24: compute a float model in fixed point, see --samples."),
]
RangeSamples = Annotated[
    Path | None, typer.Option(help="Samples (npz) whose ranges choose the formats of --precision.")
]
Matched = Annotated[
    str | None,
    typer.Option(
        help="ort, ort-int8 or ort-unoptimised: the session of ONNX Runtime to match (else the nearest)."
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(
        help="Of a network on a grid: so many samples share its rows and the weights (1)."
    ),
]
OUTPUT = Path("hlsgen_out")
Output = Annotated[Path, typer.Option("-o", "--output", help="Folder to write.")]
Name = Annotated[str | None, typer.Option(help="Name of the module (else that of the source).")]
Weights = Annotated[
    str | None,
    typer.Option(help="loadable: weights can be exchanged in the circuit, see 'hlsgen weights'."),
]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state", help="OUT=IN: an output kept for an input of the next sample; repeatable."
    ),
]
Unrolls = Annotated[
    list[str] | None, typer.Option("--unroll", help="NAME:o=4,kx=3 (x g o ky kx i); repeatable.")
]
Dump = Annotated[Path | None, typer.Option(help="Folder for the text of each IR.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no tables.")]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", help="Scheduler of dask.distributed whose workers do the work."),
]
Parts = Annotated[
    int | None,
    typer.Option("--parts", help="Simulate in so many jobs side by side; done ones are kept."),
]
Timeline = Annotated[
    bool, typer.Option("--timeline", help="Follow one sample through the layers, for the report.")
]

"""Predicted against synthesised resources of the kernels in ``examples/`` as fixed pipelines, to which ``hlsgen/cost/kernel.py`` is fitted.

``python -m benchmarks.kernel_costs [KERNEL ...] --board ulx3s_85f`` prints a line for each kernel: predicted / synthesised, and the ratio of LUTs.
"""

from __future__ import annotations

import argparse
from tempfile import TemporaryDirectory

import hlsgen
from benchmarks.hashes import KERNELS
from benchmarks.models import ROOT
from hlsgen.bitstream.build import synthesise
from hlsgen.board import DEFAULT_BOARD, load_board


def line(name: str, board: str) -> str:
    """The figures of one kernel."""
    with TemporaryDirectory() as folder:
        source = f"{ROOT / 'examples' / 'kernels' / name}.py:{name}"
        design = hlsgen.compile(source, board=board, output=f"{folder}/design")
        usage = synthesise(design.directory, load_board(board).family, top=name)
    pairs = (
        f"{kind} {design.report[kind]} / {getattr(usage, kind)}"
        for kind in ("lut", "ff", "dsp", "bram")
    )
    return f"{name:18} {', '.join(pairs)}; LUT {design.report['lut'] / usage.lut:.2f}"


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", default=KERNELS)
    parser.add_argument("--board", default=DEFAULT_BOARD)
    arguments = parser.parse_args()
    for name in arguments.kernels or KERNELS:
        print(line(name, arguments.board), flush=True)


if __name__ == "__main__":
    main()

"""Measures the rows of ``benchmarks/README.md``: ``python -m benchmarks.run ROW [DESIGN ...] [--models DIR]``.

Rows of networks as streams: exact (1 and 2), cycles (3), accuracy (4), boards (5), time (6), prediction (7); of the grid: kernels,
large_kernels, grids, examples, layers, networks, fabrics (8 to 14). ``cells``: netlists of the built designs
simulated. ``constant``: networks that take a sample every cycle. ``emulated``: boards simulated whole. ``swapped``: networks after one another on one of them.
``line``: their serial line. ``link``: what it takes of a device. ``retrained``: other weights in the same circuit. ``spram``: buffers that block RAM does not hold. ``formats``: LUTs for each operation in every number format. ``models``: every network of the models folder. ``cases``: small networks after bug reports. ``units``: single units on boards. ``random_graphs``: networks drawn from seeds. ``explore``: trade-offs over all boards. ``asic``: networks as gates of a chip. ``sweep FAMILY``: 50 designs through synthesis. Every measurement is made by
running the tool through its public interface, and stored by ``benchmarks/record.py``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import (
    case_rows,
    cells,
    constant_rows,
    emulated_rows,
    explore_rows,
    format_rows,
    gate_rows,
    kernel_rows,
    line_rows,
    link_cost,
    model_rows,
    network_rows,
    prediction,
    random_graphs,
    retrained_rows,
    rows,
    spram_rows,
    swapped_rows,
    sweep,
    table_rows,
    units,
)
from benchmarks.models import Sources
from hlsgen.errors import HlsgenError

ROWS = {
    "exact": rows.exact,
    "cycles": rows.cycles,
    "accuracy": rows.accuracy,
    "boards": rows.boards,
    "cells": rows.Row(cells.DESIGNS, cells.measure),
    "time": rows.time_and_memory,
    "prediction": prediction.prediction,
    "kernels": kernel_rows.kernels,
    "large_kernels": kernel_rows.large_kernels,
    "grids": kernel_rows.grids,
    "examples": kernel_rows.examples,
    "layers": network_rows.layers,
    "networks": network_rows.networks,
    "fabrics": network_rows.fabrics,
    "sweep": sweep.sweep,
    "units": rows.Row(units.DESIGNS, units.measure),
    "models": model_rows.models,
    "cases": case_rows.cases,
    "constant": constant_rows.constant,
    "emulated": emulated_rows.emulated,
    "swapped": swapped_rows.swapped,
    "line": line_rows.line,
    "link": link_cost.link,
    "formats": format_rows.formats,
    "retrained": retrained_rows.retrained,
    "spram": spram_rows.spram,
    "tables": table_rows.tables,
    "random_graphs": random_graphs.random_graphs,
    "explore": explore_rows.explored,
    "asic": gate_rows.gate_counts,
}


def main() -> int:
    """Runs one row over its designs; the exit code is 1 if any of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("designs", nargs="*", help="only these designs of the row")
    parser.add_argument("--models", type=Path, help="folder of the networks made by others")
    parser.add_argument("--work", type=Path, default=Path("build/benchmarks"))
    options = parser.parse_args()
    sources = Sources.find(options.models)
    measure = ROWS[options.row]
    designs = options.designs or measure.designs
    failed = 0
    for design in designs:
        if design not in measure.designs:
            parser.error(f"row {options.row} has {', '.join(measure.designs)}, not {design}")
        print(f"{options.row} {design} ...", flush=True)
        try:
            record = measure.run(design, sources, options.work.resolve())
        except HlsgenError as error:
            failed += 1
            print(f"  failed: {error}".replace("\n", "\n  "), flush=True)
            continue
        record.write()
        print(f"  {record.path.name}: {rows.short(record)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Boards that are simulated whole: samples through the serial line of the top that is synthesised, compared with the model.

``python -m benchmarks.run emulated digits@icebreaker``: compiled for the board, ``hlsgen emulate`` behind a pseudo-terminal, then ``hlsgen verify
--engine board`` and MEASURE. The circuit's clock is the one that place and route would be asked for, since nothing is built.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import BUILT_INTERVALS, Row, compiled_design, verified_values
from hlsgen import flow_board

SAMPLES, MEASURED = 100, 50


def _measure(design: str, sources: Sources, work: Path) -> Record:
    name, board = design.split("@")
    options = {"board": board, "interval": BUILT_INTERVALS[design]}
    compiled, report = compiled_design("emulated", design, sources.model(name), work, **options)
    inputs = sources.inputs(name)
    emulator = flow_board.emulate(compiled.directory, board)
    try:
        port = next(emulator)
        verified = verified_values(compiled, inputs, samples=SAMPLES, engine="board", port=port)
        few = {key: values[:SAMPLES] for key, values in inputs.items()}
        run = flow_board.run(compiled.directory, few, port, measured=MEASURED)
    finally:
        emulator.close()  # type: ignore[attr-defined]
    assert run.measurement is not None, "it was asked for"
    counted = {
        "clock_mhz": run.measurement.clock_mhz,
        "measured_samples": run.measurement.samples,
        "measured_cycles": run.measurement.cycles,
    }
    command = f"python -m benchmarks.run emulated {design}"
    return Record("emulated", design, command, options, report | verified | counted)


DESIGNS = tuple(f"digits@{board}" for board in ("ulx3s_85f", "icebreaker", "tang_nano_9k"))
emulated = Row(DESIGNS, _measure)

"""What is done with a board, real or emulated: it is programmed, samples are run on it, its circuit is measured, it is simulated."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlsgen.arguments import FLAG, FUNCTION, PATH, TEXT, ArgumentKind, check_arguments
from hlsgen.artefact.folder import open_folder
from hlsgen.board import board_of
from hlsgen.errors import BadFile, BadOption
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.host.board import Measurement
    from hlsgen.host.programmer import Programming

MEASURED_SAMPLES = 1000
_EMULATED: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "board": PATH.or_none(),
    "clock": TEXT.or_none(),
    "progress": FUNCTION,
}


@dataclass(frozen=True, eq=False)
class BoardRun:
    """``outputs``: of the model, name -> (samples, ...), as its host parts make them of the circuit's. ``right``: how many samples have their
    greatest output at the label, None without labels. ``measurement``: of the circuit alone, None where it was not asked for, and of fabrics."""

    outputs: Mapping[str, np.ndarray]
    samples: int
    seconds: float
    right: int | None
    measurement: Measurement | None

    def text(self) -> str:
        """What ``hlsgen run`` prints."""
        lines = [
            f"samples     {self.samples}",
            f"end to end  {self.samples / self.seconds:,.0f} inferences a second",
        ]
        if self.measurement is not None:
            cycles = self.measurement.cycles / self.measurement.samples
            lines.append(
                f"circuit     {self.measurement.per_second:,.0f} inferences a second ({cycles:,.1f} cycles each at"
                f" {self.measurement.clock_mhz:.2f} MHz, counted on the board)"
            )
        if self.right is not None:
            lines.append(
                f"accuracy    {self.right} of {self.samples} ({self.right / self.samples:.2%})"
            )
        return "\n".join(lines)


def run(
    directory: str | os.PathLike[str],
    inputs: Mapping[str, np.ndarray] | None,
    port: str | None = None,
    labels: np.ndarray | None = None,
    measured: int = MEASURED_SAMPLES,
    progress: Progress = silent,
) -> BoardRun:
    """Run samples (input name -> (samples, ...)) of a compiled network, or executions of a kernel, on the board that holds the circuit, at the
    serial device ``port``. A kernel has arrays of its own where ``inputs`` is None.

    ``labels``: (samples,) class numbers; ``measured``: how often the last sample is run again to count cycles, 0 for not at all.
    Raises BadOption, BadFile, TypeMismatch, BoardFailed.
    """
    from hlsgen.board_session import board_session

    with board_session(open_folder(directory), port) as board:
        samples = board.samples(inputs)
        outputs, seconds = board.timed(samples, progress)
        measurement = board.measure(measured) if measured and board.measures else None
    right = None if labels is None else _right(outputs, labels, samples.count)
    return BoardRun(outputs, samples.count, seconds, right, measurement)


def without_labels(
    directory: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """The inputs of a compiled design among the arrays of a file, and the class numbers, where there are any. Raises BadFile."""
    from hlsgen.frontend.samples import without_labels as split_samples
    from hlsgen.targets import target_of

    folder = open_folder(directory)
    inputs = target_of(folder).reference(folder, "numpy").inputs
    return split_samples(arrays, inputs)


def _right(outputs: Mapping[str, np.ndarray], labels: np.ndarray, count: int) -> int:
    """How many samples have the greatest element of the first output at their label; raises BadOption for labels that do not fit."""
    scores: Any = next(iter(outputs.values())).reshape(count, -1)
    if labels.shape != (count,):
        raise BadOption(
            "labels",
            f"expected one class number for each of {count} samples, found shape {list(labels.shape)}",
            "Give the labels of the same samples.",
        )
    return int((scores.argmax(axis=1) == labels).sum())


def emulate(
    directory: str | os.PathLike[str],
    board: str | os.PathLike[str] | None = None,
    clock: str | None = None,
    progress: Progress = silent,
) -> Iterator[str]:
    """Simulate the board of a compiled folder behind a pseudo-terminal, whose name is given at once and then every second, until it is closed.

    ``clock`` as of ``flow.build`` (None: that of the last build for this board, else what place and route would be asked for).
    Raises BadOption, BadFile, ToolFailed.
    """
    from hlsgen.host.emulator import emulated_board, serve
    from hlsgen.targets import target_of

    check_arguments("hlsgen.emulate", _EMULATED, locals())
    folder = open_folder(directory)
    ports = target_of(folder).board_ports(folder)
    named = None if board is None else os.fspath(board)
    return serve(emulated_board(folder, ports, named, clock, progress))


def programming(directory: str | os.PathLike[str], flash: bool = False) -> Programming:
    """How the bitstream of a built folder is put on its board with what this machine has: ``hlsgen.host.programmer.run_programming`` does it.

    ``flash``: into the flash memory, from which the device starts, not only until its power is cut. Raises BadFile, BadOption.
    """
    from hlsgen.host.programmer import plan_programming

    check_arguments("hlsgen.program", {"directory": PATH, "flash": FLAG}, locals())
    folder = open_folder(directory)
    path = folder.directory / "build.json"
    try:
        built = json.loads(path.read_text("utf-8"))
        name, bitstream = str(built["board"]), built["bitstream"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BadFile(
            str(path),
            "expected the result of a build, found none",
            f"Build the design first: hlsgen build {folder.directory}.",
        ) from None
    board = board_of(folder.directory, name)
    if bitstream is None:
        raise BadOption(
            f"board {name}",
            f"expected a board with a bitstream, found scripts for the vendor's tools in {folder.directory / 'build' / name}",
            "Run them there: vivado -mode batch -source build.tcl, and program the board with Vivado.",
        )
    if not (folder.directory / str(bitstream)).is_file():
        raise BadFile(
            str(folder.directory / str(bitstream)),
            f"expected the bitstream that {path.name} names, found no file",
            f"Build the design again: hlsgen build {folder.directory}.",
        )
    return plan_programming(board, folder.directory, str(bitstream), flash)

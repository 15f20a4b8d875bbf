"""A connection to a board as its user sees it: the design's own answers, and other programs for the same fabric."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from hlsgen.artefact.folder import Folder, open_folder
from hlsgen.errors import BoardFailed
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.host.board import ConnectedBoard, Measurement
    from hlsgen.targets import AnyTarget
    from hlsgen.verify.reference import Reference, Samples


class InFolder(Protocol):
    """A design in a folder: what ``flow.compile`` and ``flow.map_kernel`` give."""

    @property
    def directory(self) -> Path:
        """The folder."""


class _Program:
    """A compiled folder that can be run: its target, and its model."""

    def __init__(self, folder: Folder) -> None:
        """Raises BadFile, also for a fabric alone."""
        from hlsgen.targets import target_of

        self.folder = folder
        self.target: AnyTarget = target_of(folder)
        self.reference: Reference = self.target.reference(folder, "numpy")

    def run(
        self, board: ConnectedBoard, samples: Samples, progress: Progress
    ) -> tuple[Mapping[str, np.ndarray], float]:
        """The model's outputs, and the seconds that the line took."""
        traffic = self.target.traffic(self.folder, samples.hardware, samples.count)
        answers = board.exchange(traffic, progress)
        return self.reference.results(samples, answers.outputs), answers.seconds


class BoardSession:
    """A board that holds the design of a folder."""

    def __init__(self, program: _Program, board: ConnectedBoard) -> None:
        self._program, self._board = program, board

    def __call__(
        self, inputs: Mapping[str, np.ndarray], progress: Progress = silent
    ) -> Mapping[str, np.ndarray]:
        """The outputs of the design, name -> (samples, ...), for its inputs, name -> (samples, ...); of kernels, executions for samples.

        What the model has before and behind the circuit is computed here. Raises TypeMismatch, BoardFailed.
        """
        return self.timed(self.samples(inputs), progress)[0]

    def run(
        self, design: InFolder | str | os.PathLike[str], /, **arrays: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """Load another design for the fabric that is on the board, and run it once: a kernel on its arrays, name -> *shape, which gives
        arrays; a network on samples, name -> (samples, ...). The board's bitstream stays. Raises BadFile, TypeMismatch, BoardFailed.
        """
        from hlsgen.verify.kernel import KernelReference

        program = _Program(open_folder(cast(Path, getattr(design, "directory", design))))
        self._check_fits(program)
        once = isinstance(program.reference, KernelReference)
        given = {name: np.asarray(array)[None] if once else array for name, array in arrays.items()}
        samples = program.reference.samples(given, None, 0)
        outputs, _ = program.run(self._board, samples, silent)
        return {name: array[0] for name, array in outputs.items()} if once else outputs

    def measure(self, samples: int) -> Measurement:
        """The circuit alone: see ``hlsgen.host.board``. Raises BadOption, BoardFailed."""
        return self._board.measure(samples)

    @property
    def measures(self) -> bool:
        """Whether the circuit can be measured; a fabric cannot."""
        return bool(self._board.connection.identity["measures"])

    def samples(self, inputs: Mapping[str, np.ndarray] | None) -> Samples:
        """The inputs, checked, and as the circuit takes them; of kernels, their own where there are none. Raises BadOption, TypeMismatch."""
        return self._program.reference.samples(inputs, None, 0)

    def timed(
        self, samples: Samples, progress: Progress = silent
    ) -> tuple[Mapping[str, np.ndarray], float]:
        """The outputs, and seconds from the first byte sent to the last received. Raises BoardFailed."""
        return self._program.run(self._board, samples, progress)

    def _check_fits(self, program: _Program) -> None:
        """Raises BoardFailed for a design whose circuit is not the one on the board."""
        present, asked = self._program.folder.manifest, program.folder.manifest
        if present.verilog_sha256 != asked.verilog_sha256:
            on_board, other = (
                f"{m.details.get('fabric', m.kind)} ({m.verilog_sha256[:16]})"
                for m in (present, asked)
            )
            raise BoardFailed(
                str(program.folder.directory),
                f"expected a program for the circuit on the board, {on_board}; found one for {other}",
                "Compile or map it for that fabric (--fabric, and the same --name), or program its own bitstream.",
            )


@contextmanager
def board_session(folder: Folder, port: str | None) -> Iterator[BoardSession]:
    """The board at a serial device (None: the only one there is), which holds the design of a folder. Raises BadFile, BadOption, BoardFailed."""
    from hlsgen.host.board import connected

    program = _Program(folder)
    with connected(folder, port) as board:
        yield BoardSession(program, board)

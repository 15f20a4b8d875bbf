"""What an exploration looks at: a network in one kind of numbers, as each schedule sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlsgen.artefact.digest import sha256
from hlsgen.board import Board
from hlsgen.errors import HlsgenError
from hlsgen.exploration.precisions import Accuracy
from hlsgen.exploration.study_point import StudyPoint

if TYPE_CHECKING:
    from hlsgen.dataflow.ir import Dataflow

Known = Mapping[str, StudyPoint]
"""Points of an earlier exploration, by key."""


@dataclass(frozen=True, eq=False)
class Explored:
    """The network in one kind of numbers: its processes, the name of its file, and the hash of its integer form. ``precision``: as of
    ``StudyPoint``, with its ``accuracy``. ``stream``, ``grid``: as each schedule lowers it, None where it is not asked for, the error where a grid does not."""

    model: str
    digest: str
    stream: Dataflow | None
    grid: Dataflow | HlsgenError | None = None
    precision: str | None = None
    accuracy: Accuracy | None = None

    def judged(self) -> dict[str, Any]:
        """``error`` and ``accuracy`` of a point."""
        if self.accuracy is None:
            return {"error": None, "accuracy": None}
        return {"error": self.accuracy.error, "accuracy": self.accuracy.right}

    def key(self, board: Board, *asked: object) -> str:
        """The hash of all that a point follows from; ``asked``: of its design, what JSON has."""
        from hlsgen import __version__

        described = sha256(repr(board).encode())
        parts = (__version__, self.digest, self.precision, described, *asked)
        return sha256(json.dumps(parts).encode())[:32]

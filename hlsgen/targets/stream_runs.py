"""Designs with AXI4-Stream ports of their own, in a simulator or on a board."""

from __future__ import annotations

from hlsgen.artefact.folder import Folder
from hlsgen.progress import Progress
from hlsgen.verify.reference import Samples
from hlsgen.verify.run import Request, Runs


def run_streams(
    folder: Folder, samples: Samples, request: Request, timed_samples: int, progress: Progress
) -> Runs:
    """``run_stream``, or one run on the board where the request's engine is that. Raises BadFile, ToolFailed, BoardFailed."""
    if request.engine == "board":
        from hlsgen.host.board import run_on_board
        from hlsgen.host.traffic import stream_traffic

        traffic = stream_traffic(folder, samples.hardware, samples.count)
        return run_on_board(folder, traffic, request.port, progress)
    from hlsgen.verify.stream import run_stream

    return run_stream(folder, samples, request, timed_samples, progress)

"""The smallest design of a rate in samples a second, at the clock that a design of its size is expected to have."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.board import Board
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost
from hlsgen.schedule.stream_network.ir import StreamSchedule
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule

HASTE = 0.99
"""Each round after the first asks for fewer cycles than the clock of the design before would allow: a larger design is slower again."""


def schedule_for_rate(
    dataflow: Dataflow, board: Board, options: StreamOptions, rate: float
) -> StreamSchedule:
    """The first guess is the clock of the smallest designs; each design that is too slow at its own clock is followed by one of fewer cycles.

    ``rate``: samples a second. Raises BadOption for one that no design reaches, DoesNotFit.
    """
    mhz = expected_clock_mhz(board, 0)
    if not 0 < rate <= mhz * 1e6:
        raise BadOption(
            "--target-fps",
            f"expected more than 0 and at most {mhz * 1e6:g} (one per clock cycle of"
            f" {board.name}), found {rate:g}",
            "Ask for a rate in this range.",
        )
    interval = int(mhz * 1e6 / rate)
    while True:
        plan = schedule(dataflow, board, replace(options, target_interval=interval))
        mhz = expected_clock_mhz(board, total_cost(schedule_cost(plan, board.family)).lut)
        if mhz * 1e6 >= rate * plan.interval:
            return plan
        interval = max(1, min(plan.interval - 1, int(HASTE * mhz * 1e6 / rate)))

"""The periods of ``hlsgen/cost/clock_rate.py`` from the recorded builds: ``python -m benchmarks.calibrate_clock`` prints them.

A family and speed grade of which designs of several sizes are recorded gets a line through all their seeds; one with a single design keeps
the slope of ``clock_rate``, and gets the period of that design.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from benchmarks.markdown import table
from benchmarks.record import records
from hlsgen.board import load_board
from hlsgen.cost.clock_rate import PERIODS, Period

LARGE = 0.25
"""The share of the device from which a design says something of long wires; iCE40 and Gowin boards hold but one of ours, on small devices."""


def measured() -> dict[tuple[str, str], list[tuple[float, float]]]:
    """By family and speed grade: (share of the LUTs that were predicted, period in nanoseconds) of each recorded seed."""
    points = defaultdict(list)
    for record in records("boards"):
        values, board = record.values, load_board(record.values["board"])
        share = values["predicted_lut"] / board.lut
        rates = values.get("seeds", {"1": values["fmax_mhz"]}).values()
        points[board.family, board.speed] += [(share, 1e3 / mhz) for mhz in rates]
    return dict(points)


def fitted(points: list[tuple[float, float]], known: Period) -> Period:
    """The line through the points; with those of one share only, of the known slope."""
    shares, periods = np.array(points).T
    if np.ptp(shares) < LARGE:
        return Period(float(np.mean(periods - known.full * shares)), known.full)
    full, small = np.polyfit(shares, periods, 1)
    return Period(float(small), float(full))


def main() -> None:
    """Print the periods as stored and as fitted, and the largest deviation of a seed from the latter."""
    rows = []
    for (family, speed), points in measured().items():
        period = fitted(points, PERIODS[family, speed])
        worst = max(
            abs((period.small + period.full * share) / of_seed - 1) for share, of_seed in points
        )
        stored = PERIODS[family, speed]
        rows.append(
            (
                f"{family} {speed}",
                f"{len(points)}",
                f"{stored.small:.1f} + {stored.full:.1f}",
                f"{period.small:.1f} + {period.full:.1f}",
                f"{worst:.1%}",
            )
        )
    print(table("Family | Seeds | Period, stored, ns | fitted | Worst deviation", rows))


if __name__ == "__main__":
    main()

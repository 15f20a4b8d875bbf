"""Points of the speed-area curve without the event model: what the selection of candidates costs, in a tenth of a second each.

The buffers of joins and what the event model adds to the interval are not part of it: ``solver.schedule`` of the same options has
them, at the same selection or one of a round later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.board import Board
from hlsgen.dataflow.ir import Dataflow
from hlsgen.schedule.stream_network.choices import choices_of
from hlsgen.schedule.stream_network.cost import ports_cost
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of
from hlsgen.schedule.stream_network.select import Alternatives, Budget, choose, slowest


@dataclass(frozen=True)
class Sketch:
    """What a selection takes: cycles from sample to sample, LUTs, DSP blocks and RAM blocks; ``input_lanes``: channels per word of the inputs."""

    interval: int
    lut: int
    dsp: int
    bram: int
    input_lanes: tuple[int, ...]


def alternatives(dataflow: Dataflow, boards: Sequence[Board]) -> tuple[Alternatives, ...]:
    """The candidates of every process for boards of one family, within the largest budget of any."""
    budgets = [budget_of(dataflow, board, StreamOptions()) for board in boards]
    largest = Budget(
        max(budget.dsp for budget in budgets),
        max(budget.lut for budget in budgets),
        max(budget.bram for budget in budgets),
    )
    return choices_of(dataflow, boards[0], StreamOptions(), limit=largest)


def with_lanes(
    dataflow: Dataflow, choices: tuple[Alternatives, ...], lanes: int | None
) -> tuple[Alternatives, ...]:
    """The choices with so many channels in a word of every input; as they are for None."""
    if lanes is None:
        return choices
    return tuple(
        Alternatives(
            choice.name,
            choice.rows.take(np.flatnonzero(choice.rows.words[0] == lanes)),
            choice.sources,
        )
        if choice.name in dataflow.inputs
        else replace(choice)
        for choice in choices
    )


def fastest_interval(choices: tuple[Alternatives, ...], budget: Budget) -> int | None:
    """The fewest cycles per sample that a selection within the budget has; None where none fits."""
    fastest = choose(choices, budget)
    return None if fastest is None else slowest(choices, fastest)


def intervals(choices: tuple[Alternatives, ...], count: int, least: int) -> list[int]:
    """At most ``count`` of the cycle counts that selections have, about evenly apart on a logarithmic scale, the largest first,
    down to ``least``."""
    cycles = np.unique(np.concatenate([choice.rows.cycles for choice in choices]))
    most = max(int(choice.rows.cycles.max()) for choice in choices)
    reached = [int(n) for n in cycles[(cycles >= max(2, least)) & (cycles <= most)]]
    if len(reached) <= count:
        return reached[::-1]
    places: set[int] = set()
    asked = count
    while len(places) < count:  # neighbours on the scale may be the same count
        wished = np.geomspace(reached[0], reached[-1], asked)
        places = set(np.searchsorted(reached, wished).clip(0, len(reached) - 1).tolist())
        asked += count
    kept = sorted(places, reverse=True)
    return [reached[kept[k * (len(kept) - 1) // max(1, count - 1)]] for k in range(count)]


def sketch(
    dataflow: Dataflow, choices: tuple[Alternatives, ...], budget: Budget, interval: int
) -> Sketch | None:
    """The smallest selection of at most ``interval`` cycles; None where none is within the budget."""
    chosen = choose(choices, budget, interval)
    if chosen is None:
        return None
    used = Budget.used(choices, chosen)
    written = {
        choice.name: int(choice.rows.words[0][row])
        for choice, row in zip(choices, chosen, strict=True)
    }
    makers = {p.write.channel: p.name for p in dataflow.processes}
    lanes = {name: written[name] for name in dataflow.inputs}
    ports = lanes | {name: written[makers.get(name, name)] for name in dataflow.outputs}
    lut = round(used.lut + float(ports_cost(dataflow, ports).lut))
    return Sketch(slowest(choices, chosen), lut, used.dsp, used.bram, tuple(lanes.values()))

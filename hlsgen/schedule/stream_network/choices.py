"""What the solver chooses from: the candidates of every process and of every input of a dataflow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.board import Board
from hlsgen.cost.units import ceil_div
from hlsgen.dataflow.ir import Channel, Dataflow
from hlsgen.schedule.stream_network.candidates import Candidates, Space, candidates, channel_reads
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of, input_lanes
from hlsgen.schedule.stream_network.select import Alternatives, Budget


def choices_of(
    dataflow: Dataflow,
    board: Board,
    options: StreamOptions,
    limit: Budget | None = None,
    extra: Mapping[tuple[str, int], int] | None = None,
    known: tuple[Alternatives, ...] = (),
) -> tuple[Alternatives, ...]:
    """The candidates of every process and of every input, within ``limit`` (the board's budget unless told).

    ``extra``: elements that the buffer of a (process, read) must hold beyond what its reader needs. ``known``: choices that are
    taken as they are.
    """
    more = extra or {}
    limit = limit or budget_of(dataflow, board, options)
    space = Space(
        options.max_pixel_lanes,
        options.finish_intervals,
        limit.dsp,
        limit.lut,
        limit.bram,
        None if options.multipliers is None else limit.multipliers,
        constants=options.target_interval == 1,
    )
    inputs = tuple(
        Alternatives(name, _input_candidates(dataflow.channels[name], options.lanes), ())
        for name in dataflow.inputs
    )
    makers = {p.write.channel: p.name for p in dataflow.processes} | {
        name: name for name in dataflow.inputs
    }
    makers |= {state.read: makers[state.written] for state in dataflow.states}
    ready = {choice.name: choice for choice in known}
    return inputs + tuple(
        ready.get(p.name)
        or Alternatives(
            p.name,
            candidates(
                dataflow,
                p,
                board.family,
                space,
                options.overrides.get(p.name),
                {read: n for (name, read), n in more.items() if name == p.name},
                {read: n for (name, read), n in options.spram.items() if name == p.name},
            ),
            tuple(makers[r.source] for _, r in channel_reads(dataflow, p)),
        )
        for p in dataflow.processes
    )


def _input_candidates(channel: Channel, asked: int | None) -> Candidates:
    """Lanes of an input port: each divisor of the channels, or the one that is ``asked`` for; one word per cycle."""
    height, width, depth = channel.shape
    legal = [lanes for lanes in input_lanes(depth) if asked in (None, lanes)]
    lanes = np.array(legal, np.int64)
    factors = np.ones((len(lanes), 8), np.int64)
    factors[:, 6] = lanes
    zero = np.zeros(len(lanes), np.int64)
    cycles = height * width * ceil_div(depth, lanes)
    return Candidates(
        factors,
        np.ones((len(lanes), 2), np.int64),
        cycles,
        zero,
        np.zeros(len(lanes)),
        zero,
        zero,
        zero + 1,
    )

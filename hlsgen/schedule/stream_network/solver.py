"""The stream scheduler: every process gets a PE array of its own, sized so that the slowest is as fast as is asked for.

The choice of one candidate per process is a multiple-choice knapsack over DSP blocks, LUTs and RAM blocks. For a given
interval T it is one integer programme over the candidates that need at most T cycles; T is found by bisection over the
cycle counts that occur, or is a point of the speed-area curve (see ``effort.py``). At the best T the programme minimises
the share of the board used, so that no process is larger than the bottleneck needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from hlsgen.board import Board
from hlsgen.cost.clock_rate import clock_rate
from hlsgen.cost.link import lut_room
from hlsgen.cost.units import FAMILIES, Cost
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import DoesNotFit
from hlsgen.schedule.stream_network.candidates import channel_reads
from hlsgen.schedule.stream_network.choices import choices_of
from hlsgen.schedule.stream_network.constant import adder_depth
from hlsgen.schedule.stream_network.cost import (
    factors,
    one_buffer_cost,
    schedule_cost,
    total_cost,
)
from hlsgen.schedule.stream_network.effort import choose_by_effort
from hlsgen.schedule.stream_network.geometry import guard_shape, liveness_depth
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan, StreamSchedule
from hlsgen.schedule.stream_network.legality import word_lanes
from hlsgen.schedule.stream_network.options import (
    StreamOptions,
    board_inputs,
    budget_of,
    check_options,
)
from hlsgen.schedule.stream_network.select import Alternatives, Budget, choose
from hlsgen.schedule.stream_network.shortfall import does_not_fit
from hlsgen.schedule.stream_network.spram import shares
from hlsgen.schedule.stream_network.timing import fit_buffers, simulate

ROUNDS = 5
"""Selections that are tried until ports and the buffers of joins fit as well."""


def schedule(
    dataflow: Dataflow, board: Board, options: StreamOptions | None = None
) -> StreamSchedule:
    """Unroll factors, finishing lanes and buffer depths of every process; the largest buffers lie in SPRAM where RAM blocks do not suffice and the
    board has it. Raises BadOption and DoesNotFit."""
    options = options or StreamOptions()
    check_options(dataflow, options)
    try:
        return _scheduled(dataflow, board, options)
    except DoesNotFit:
        for spram in shares(dataflow, board):
            with suppress(DoesNotFit):
                plan = _scheduled(dataflow, board, replace(options, spram=spram))
                if total_cost(schedule_cost(plan, board.family)).spram <= board.spram:
                    return plan
        raise


def _scheduled(dataflow: Dataflow, board: Board, options: StreamOptions) -> StreamSchedule:
    budget = whole = budget_of(dataflow, board, options)
    room = int(lut_room(board, board_inputs(dataflow), len(dataflow.outputs)))
    most = room if options.lut is None else min(room, options.lut)
    extra: dict[tuple[str, int], int] = {}
    choices: tuple[Alternatives, ...] = ()
    used: Cost | None = None
    for _ in range(ROUNDS):
        choices = choices_of(dataflow, board, options, extra=extra, known=choices)
        if options.target_interval is None:
            chosen = choose_by_effort(choices, budget, options.effort, partial(_period, board))
        else:
            chosen = choose(choices, budget, options.target_interval)
        if chosen is None and budget is not whole:
            break  # it fits, but not with its ports and the buffers of its joins
        if chosen is None:
            raise does_not_fit(dataflow, board, options, choices)
        rows = {c.name: (c.rows, row) for c, row in zip(choices, chosen, strict=True)}
        inputs = {name: int(rows[name][0].words[0][rows[name][1]]) for name in dataflow.inputs}
        arrays = {p.name: rows[p.name][0].plan(p.name, rows[p.name][1]) for p in dataflow.processes}
        plan = plan_buffers(dataflow, arrays, inputs, options.exact_depths, options.spram)
        used = total_cost(schedule_cost(plan, board.family))
        asked = Budget.used(choices, chosen)
        if used.lut > most:  # ports and deeper buffers are not part of the choice
            budget = replace(budget, lut=min(budget.lut, asked.lut) - (used.lut - most))
        elif used.bram <= max(budget.bram, asked.bram):
            plan = _within_latency(plan, board, options)
            return plan if options.exact_depths else _roomier(plan, board, whole)
        # joins need deeper buffers than their own reader: price them next time
        deeper = {key: max(extra.get(key, 0), n) for key, n in _beyond_liveness(plan).items()}
        changed = {name for (name, read), n in deeper.items() if n != extra.get((name, read), 0)}
        choices = tuple(choice for choice in choices if choice.name not in changed)
        extra = deeper
    assert used is not None, "a design was chosen and priced"
    raise DoesNotFit(
        f"{dataflow.name} on board {board.name}",
        f"expected at most {most:,} LUT and {whole.bram:,} RAM blocks, found {used.lut:,} and {used.bram:,}"
        " with the ports and the buffers of all joins",
        "Choose a larger board or a larger --lut, or a lower rate.",
    )


def _within_latency(plan: StreamSchedule, board: Board, options: StreamOptions) -> StreamSchedule:
    """The plan with the fewest adders between registers of constant layers that keep to the latency asked for; DoesNotFit where none do."""
    constant = {name: array for name, array in plan.arrays.items() if array.is_constant}
    shortest = plan
    deepest = max((adder_depth(plan.dataflow, name) for name in constant), default=1)
    for in_a_row in range(1, deepest + 1):
        if options.latency is None or shortest.latency <= options.latency:
            return shortest
        arrays = {
            name: replace(array, adders_in_a_row=in_a_row) for name, array in constant.items()
        }
        shortest = plan_buffers(
            plan.dataflow,
            {**plan.arrays, **arrays},
            plan.input_lanes,
            options.exact_depths,
            options.spram,
        )
    if options.latency is None or shortest.latency <= options.latency:
        return shortest
    raise DoesNotFit(
        f"{plan.dataflow.name} on board {board.name}",
        f"expected a latency of at most {options.latency:,} cycles, found {shortest.latency:,} at the least"
        f" for an interval of {shortest.interval:,}",
        f"Ask for --latency {shortest.latency}, or for another --interval.",
    )


def _period(board: Board, lut: float) -> float:
    """Nanoseconds of the clock that is expected of a design with so many LUTs; the same for all where that is not known."""
    rate = clock_rate(board, lut)
    return 1.0 if rate is None else 1e3 / rate.expected


def _roomier(plan: StreamSchedule, board: Board, budget: Budget) -> StreamSchedule:
    """Buffers twice as deep while the board has the memory: those that need no more RAM blocks first.

    The event model sees pixel groups, not words; the slack absorbs what happens within a group.
    """
    table, dataflow = FAMILIES[board.family], plan.dataflow
    processes = {p.name: p for p in dataflow.processes}
    used = total_cost(schedule_cost(plan, board.family))
    growth = []
    for k, narrow in enumerate(plan.buffers):
        wider = replace(narrow, depth=2 * narrow.depth)
        process, unroll = processes[narrow.process], plan.arrays[narrow.process].unroll
        before, after = (
            one_buffer_cost(table, dataflow, process, buffer, unroll) for buffer in (narrow, wider)
        )
        lut = max(0.0, float(after.lut - before.lut))
        if after.spram > before.spram:
            continue
        growth.append((max(0, int(after.bram - before.bram)), lut, k, wider))
    buffers, bram, lut = list(plan.buffers), used.bram, used.lut
    for more_bram, more_lut, k, wider in sorted(growth, key=lambda entry: entry[:3]):
        if bram + more_bram <= budget.bram and lut + more_lut <= budget.lut:
            buffers[k], bram, lut = wider, bram + more_bram, lut + more_lut
    roomy = replace(plan, buffers=tuple(buffers))
    timing = simulate(roomy)
    return replace(roomy, interval=timing.interval, latency=timing.latency)


def _beyond_liveness(plan: StreamSchedule) -> dict[tuple[str, int], int]:
    """Elements that each buffer holds beyond what its own reader needs, by (process, read)."""
    processes = {p.name: p for p in plan.dataflow.processes}
    result = {}
    for buffer in plan.buffers:
        process, channel = processes[buffer.process], plan.dataflow.channels[buffer.channel]
        unroll = plan.arrays[buffer.process].unroll
        guard = guard_shape(process.reads[buffer.read], process, unroll, channel, buffer.lanes)
        spare = buffer.depth - (1 << (liveness_depth(guard) - 1).bit_length())
        result[buffer.process, buffer.read] = max(0, spare) * buffer.lanes
    return result


def plan_buffers(
    dataflow: Dataflow,
    arrays: Mapping[str, ArrayPlan],
    input_lanes: Mapping[str, int],
    exact_depths: bool = False,
    single_port: Collection[tuple[str, int]] = (),
) -> StreamSchedule:
    """The schedule of given arrays: buffer depths, interval and latency from the event model. ``single_port``: (process, read) of buffers in SPRAM."""
    buffers = tuple(
        BufferPlan(
            r.source,
            p.name,
            k,
            int(word_lanes(p, k, factors(arrays[p.name]))),
            0,
            (p.name, k) in single_port,
        )
        for p in dataflow.processes
        if not arrays[p.name].is_constant
        for k, r in channel_reads(dataflow, p)
    )
    outputs = {
        name: arrays[producer.name].finish_lanes
        for name in dataflow.outputs
        if (producer := dataflow.producer(name)) is not None
    }
    plan = StreamSchedule(dataflow, arrays, buffers, dict(input_lanes), outputs, 0, 0)
    plan, timing = fit_buffers(plan, exact=exact_depths)
    return replace(plan, interval=timing.interval, latency=timing.latency)

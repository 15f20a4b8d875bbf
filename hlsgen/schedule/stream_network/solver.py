"""The stream scheduler: every process gets a PE array of its own, sized so that the slowest is as fast as the board allows.

The choice of one candidate per process is a multiple-choice knapsack over DSP blocks, LUTs and RAM blocks. For a given
interval T it is one integer programme over the candidates that need at most T cycles; T is found by bisection over the
cycle counts that occur. At the best T the programme minimises the share of the board used, so that no process is larger
than the bottleneck needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hlsgen.algebra.unroll import Unroll
from hlsgen.board import Board, boards
from hlsgen.cost.process import Factors
from hlsgen.cost.units import FAMILIES, ceil_div
from hlsgen.dataflow.ir import Channel, Dataflow
from hlsgen.errors import BadOption, DoesNotFit
from hlsgen.schedule.stream_network.candidates import Candidates, Space, candidates, channel_reads
from hlsgen.schedule.stream_network.cost import one_buffer_cost, schedule_cost, total_cost
from hlsgen.schedule.stream_network.geometry import guard_shape, liveness_depth
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan, StreamSchedule
from hlsgen.schedule.stream_network.legality import UNROLLED, broken_rule
from hlsgen.schedule.stream_network.select import Budget, Choice, choose
from hlsgen.schedule.stream_network.timing import fit_buffers, simulate

ROUNDS = 3
"""Selections that are tried until the buffers of joins fit as well."""


@dataclass(frozen=True)
class StreamOptions:
    """What the user may ask of the scheduler.

    ``multipliers``: at most so many multipliers in DSP blocks; ``target_interval``: the smallest design with at most so many
    cycles per sample; ``overrides``: unrolling fixed by process name; ``max_pixel_lanes``: the largest ``Unroll.x``;
    ``finish_intervals``: allowed cycles per finished word; ``lut_share`` and ``bram_share``: how much of the board is used at
    most, since a full device does not route; ``exact_depths``: buffers as small as a demand-driven run allows.
    """

    multipliers: int | None = None
    target_interval: int | None = None
    overrides: Mapping[str, Unroll] = field(default_factory=dict)
    max_pixel_lanes: int = 4
    finish_intervals: tuple[int, ...] = (1, 3, 5, 9)
    lut_share: float = 0.75
    bram_share: float = 0.95
    exact_depths: bool = False


def schedule(
    dataflow: Dataflow, board: Board, options: StreamOptions | None = None
) -> StreamSchedule:
    """Unroll factors, finishing lanes and buffer depths of every process. Raises BadOption and DoesNotFit."""
    options = options or StreamOptions()
    check_options(dataflow, options)
    budget = budget_of(board, options)
    extra: dict[tuple[str, int], int] = {}
    for _ in range(ROUNDS):
        choices = choices_of(dataflow, board, options, extra=extra)
        chosen = choose(choices, budget, options.target_interval)
        if chosen is None:
            raise does_not_fit(dataflow, board, options, choices)
        rows = {c.name: (c.rows, row) for c, row in zip(choices, chosen, strict=True)}
        inputs = {name: int(rows[name][0].words[0][rows[name][1]]) for name in dataflow.inputs}
        arrays = {p.name: rows[p.name][0].plan(p.name, rows[p.name][1]) for p in dataflow.processes}
        plan = plan_buffers(dataflow, arrays, inputs, options.exact_depths)
        used = total_cost(schedule_cost(plan, board.family))
        if used.bram <= max(budget.bram, Budget.used(choices, chosen).bram):
            return plan if options.exact_depths else _roomier(plan, board, budget)
        # joins need deeper buffers than their own reader: price them next time
        extra = {key: max(extra.get(key, 0), n) for key, n in _beyond_liveness(plan).items()}
    raise DoesNotFit(
        f"{dataflow.name} on board {board.name}",
        f"expected at most {budget.bram} RAM blocks, found {used.bram} with buffers for all joins",
        "Choose a larger board, or a lower rate.",
    )


def _roomier(plan: StreamSchedule, board: Board, budget: Budget) -> StreamSchedule:
    """Buffers twice as deep while the board has the memory: those that need no more RAM blocks first.

    The event model sees pixel groups, not words; the slack absorbs what happens within a group.
    """
    table, dataflow = FAMILIES[board.family], plan.dataflow
    processes = {p.name: p for p in dataflow.processes}
    used = total_cost(schedule_cost(plan, board.family))
    growth = []
    for k, item in enumerate(plan.buffers):
        wider = replace(item, depth=2 * item.depth)
        process, unroll = processes[item.process], plan.arrays[item.process].unroll
        before, after = (
            one_buffer_cost(table, dataflow, process, buffer, unroll) for buffer in (item, wider)
        )
        lut = max(0.0, float(after.lut - before.lut)) * table.scale
        growth.append((max(0, int(after.bram - before.bram)), lut, k, wider))
    buffers, bram, lut = list(plan.buffers), used.bram, used.lut
    for more_bram, more_lut, k, wider in sorted(growth, key=lambda item: item[:3]):
        if bram + more_bram <= budget.bram and lut + more_lut <= budget.lut:
            buffers[k], bram, lut = wider, bram + more_bram, lut + more_lut
    roomy = replace(plan, buffers=tuple(buffers))
    timing = simulate(roomy)
    return replace(roomy, interval=timing.interval, latency=timing.latency)


def _beyond_liveness(plan: StreamSchedule) -> dict[tuple[str, int], int]:
    """Elements that each buffer holds beyond what its own reader needs, by (process, read)."""
    processes = {p.name: p for p in plan.dataflow.processes}
    result = {}
    for item in plan.buffers:
        process, channel = processes[item.process], plan.dataflow.channels[item.channel]
        unroll = plan.arrays[item.process].unroll
        guard = guard_shape(process.reads[item.read], process, unroll, channel, item.lanes)
        spare = item.depth - (1 << (liveness_depth(guard) - 1).bit_length())
        result[item.process, item.read] = max(0, spare) * item.lanes
    return result


def plan_buffers(
    dataflow: Dataflow,
    arrays: Mapping[str, ArrayPlan],
    input_lanes: Mapping[str, int],
    exact_depths: bool = False,
) -> StreamSchedule:
    """The schedule of given arrays: buffer depths, interval and latency from the event model."""
    buffers = tuple(
        BufferPlan(r.source, p.name, k, max(arrays[p.name].unroll.g, arrays[p.name].unroll.i), 0)
        for p in dataflow.processes
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


def budget_of(board: Board, options: StreamOptions) -> Budget:
    """What a design may use of the board."""
    dsp = board.dsp if options.multipliers is None else min(board.dsp, options.multipliers)
    return Budget(dsp, board.lut * options.lut_share, int(board.bram * options.bram_share))


def choices_of(
    dataflow: Dataflow,
    board: Board,
    options: StreamOptions,
    limit: Budget | None = None,
    extra: Mapping[tuple[str, int], int] | None = None,
) -> tuple[Choice, ...]:
    """The candidates of every process and of every input, within ``limit`` (the board's budget unless told).

    ``extra``: elements that the buffer of a (process, read) must hold beyond what its reader needs.
    """
    more = extra or {}
    limit = limit or budget_of(board, options)
    space = Space(
        options.max_pixel_lanes, options.finish_intervals, limit.dsp, limit.lut, limit.bram
    )
    inputs = tuple(
        Choice(name, _input_candidates(dataflow.channels[name]), ()) for name in dataflow.inputs
    )
    makers = {p.write.channel: p.name for p in dataflow.processes} | {
        name: name for name in dataflow.inputs
    }
    return inputs + tuple(
        Choice(
            p.name,
            candidates(
                dataflow,
                p,
                board.family,
                space,
                options.overrides.get(p.name),
                {read: n for (name, read), n in more.items() if name == p.name},
            ),
            tuple(makers[r.source] for _, r in channel_reads(dataflow, p)),
        )
        for p in dataflow.processes
    )


def _input_candidates(channel: Channel) -> Candidates:
    """Lanes of an input port: each divisor of the channels, one word per cycle."""
    height, width, depth = channel.shape
    lanes = np.array([f for f in range(1, depth + 1) if depth % f == 0], np.int64)
    factors = np.ones((len(lanes), 8), np.int64)
    factors[:, 6] = lanes
    zero = np.zeros(len(lanes), np.int64)
    cycles = height * width * ceil_div(depth, lanes)
    return Candidates(
        factors, np.ones((len(lanes), 2), np.int64), cycles, zero, np.zeros(len(lanes)), zero
    )


def check_options(dataflow: Dataflow, options: StreamOptions) -> None:
    """Raise BadOption for an override of an unknown process or a factor out of range."""
    names = {p.name: p for p in dataflow.processes}
    for name, unroll in options.overrides.items():
        if name not in names:
            raise BadOption(
                f"--unroll {name}",
                f"expected a process of {dataflow.name}; found {name!r}",
                f"Processes: {', '.join(names)}.",
            )
        u = unroll
        one_lane = Factors(u.x, u.g, u.o, u.ky, u.kx, u.i, finish_lanes=1, finish_interval=1)
        broken = broken_rule(dataflow, names[name], one_lane)
        if broken is not None:
            factors = ", ".join(f"{loop} {getattr(unroll, loop)}" for loop in UNROLLED)
            raise BadOption(
                f"--unroll {name}",
                f"expected {broken}; found {factors}",
                "Choose other factors, or leave the option out: legal ones are found then.",
            )
    for label, value in (
        ("--multipliers", options.multipliers),
        ("--target-fps", options.target_interval),
    ):
        if value is not None and value < (0 if label == "--multipliers" else 1):
            raise BadOption(label, f"expected a positive number, found {value}", "Raise it.")


def does_not_fit(
    dataflow: Dataflow, board: Board, options: StreamOptions, choices: tuple[Choice, ...]
) -> DoesNotFit:
    """The error for a design without a solution: which resource is short, by how much, and what would fit."""
    where = f"{dataflow.name} on board {board.name}"
    if options.target_interval is not None:
        best = choose(choices, budget_of(board, options), None)
        if best is not None:
            reached = max(int(c.rows.cycles[row]) for c, row in zip(choices, best, strict=True))
            return DoesNotFit(
                where,
                f"expected at most {options.target_interval} cycles per sample; "
                f"the fastest design that fits needs {reached}",
                f"Ask for at most {board.clock_mhz * 1e6 / reached:.1f} samples a second "
                f"at {board.clock_mhz:g} MHz, or choose a larger board.",
            )
    wide = choices_of(dataflow, board, options, Budget.unlimited())
    budget = budget_of(board, options)
    return DoesNotFit(
        where,
        _shortfall(wide, budget, options.target_interval),
        _what_fits(dataflow, board, options),
    )


def _shortfall(choices: tuple[Choice, ...], budget: Budget, target: int | None) -> str:
    """The resource that is short even where the design uses as little of it as it can."""
    texts = []
    for resource, label in (("lut", "LUT"), ("bram", "RAM blocks"), ("dsp", "DSP blocks")):
        least = choose(choices, budget.only(resource), target, minimise=resource)
        if (
            least is None
        ):  # the others do not suffice either: what is needed even with plenty of them
            least = choose(choices, Budget.unlimited(), target, minimise=resource)
        have = getattr(budget, resource)
        need = have if least is None else getattr(Budget.used(choices, least), resource)
        if need > have:
            texts.append(
                f"{need:.0f} {label}, {need - have:.0f} more than the budget of {have:.0f}"
            )
    if not texts:
        least = choose(choices, Budget.unlimited(), target, minimise="lut")
        used = Budget.used(choices, least) if least is not None else budget
        texts = [
            f"{used.lut:.0f} LUT, {used.dsp} DSP blocks and {used.bram} RAM blocks together, "
            f"where {budget.lut:.0f}, {budget.dsp} and {budget.bram} may be used"
        ]
    return "the smallest design needs " + "; ".join(texts)


def _what_fits(dataflow: Dataflow, board: Board, options: StreamOptions) -> str:
    """The least change with which the design would fit: free unroll factors, else the smallest board."""

    def fits(board: Board, options: StreamOptions) -> bool:
        choices = choices_of(dataflow, board, options)
        return choose(choices, budget_of(board, options), options.target_interval) is not None

    if options.overrides and fits(board, replace(options, overrides={})):
        return "Without --unroll it would fit."
    for other in sorted(boards(), key=lambda item: item.lut):
        if fits(other, options):
            return f"It would fit on board {other.name}."
    return "It fits on no board that hlsgen knows: use a smaller network."

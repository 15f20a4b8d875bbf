"""Why a network does not fit: which resource is short, by how much, for which layers, and what would help."""

from __future__ import annotations

from dataclasses import replace

from hlsgen.board import Board, boards
from hlsgen.cost.clock_rate import expected_clock_mhz
from hlsgen.cost.constant import constant_cost
from hlsgen.cost.units import FAMILIES
from hlsgen.dataflow.constant_layer import constant_layer
from hlsgen.dataflow.ir import Dataflow, Process
from hlsgen.errors import DoesNotFit
from hlsgen.ops.reason import Reason
from hlsgen.schedule.stream_network.choices import choices_of
from hlsgen.schedule.stream_network.constant import DIGIT_LUTS, is_worked_out
from hlsgen.schedule.stream_network.options import StreamOptions, budget_of
from hlsgen.schedule.stream_network.select import ENDLESS, Alternatives, Budget, choose, slowest

NAMED = 3
"""Layers that are named, those of the most memory first."""


def does_not_fit(
    dataflow: Dataflow, board: Board, options: StreamOptions, choices: tuple[Alternatives, ...]
) -> DoesNotFit:
    """The error for a design without a solution."""
    where = f"{dataflow.name} on board {board.name}"
    budget, target = budget_of(dataflow, board, options), options.target_interval
    if target is not None:
        best = choose(choices, budget, None)
        if best is not None and target == 1:
            refused = _of_constant_layers(dataflow, board, budget, slowest(choices, best))
            if refused is not None:
                return refused
        if best is not None:
            reached = slowest(choices, best)
            clock = expected_clock_mhz(board, Budget.used(choices, best).lut)
            return DoesNotFit(
                where,
                f"expected at most {target} cycles per sample; "
                f"the fastest design that fits needs {reached}",
                f"Ask for at most {clock * 1e6 / reached:.1f} samples a second "
                f"at {clock:g} MHz, or choose a larger board.",
            )
    wide = choices_of(dataflow, board, options, Budget.unlimited())
    memory = _memory_shortfall(dataflow, board, wide, budget, target)
    texts = [*memory, *_other_shortfalls(wide, budget, target)]
    if not texts:
        texts = [_joint_shortfall(wide, budget, target)]
    return DoesNotFit(
        where,
        "the smallest design needs " + "; ".join(texts),
        _what_fits(dataflow, board, options, bool(memory)),
    )


def _of_constant_layers(
    dataflow: Dataflow, board: Board, budget: Budget, fastest: int
) -> DoesNotFit | None:
    """The error where constant layers alone take more LUTs than there are; None where they do not."""
    table, needs = FAMILIES[board.family], {}
    for process in dataflow.processes:
        layer = constant_layer(dataflow, process)
        if isinstance(layer, Reason):
            continue
        needs[process.name] = float(layer.digits * DIGIT_LUTS)
        if is_worked_out(layer, budget.lut):
            element = dataflow.channels[process.write.channel].element
            needs[process.name] = float(constant_cost(table, layer, element, 1).lut)
    whole = sum(needs.values())
    if whole <= budget.lut:
        return None
    largest = sorted(needs, key=lambda name: -needs[name])[:NAMED]
    named = ", ".join(f"{name} {needs[name]:,.0f}" for name in largest)
    return DoesNotFit(
        f"{dataflow.name} on board {board.name}",
        f"expected at most {budget.lut:,.0f} LUT for a sample every cycle; as constant layers it needs"
        f" {whole:,.0f} or more ({named})",
        f"Ask for --interval {fastest}, the fastest design that fits, or choose a larger board.",
    )


def _memory_shortfall(
    dataflow: Dataflow,
    board: Board,
    choices: tuple[Alternatives, ...],
    budget: Budget,
    target: int | None,
) -> list[str]:
    """The RAM blocks that are short where LUTs hold as few constants as they can, and the layers that need most."""
    plain = choose(choices, Budget.unlimited(), target, minimise="lut")
    if plain is None:
        return []
    luts = max(budget.lut, 1.01 * Budget.used(choices, plain).lut)
    least = choose(choices, Budget(ENDLESS, luts, ENDLESS), target, minimise="bram")
    chosen = plain if least is None else least
    need = Budget.used(choices, chosen).bram
    if need <= budget.bram:
        return []
    kbit = board.bram_kbit / board.bram
    blocks = {c.name: int(c.rows.bram[row]) for c, row in zip(choices, chosen, strict=True)}
    largest = sorted(dataflow.processes, key=lambda p: -blocks[p.name])[:NAMED]
    layers = ", ".join(
        f"{p.name} {blocks[p.name]:,} (constants {_constant_kbit(dataflow, p):,.0f} kbit)"
        for p in largest
        if blocks[p.name]
    )
    return [
        f"{need:,} RAM blocks ({need * kbit:,.0f} kbit of memory), {need - budget.bram:,} more than the budget of "
        f"{budget.bram:,} ({budget.bram * kbit:,.0f} kbit); of them {layers}"
    ]


def _constant_kbit(dataflow: Dataflow, process: Process) -> float:
    stores = {read.source for read in process.reads if read.source in dataflow.stores}
    sizes = [
        dataflow.stores[name].values.size * dataflow.stores[name].element.bits for name in stores
    ]
    return sum(sizes) / 1024


def _other_shortfalls(
    choices: tuple[Alternatives, ...], budget: Budget, target: int | None
) -> list[str]:
    """What is short even in the design that uses the least of it, with memory as it likes."""
    texts = []
    for resource, label in (("lut", "LUT"), ("dsp", "DSP blocks"), ("multipliers", "multipliers")):
        least = choose(choices, Budget.unlimited(), target, minimise=resource)
        have = getattr(budget, resource)
        need = have if least is None else getattr(Budget.used(choices, least), resource)
        if need > have:
            texts.append(
                f"{need:,.0f} {label}, {need - have:,.0f} more than the budget of {have:,.0f}"
            )
    return texts


def _joint_shortfall(choices: tuple[Alternatives, ...], budget: Budget, target: int | None) -> str:
    least = choose(choices, Budget.unlimited(), target, minimise="lut")
    used = Budget.used(choices, least) if least is not None else budget
    return (
        f"{used.lut:,.0f} LUT, {used.dsp:,} DSP blocks and {used.bram:,} RAM blocks together, "
        f"where {budget.lut:,.0f}, {budget.dsp:,} and {budget.bram:,} may be used"
    )


def _what_fits(dataflow: Dataflow, board: Board, options: StreamOptions, memory: bool) -> str:
    """The least change with which the design would fit: one option less, else the smallest board."""

    def fits(board: Board, options: StreamOptions) -> bool:
        choices = choices_of(dataflow, board, options)
        return (
            choose(choices, budget_of(dataflow, board, options), options.target_interval)
            is not None
        )

    without = {
        "--unroll": replace(options, overrides={}),
        "--multipliers": replace(options, multipliers=None),
        "--dsp": replace(options, dsp=None),
        "--lut": replace(options, lut=None),
    }
    for label, other in without.items():
        if other != options and fits(board, other):
            return f"Without {label} it would fit."
    for larger in sorted(boards(), key=lambda candidate: candidate.lut):
        if fits(larger, options):
            return f"It would fit on board {larger.name}."
    grid = ", or --schedule grid, which loads weights while it computes" if memory else ""
    return f"It fits on no board that hlsgen knows: use a smaller network{grid}."

"""What a user may ask of the stream scheduler, and what a design may use of the board then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hlsgen.algebra.unroll import Unroll
from hlsgen.board import Board
from hlsgen.cost.factors import Factors
from hlsgen.cost.link import bram_room, dsp_room, lut_room
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption
from hlsgen.schedule.stream_network.effort import EFFORTS
from hlsgen.schedule.stream_network.legality import UNROLLED, broken_rule
from hlsgen.schedule.stream_network.select import ENDLESS, Budget


@dataclass(frozen=True)
class StreamOptions:
    """What the user may ask of the scheduler.

    ``effort``, one of EFFORTS: how much of the board is worth its speed (see ``effort.py``); ``target_interval``: instead, the smallest design
    with at most so many cycles per sample; at 1 layers may be constant, their weights wires. ``latency``: at most so many cycles from a
    sample's first word to its last; constant layers then have as many adders between registers as that takes. ``multipliers``, ``dsp``, ``lut``: at most so many multipliers in all, of arrays and of
    finishing, in DSP blocks or LUTs; so many DSP blocks; so many LUTs. ``overrides``: unrolling fixed by process name; ``max_pixel_lanes``: the largest ``Unroll.x``;
    ``lanes``: channels in a word of every input (else those that the arrays want); ``finish_intervals``: allowed cycles per finished word; ``lut_share`` and ``bram_share``: how much of the board is used at
    most, since a full device does not route; ``exact_depths``: buffers as small as a demand-driven run allows.
    """

    effort: str = "balanced"
    target_interval: int | None = None
    latency: int | None = None
    multipliers: int | None = None
    dsp: int | None = None
    lut: int | None = None
    overrides: Mapping[str, Unroll] = field(default_factory=dict)
    max_pixel_lanes: int = 4
    lanes: int | None = None
    finish_intervals: tuple[int, ...] = (1, 3, 5, 9)
    lut_share: float = 0.75
    bram_share: float = 0.95
    exact_depths: bool = False
    spram: Mapping[tuple[str, int], int] = field(default_factory=dict)


def board_inputs(dataflow: Dataflow) -> int:
    """Inputs of the circuit on the link of a board: parameters that are loadable come through one of their own."""
    loadable = any(store.loadable for store in dataflow.stores.values())
    return len(dataflow.inputs) + loadable


def budget_of(dataflow: Dataflow, board: Board, options: StreamOptions) -> Budget:
    """What a design may use of the board, beside the link of its inputs and outputs."""
    ports = board_inputs(dataflow), len(dataflow.outputs)
    lut = min(board.lut * options.lut_share, lut_room(board, *ports))
    return Budget(
        dsp_room(board) if options.dsp is None else min(board.dsp, options.dsp),
        min(lut, ENDLESS if options.lut is None else options.lut),
        min(int(board.bram * options.bram_share), bram_room(board, *ports)),
        ENDLESS if options.multipliers is None else options.multipliers,
    )


def input_lanes(channels: int) -> list[int]:
    """Lanes that an input port of so many channels can have."""
    return [lanes for lanes in range(1, channels + 1) if channels % lanes == 0]


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
    for name in dataflow.inputs if options.lanes is not None else ():
        channels = dataflow.channels[name].shape[2]
        if options.lanes not in (legal := input_lanes(channels)):
            raise BadOption(
                "--lanes",
                f"expected channels in a word of input {name} that divide its {channels}"
                f" ({', '.join(map(str, legal[:8]))}{', ...' if len(legal) > 8 else ''}), found {options.lanes}",
                "Choose one of these, or leave the option out.",
            )
    if options.effort not in EFFORTS:
        raise BadOption(
            "--effort",
            f"expected one of {', '.join(EFFORTS)}; found {options.effort!r}",
            "Choose one of these.",
        )
    for label, value, least in (
        ("--multipliers", options.multipliers, 0),
        ("--dsp", options.dsp, 0),
        ("--lut", options.lut, 1),
        ("--interval", options.target_interval, 1),
        ("--latency", options.latency, 1),
    ):
        if value is not None and value < least:
            raise BadOption(label, f"expected at least {least}, found {value}", "Raise it.")

"""What the units of loops promise, on fabrics and as pipelines: latencies of operators, cycles of runs.

Plain constants and functions without Amaranth, as in ``contract``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Cycles from a word operator's operands to the first cycle in which its result can be an operand, at least: 2 where a register
#: stands behind the multiplier or in front of an accumulator.
WORD_LATENCIES: Mapping[str, int] = {
    **dict.fromkeys(("move", "add", "subtract", "and", "or", "xor", "select"), 1),
    **dict.fromkeys(("shift_left", "shift_right", "shift_right_logical", "minimum", "maximum"), 1),
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "less_unsigned"), 1),
    **dict.fromkeys(("multiply", "multiply_accumulate", "maximum_accumulate"), 2),
}
#: The same for every operator of a loop graph: memories answer in the next cycle.
LOOP_LATENCIES: Mapping[str, int] = {**WORD_LATENCIES, "load": 1, "store": 1, "affine": 1}
#: Cycles from a read of a fabric's LoadPort to the row's entry into the queue of words to send: the tile's memory, and a register; one more where
#: the memory has an output register, on fabrics without streams.
LOAD_READ_LATENCY = 2
#: Cycles from a word that the LoadPort offers to the one in which it knows that it was not taken: a register in the tile, and one in the port.
LOAD_REFUSAL_LATENCY = 2
#: Enabled cycles from a word of the drain chain at its memory tile to the write of the result: the registers of TileRequantiser.
TILE_REQUANTISE_LATENCY = 12
#: Cycles from the one after a fabric's run is started to its first enabled one: the first contexts are fetched and decoded.
RUN_FILL_CYCLES = 2
#: Cycles by which memory tiles read ahead of the array on fabrics without streams: the output register of the bank, and one of the word behind
#: its multiplexers. An element is read so many cycles earlier than where nothing is ahead, and so is its index.
READ_AHEAD_CYCLES = 2
#: Cycles by which a unit is behind what it is told on fabrics without streams: registers of its own (``run_bus.own_run``).
UNIT_REGISTER_CYCLES = 1
#: Cycles by which the array is behind loop control there: a register of loop control's, those of ``READ_AHEAD_CYCLES``, and each unit's own.
RUN_REGISTER_CYCLES = 1 + READ_AHEAD_CYCLES + UNIT_REGISTER_CYCLES


def loop_pipeline_cycles(*, iterations: int, interval: int, length: int) -> int:
    """Cycles from the ``start`` of a LoopPipeline to its ``done``; ``length``: from an iteration's issue to its last value."""
    return (iterations - 1) * interval + length + 1


def kernel_pipeline_cycles(*, loaded: int, runs: Sequence[int], given: int) -> int:
    """Cycles of a KernelPipeline per call where its streams never wait.

    ``loaded``, ``given``: elements of the largest array that is filled or cleared, and of the largest that is given; ``runs``:
    ``loop_pipeline_cycles`` of each pipeline, which starts a cycle after the end of the one before. Beside them a cycle after
    the filling, and one in which the first element to be given is read.
    """
    return loaded + kernel_run_cycles(runs) + given + 2


def kernel_run_cycles(runs: Sequence[int]) -> int:
    """Cycles in which a KernelPipeline is ``running``: every pipeline's, and one to start it."""
    return sum(cycles + 1 for cycles in runs)

"""What a scheduler returns: a plain value that says which PE array does what, and how deep each buffer is.

``stream``: every process has an array of its own. Everything the hardware needs beyond this (addresses, guards, memory
images) is computed from Process and ArrayPlan by pure functions in ``geometry.py``, never configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.ir import Dataflow
from hlsgen.rtl_templates.contract import MultiplierKind

ArrayKind: TypeAlias = MultiplierKind | Literal["constant"]
"""Of what a PE array multiplies; or no array: weights are wires, and products are shifted sums of the whole vector."""


@dataclass(frozen=True)
class ArrayPlan:
    """One PE array, or a constant layer, which is unrolled completely.

    ``adders_in_a_row``: of a constant layer, between two registers. ``finish_lanes`` results are finished (bias, requantise, clamp) together and make one output word; a word takes
    ``finish_interval`` cycles (above 1 the finishing multipliers are digit-serial and built of LUTs).
    """

    process: str
    unroll: Unroll
    finish_lanes: int
    finish_interval: int
    multiplier: ArrayKind
    finish_multiplier: MultiplierKind
    adders_in_a_row: int = 1

    @property
    def is_constant(self) -> bool:
        """Whether weights are wires."""
        return self.multiplier == "constant"


@dataclass(frozen=True)
class BufferPlan:
    """The buffer between a channel and one read of one process; constant layers have none. ``depth`` in words of ``lanes`` channels, as guarded.
    ``single_port``: in memory that reads or writes in a cycle (the SPRAM of iCE40)."""

    channel: str
    process: str
    read: int
    lanes: int
    depth: int
    single_port: bool = False


@dataclass(frozen=True)
class StreamSchedule:
    """``input_lanes``/``output_lanes``: channels per word of each port of the design, by channel name."""

    dataflow: Dataflow
    arrays: Mapping[str, ArrayPlan]
    buffers: tuple[BufferPlan, ...]
    input_lanes: Mapping[str, int]
    output_lanes: Mapping[str, int]
    interval: int
    latency: int

    def buffer(self, process: str, read: int) -> BufferPlan:
        return next(b for b in self.buffers if (b.process, b.read) == (process, read))

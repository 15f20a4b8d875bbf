"""How a process is unrolled, as costs read it: numbers, or arrays of one entry per candidate."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.algebra.types import ElementType
from hlsgen.cost.units import Amount
from hlsgen.dataflow.ir import Dataflow, Pass, Process


@dataclass(frozen=True)
class Factors:
    """Unroll factors and finishing lanes: numbers, or arrays of one entry per candidate."""

    x: Amount
    g: Amount
    o: Amount
    ky: Amount
    kx: Amount
    i: Amount
    finish_lanes: Amount
    finish_interval: Amount

    @property
    def rows(self) -> Amount:
        return self.x * self.g * self.o

    @property
    def lanes(self) -> Amount:
        return self.ky * self.kx * self.i


def operand_types(dataflow: Dataflow, process: Process) -> dict[str, ElementType]:
    """The element type of every operand of the process: ``r0``, ..., and ``acc`` where it reduces."""
    types = {} if isinstance(process.step, Pass) else {"acc": process.step.accumulator}
    return types | {f"r{k}": dataflow.element(read.source) for k, read in enumerate(process.reads)}

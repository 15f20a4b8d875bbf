"""The interface of a scalar unit: a fixed-latency pipeline that never stalls."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.shapes import shape_of
from hlsgen.rtl_templates.contract import Contract, MultiplierKind, UnitTiming, unit_timing

from hlsgen.algebra.scalar import ScalarOp
from hlsgen.algebra.types import ElementType


class ScalarUnit(wiring.Component):
    """One scalar operator in hardware; its class has the operator's name.

    Parameters: ``op``: the operator, whose ``constants`` the circuit has by name, ``operands``: their types, ``interval``: cycles per word,
    ``multiplier``: kind of its multipliers.

    Members: ``start`` (In): a word begins; ``operand_0`` .. (In): operand k is taken ``timing.arrivals[k]`` cycles after
    ``start`` and holds still for ``interval`` cycles where the unit is serial; ``result`` (Out): right in the cycle
    ``timing.latency`` after ``start``.

    **Timing**: see ``timing``. One word per ``interval`` cycles. Registers have no reset and no enable.
    """

    def __init__(
        self,
        op: ScalarOp,
        operands: tuple[ElementType, ...],
        *,
        interval: int = 1,
        multiplier: MultiplierKind = "dsp",
    ) -> None:
        if interval < 1:
            raise ValueError(f"expected an interval of at least 1 cycle, found {interval}")
        self.op, self.constants, self.operands = op, dict(op.parameters), operands
        self.interval, self.multiplier = interval, multiplier
        self.timing: UnitTiming = unit_timing(op, operands, interval, multiplier)
        self.width = op.result(*operands)
        self.contract = Contract(
            self.timing.latency, interval, self.timing.storage_bits, self.timing.multipliers
        )
        ports: dict[str, Any] = {"start": In(1), "result": Out(shape_of(self.width))}
        for k, width in enumerate(operands):
            ports[f"operand_{k}"] = In(shape_of(width))
        super().__init__(ports)

    def operand(self, index: int) -> Value:
        """The port of operand ``index``."""
        return Value.cast(getattr(self, f"operand_{index}"))

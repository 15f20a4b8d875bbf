"""The interface of a scalar unit: a fixed-latency pipeline that never stalls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.expression import Width, unit_result
from hlsgen.rtl_templates.arithmetic.multiplier import shape_of
from hlsgen.rtl_templates.contract import Contract, MultiplierKind, UnitTiming, unit_timing


class ScalarUnit(wiring.Component):
    """One scalar operator in hardware; its class has the operator's name.

    Parameters: ``constants`` of the operator by name, ``operands``: their widths, ``interval``: cycles per word,
    ``multiplier``: kind of its multipliers.

    Members: ``start`` (In): a word begins; ``operand_0`` .. (In): operand k is taken ``timing.arrivals[k]`` cycles after
    ``start`` and holds still for ``interval`` cycles where the unit is serial; ``result`` (Out): right in the cycle
    ``timing.latency`` after ``start``.

    **Timing**: see ``timing``. One word per ``interval`` cycles. Registers have no reset and no enable.
    """

    def __init__(
        self,
        constants: Mapping[str, Any],
        operands: tuple[Width, ...],
        *,
        interval: int = 1,
        multiplier: MultiplierKind = "dsp",
    ) -> None:
        if interval < 1:
            raise ValueError(f"expected an interval of at least 1 cycle, found {interval}")
        self.constants, self.operands = dict(constants), operands
        self.interval, self.multiplier = interval, multiplier
        self.name = type(self).__name__
        self.timing: UnitTiming = unit_timing(
            self.name, self.constants, operands, interval, multiplier
        )
        self.width = unit_result(self.name, self.constants, operands)
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

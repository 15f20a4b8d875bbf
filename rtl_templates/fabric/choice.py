"""Choices by one bit per alternative, and by codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Const, Value


def chosen(selection: Any, values: Sequence[Value]) -> Value:
    """The value whose bit is set in ``selection``; 0 if none is. Values have one width."""
    bits = Value.cast(selection)
    result: Value = Const(0, len(values[0]))
    for bit, value in zip(bits, values, strict=True):
        result = result | (value & bit.replicate(len(value)))
    return result


def among(code: Value, accepted: Iterable[int]) -> Value:
    """Whether a code is one of those accepted: a table of constants, which is smaller than a comparison with its carry chain."""
    table = Const(sum(1 << k for k in accepted), 1 << len(code))
    return table.bit_select(code, 1)

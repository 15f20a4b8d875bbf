"""Choices by one bit per alternative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Value


def chosen(selection: Any, values: Sequence[Value]) -> Value:
    """The value whose bit is set in ``selection``; 0 if none is. Values have one width."""
    bits = Value.cast(selection)
    result: Value = Const(0, len(values[0]))
    for bit, value in zip(bits, values, strict=True):
        result = result | (value & bit.replicate(len(value)))
    return result

"""Operators between a computing one and its Quantize that only clamp."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hlsgen.graph.ir import Node
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.reason import Reason


def clamp_bounds(chain: Sequence[Node], op: QuantizeLinear) -> tuple[int, int] | Reason:
    """The bounds that clamps between operator and Quantize leave; a reason if one of them is not a clamp."""
    lowest, highest = low, high = op.bounds_of_result
    for node in chain:
        bounds = node.op.bounds(_quantise(op))
        if bounds is None:
            return Reason(f"{node.op.name} between it and its Quantize is not a clamp")
        least = lowest if bounds[0] is None else bounds[0]
        most = highest if bounds[1] is None else bounds[1]
        low, high = (min(max(bound, least), most) for bound in (low, high))
    return low, high


def _quantise(op: QuantizeLinear) -> Callable[[float], int]:
    def quantise(real: float) -> int:
        return int(op.evaluate(np, np.array([real], np.float32))[0])

    return quantise

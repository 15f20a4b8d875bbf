"""How a process finishes its sums, as the requantiser of a memory tile does it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, assert_never

import numpy as np

from hlsgen.algebra.expression import Call, Expression
from hlsgen.algebra.scalar import QuantisedAdd
from hlsgen.dataflow.finish import finish_expression, parameter_values
from hlsgen.dataflow.ir import (
    Clamped,
    Dataflow,
    Elementwise,
    LookedUp,
    Plain,
    Process,
    QuantisedSum,
    ScaledByFloat32,
    ScaledByShift,
    Signs,
    WeightedSum,
)
from hlsgen.errors import UnsupportedOp

STREAM = "Compile this model with --schedule stream."


@dataclass(frozen=True, eq=False)
class Finishing:
    """A requantiser's setting (``arch.configuration.Requantiser``) and its parameters.

    ``rows`` (channels or 1, 3) int64: bias, multiplier and rounding of every output channel, or of all; for mode ``pair`` exactly
    two rows. ``factors``: what the first and second operand of a weighted sum are multiplied by in the array; None elsewhere.
    Mode ``off`` has no rows, but a ``table``: the result for every byte.
    """

    mode: Literal["off", "float32", "multiply_shift", "pair"]
    shift: int
    zero_point: int
    low: int
    high: int
    rows: np.ndarray
    factors: tuple[int, int] | None = None
    table: tuple[int, ...] | None = None


def finishing(dataflow: Dataflow, process: Process) -> Finishing:
    """The Finishing with the meaning of ``process.finish``; raises UnsupportedOp where a tile has none."""
    setting = _setting(dataflow, process)
    if setting.mode == "off":
        return setting
    for what, values, low, high in (
        ("biases", setting.rows[:, 0], -(1 << 31), (1 << 31) - 1),
        ("multipliers", setting.rows[:, 1], 0, (1 << 32) - 1),
        ("shifts", np.array(setting.shift), 1, 63),
        ("zero points", np.array(setting.zero_point), -(1 << 9), (1 << 9) - 1),
    ):
        if values.min() < low or values.max() > high:
            raise UnsupportedOp(
                f"process {process.name}",
                f"expected {what} of {low} to {high}, found {values.min()} to {values.max()}",
                f"Quantise the model again with other scales. {STREAM}",
            )
    return setting


def _setting(dataflow: Dataflow, process: Process) -> Finishing:
    values = partial(parameter_values, dataflow, process)
    match process.finish:
        case Plain(bias):
            element = dataflow.channels[process.write.channel].element
            return _unscaled(_rows(values(bias), 1, 0), element.minimum, element.maximum)
        case Clamped(op):
            return _unscaled(_rows(0, 1, 0), op.low, op.high)
        case ScaledByShift(op, multiplier, rounding, bias, ()):
            rows = _rows(*(values(parameter) for parameter in (bias, multiplier, rounding)))
            if op.shift == 0:
                return _unscaled(rows, op.low, op.high)
            return Finishing("multiply_shift", op.shift, 0, op.low, op.high, rows)
        case ScaledByFloat32(op, multiplier, bias, None):
            rows = _rows(values(bias), values(multiplier), 0)
            return Finishing("float32", op.q, op.zero_point, op.low, op.high, rows)
        case WeightedSum(op, factors, offset):
            rows = _rows(offset, 1, 0)
            return Finishing("float32", op.q, op.zero_point, op.low, op.high, rows, factors)
        case QuantisedSum(op):
            return _pair(process, op)
        case LookedUp(op):
            return Finishing("off", 1, 0, 0, 0, np.zeros((0, 3), dtype=np.int64), table=op.values)
        case ScaledByShift():
            raise _unknown(process, "a shift with sums that are raised by 1")
        case ScaledByFloat32():
            raise _unknown(process, "a product of sums above 24 bits, rounded as float32 does")
        case Elementwise() | Signs():
            raise _unknown(process, _operators(finish_expression(process)))
        case _:
            assert_never(process.finish)


def _unscaled(rows: np.ndarray, low: int, high: int) -> Finishing:
    """A shift by 0, as (2 * x + 0) >> 1: it is left to no unit."""
    return Finishing("multiply_shift", 1, 0, low, high, rows * np.array([1, 2, 2]))


def _pair(process: Process, op: QuantisedAdd) -> Finishing:
    if op.exceptions:
        raise UnsupportedOp(
            f"process {process.name}",
            f"expected an addition that one product and shift computes, found {len(op.exceptions)} of 65,536 pairs"
            " that need a table",
            f"Quantise the model again with other scales for this addition. {STREAM}",
        )
    rows = np.array([[0, op.multiplier_a, 0], [0, op.multiplier_b, op.offset]], dtype=np.int64)
    return Finishing("pair", op.shift, 0, op.low, op.high, rows)


def _rows(
    bias: np.ndarray | int, multiplier: np.ndarray | int, rounding: np.ndarray | int
) -> np.ndarray:
    columns = np.broadcast_arrays(*(np.atleast_1d(part) for part in (bias, multiplier, rounding)))
    return np.stack(columns, axis=1).astype(np.int64)


def _unknown(process: Process, function: str) -> UnsupportedOp:
    return UnsupportedOp(
        f"process {process.name}",
        "expected results that are requantised, clamped or plain sums, or a table of an operand, found another function "
        f"({function})",
        f"The memory tiles of a fabric compute no others. {STREAM}",
    )


def _operators(expression: Expression) -> str:
    match expression:
        case Call(op, arguments):
            inner = [_operators(argument) for argument in arguments]
            return ", ".join([op.name, *(name for name in inner if name)])
    return ""

"""How a process finishes its sums, as the requantiser of a memory tile does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.expression import Literal as Number
from hlsgen.algebra.scalar import (
    Add,
    Clamp,
    Multiply,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    Table,
)
from hlsgen.dataflow.ir import Dataflow, Process
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
    match process.finish:
        case Call(Table() as op, (Operand("r0"),)) if process.step is None:
            return Finishing("off", 1, 0, 0, 0, np.zeros((0, 3), dtype=np.int64), table=op.values)
    found = _finishing(dataflow, process)
    for what, values, low, high in (
        ("biases", found.rows[:, 0], -(1 << 31), (1 << 31) - 1),
        ("multipliers", found.rows[:, 1], 0, (1 << 32) - 1),
        ("shifts", np.array(found.shift), 1, 63),
        ("zero points", np.array(found.zero_point), -(1 << 9), (1 << 9) - 1),
    ):
        if values.min() < low or values.max() > high:
            raise UnsupportedOp(
                f"process {process.name}",
                f"expected {what} of {low} to {high}, found {values.min()} to {values.max()}",
                f"Quantise the model again with other scales. {STREAM}",
            )
    return found


def _finishing(dataflow: Dataflow, process: Process) -> Finishing:
    sums = Operand("acc") if process.step is not None else Operand("r0")
    element = dataflow.channels[process.write.channel].element
    match process.finish:
        case Call(QuantisedAdd() as op, (Operand("r0"), Operand("r1"))):
            return _pair(process, op)
        case Call(RequantiseFloat32() as op, (inner, Number(1))) if (
            process.step is None and (found := _weighted(inner)) is not None
        ):
            factors, offset = found
            rows = _rows(np.array([offset]), np.array([1]), np.array([0]))
            return Finishing("float32", op.q, op.zero_point, op.low, op.high, rows, factors)
        case Call(RequantiseFloat32() as op, (inner, multiplier)):
            rows = _rows(
                _bias(dataflow, process, inner, sums),
                _constants(dataflow, process, multiplier),
                np.array([0]),
            )
            return Finishing("float32", op.q, op.zero_point, op.low, op.high, rows)
        case Call(RequantiseMultiplyShift() as op, (inner, multiplier, rounding)):
            bias = _bias(dataflow, process, inner, sums)
            factor = _constants(dataflow, process, multiplier)
            added = _constants(dataflow, process, rounding)
            if op.shift == 0:
                return _plain(bias, op.low, op.high, factor, added)
            return Finishing(
                "multiply_shift", op.shift, 0, op.low, op.high, _rows(bias, factor, added)
            )
        case Call(Clamp() as op, (inner,)):
            return _plain(_bias(dataflow, process, inner, sums), op.low, op.high)
        case inner:
            bias = _bias(dataflow, process, inner, sums)
            return _plain(bias, element.minimum, element.maximum)


def _plain(
    bias: np.ndarray,
    low: int,
    high: int,
    factor: np.ndarray | None = None,
    added: np.ndarray | None = None,
) -> Finishing:
    """No scaling, as (2 * x + 0) >> 1: a shift by 0 is left to no unit."""
    factor = np.array([1]) if factor is None else factor
    added = np.array([0]) if added is None else added
    return Finishing("multiply_shift", 1, 0, low, high, _rows(bias, 2 * factor, 2 * added))


def _pair(process: Process, op: QuantisedAdd) -> Finishing:
    if op.exceptions:
        raise UnsupportedOp(
            f"process {process.name}",
            f"expected an addition that one product and shift computes, found {len(op.exceptions)} of 65,536 pairs"
            " that need a table",
            f"Quantise the model again with other scales for this addition. {STREAM}",
        )
    rows = _rows(
        np.array([0]),
        np.array([op.multiplier_a, op.multiplier_b]),
        np.array([0, op.offset]),
    )
    return Finishing("pair", op.shift, 0, op.low, op.high, rows)


def _weighted(expression: Expression) -> tuple[tuple[int, int], int] | None:
    """r0 * m0 + r1 * m1 + offset as ((m0, m1), offset)."""
    match expression:
        case Call(
            Add(),
            (
                Call(
                    Add(),
                    (
                        Call(Multiply(), (Operand("r0"), Number(first))),
                        Call(Multiply(), (Operand("r1"), Number(second))),
                    ),
                ),
                Number(offset),
            ),
        ):
            return (first, second), offset
    return None


def _bias(dataflow: Dataflow, process: Process, inner: Expression, sums: Operand) -> np.ndarray:
    """What is added to the sums before they are scaled; one per channel, or one."""
    match inner:
        case Operand(name) if name == sums.name:
            return np.array([0])
        case Call(Add(), (Operand(name), constant)) if name == sums.name:
            return _constants(dataflow, process, constant)
    raise _unknown(process)


def _constants(dataflow: Dataflow, process: Process, expression: Expression) -> np.ndarray:
    """A literal, or a store that is read by output channel."""
    match expression:
        case Number(value):
            return np.array([value])
        case Operand(name) if name.startswith("r"):
            read = process.reads[int(name[1:])]
            if read.source in dataflow.stores and read.index == (process.write.index[2],):
                return dataflow.stores[read.source].values.astype(np.int64)
    raise _unknown(process)


def _rows(bias: np.ndarray, multiplier: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    return np.stack(np.broadcast_arrays(bias, multiplier, rounding), axis=1).astype(np.int64)


def _unknown(process: Process) -> UnsupportedOp:
    return UnsupportedOp(
        f"process {process.name}",
        "expected results that are requantised, clamped or plain sums, or a table of an operand, found another function "
        f"({_operators(process.finish)})",
        f"The memory tiles of a fabric compute no others. {STREAM}",
    )


def _operators(expression: Expression) -> str:
    match expression:
        case Call(op, arguments):
            inner = [_operators(item) for item in arguments]
            return ", ".join([type(op).__name__, *(name for name in inner if name)])
    return ""

"""What a finish computes, as an expression of scalar operators, and the constants that it takes."""

from __future__ import annotations

from typing import assert_never

import numpy as np

from hlsgen.algebra.expression import Call, Expression, Literal, Operand
from hlsgen.algebra.scalar import Add, Clamp, Equal, Multiply, Sign
from hlsgen.dataflow.ir import (
    Clamped,
    Dataflow,
    Elementwise,
    LookedUp,
    Parameter,
    Pass,
    Plain,
    Process,
    QuantisedSum,
    ScaledByFloat32,
    ScaledByShift,
    Signs,
    WeightedSum,
)


def finish_expression(process: Process) -> Expression:
    """The result of a process as a function of ``acc`` and its reads: the meaning of the finish, and what a pipeline computes."""
    x = Operand("r0" if isinstance(process.step, Pass) else "acc")
    match process.finish:
        case Plain(bias):
            return _raised(x, bias)
        case Signs(bias):
            return Call(Sign(), (_raised(x, bias),))
        case Clamped(op) | LookedUp(op):
            return Call(op, (x,))
        case ScaledByShift(op, multiplier, rounding, bias, nudges):
            total = _raised(x, bias)
            for nudge in nudges:
                total = Call(Add(), (total, Call(Equal(), (x, _constant(nudge)))))
            return Call(op, (total, _constant(multiplier), _constant(rounding)))
        case ScaledByFloat32(op, multiplier, bias, rounding, zero, clamp):
            total = _raised(x, bias)
            total = total if rounding is None else Call(rounding, (total,))
            scaled = Call(op, (total, _constant(multiplier)))
            if zero is None or clamp is None:
                return scaled
            return Call(clamp, (Call(Add(), (scaled, _constant(zero))),))
        case WeightedSum(op, factors, offset):
            first, second = (
                Call(Multiply(), (Operand(f"r{k}"), Literal(factor)))
                for k, factor in enumerate(factors)
            )
            total = Call(Add(), (Call(Add(), (first, second)), Literal(offset)))
            return Call(op, (total, Literal(1)))
        case QuantisedSum(op):
            return Call(op, (Operand("r0"), Operand("r1")))
        case Elementwise(expression):
            return expression
        case _:
            assert_never(process.finish)


def scaling(process: Process) -> Call:
    """The call of a finish that scales which multiplies: its arguments are a sum and a multiplier."""
    expression = finish_expression(process)
    while isinstance(expression, Call) and isinstance(expression.op, Clamp | Add):
        expression = expression.arguments[0]
    assert isinstance(expression, Call), process.finish
    return expression


def _raised(x: Operand, bias: Parameter | None) -> Expression:
    return x if bias is None else Call(Add(), (x, _constant(bias)))


def _constant(parameter: Parameter) -> Expression:
    return Literal(parameter) if isinstance(parameter, int) else parameter


def parameters(process: Process) -> tuple[Parameter, ...]:
    """The constants that the finish takes."""
    match process.finish:
        case Plain(bias) | Signs(bias):
            given: tuple[Parameter | None, ...] = (bias,)
        case ScaledByShift(_, multiplier, rounding, bias, nudges):
            given = (bias, *nudges, multiplier, rounding)
        case ScaledByFloat32(_, multiplier, bias, _, zero, _):
            given = (bias, multiplier, zero)
        case Clamped() | WeightedSum() | QuantisedSum() | LookedUp() | Elementwise():
            given = ()
        case _:
            assert_never(process.finish)
    return tuple(parameter for parameter in given if parameter is not None)


def parameter_values(
    dataflow: Dataflow, process: Process, parameter: Parameter | None
) -> np.ndarray:
    """The value of a parameter for every output channel, or one for all; int64. A missing one is 0."""
    if parameter is None or isinstance(parameter, int):
        return np.array([parameter or 0])
    read = process.reads[int(parameter.name[1:])]
    return dataflow.stores[read.source].values.astype(np.int64)

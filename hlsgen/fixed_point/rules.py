"""Which rule makes fixed-point arithmetic of an operator."""

from __future__ import annotations

from collections.abc import Mapping

from hlsgen.fixed_point import arithmetic, elementary, selection, structure
from hlsgen.fixed_point.conversion import FixedRule
from hlsgen.ops import (
    activation,
    compare,
    functions,
    piecewise,
    pool,
    reduce,
)
from hlsgen.ops import (
    arithmetic as several,
)
from hlsgen.ops.add import Add
from hlsgen.ops.conv import Conv
from hlsgen.ops.conv_transpose import ConvTranspose
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.join import Concat
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.multiply import Mul
from hlsgen.ops.op import TensorOp
from hlsgen.ops.select import ArgMax, ArgMin, TopK

RULES: Mapping[type[TensorOp], FixedRule] = {
    **dict.fromkeys((Add, several.Sub, several.Sum, several.Max, several.Min), arithmetic.fold),
    Mul: arithmetic.multiply,
    several.MeanOf: arithmetic.mean,
    several.PRelu: arithmetic.prelu,
    several.Pow: elementary.power,
    **dict.fromkeys(
        (
            compare.Equal,
            compare.Greater,
            compare.GreaterOrEqual,
            compare.Less,
            compare.LessOrEqual,
        ),
        arithmetic.compare,
    ),
    **dict.fromkeys((compare.And, compare.Or, compare.Xor, compare.Not), arithmetic.logic),
    compare.Where: arithmetic.where,
    activation.Identity: structure.same,
    activation.Relu: elementary.bounds,
    activation.Clip: elementary.bounds,
    functions.Neg: elementary.exact(elementary.negative),
    functions.Abs: elementary.exact(elementary.magnitude),
    functions.Sign: elementary.exact(elementary.sign),
    functions.Floor: elementary.exact(elementary.floor),
    functions.Ceil: elementary.exact(elementary.ceil),
    functions.Round: elementary.exact(elementary.nearest),
    piecewise.ThresholdedRelu: elementary.exact(elementary.thresholded),
    functions.Sqrt: elementary.root,
    functions.Log: elementary.logarithm,
    functions.Reciprocal: elementary.reciprocal,
    **dict.fromkeys((Conv, ConvTranspose, Gemm, MatMul), structure.weighted),
    Concat: structure.joined,
    pool.AveragePool: structure.averaged,
    **dict.fromkeys(
        (reduce.ReduceSum, reduce.ReduceMean, reduce.ReduceL1, reduce.ReduceSumSquare),
        structure.reduced,
    ),
    **dict.fromkeys((reduce.ReduceMax, reduce.ReduceMin), structure.extreme),
    **dict.fromkeys((ArgMax, ArgMin), selection.place),
    TopK: selection.greatest,
}
"""By class; what only moves elements, and functions of one element, need no entry."""


def rule_of(op: TensorOp) -> FixedRule | None:
    """The rule for an operator; None where it has none."""
    if (rule := RULES.get(type(op))) is not None:
        return rule
    if op.moves_data and op.place == "hardware":
        return structure.moved
    return elementary.polynomial if op.elementwise else None

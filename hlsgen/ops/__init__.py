"""The tensor operators. A new one is a class in a file of this folder and a line in this list."""

from __future__ import annotations

from hlsgen.ops.activation import Clamp, Clip, Identity, Lookup, Relu
from hlsgen.ops.add import Add, QuantisedAdd
from hlsgen.ops.batch_norm import BatchNormalization
from hlsgen.ops.bits import BitShift, BitwiseAnd, BitwiseNot, BitwiseOr, BitwiseXor
from hlsgen.ops.cast import Cast, CastLike, CastOfTwo
from hlsgen.ops.compare import (
    And,
    Equal,
    Greater,
    GreaterOrEqual,
    IsInf,
    IsNaN,
    Less,
    LessOrEqual,
    Not,
    Or,
    Where,
    Xor,
)
from hlsgen.ops.conv import Conv
from hlsgen.ops.gather import GatherElements, GatherND, ReverseSequence, ScatterElements, ScatterND
from hlsgen.ops.gemm import Gemm, MatMul
from hlsgen.ops.multiply import Mul
from hlsgen.ops.normalise import (
    LRN,
    GroupNormalization,
    LayerNormalization,
    LpNormalization,
    MeanVarianceNormalization,
    RMSNormalization,
)
from hlsgen.ops.op import Example, TensorOp
from hlsgen.ops.pool import AveragePool, MaxPool, ReduceMean, WindowSum
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.recurrent_cells import GRU, LSTM, RNN
from hlsgen.ops.requantise import Requantise, RequantiseMean
from hlsgen.ops.reshape import Flatten, Reshape, Squeeze, Unsqueeze
from hlsgen.ops.select import ArgMax, ArgMin, Hardmax, TopK
from hlsgen.ops.shapes import (
    ConstantOfShape,
    CumProd,
    CumSum,
    EyeLike,
    OneHot,
    Range,
    Shape,
    Size,
    Trilu,
)
from hlsgen.ops.softmax import LogSoftmax, Softmax
from hlsgen.ops.transpose import Transpose

OPERATORS: tuple[type[TensorOp], ...] = (
    Add,
    And,
    ArgMax,
    ArgMin,
    AveragePool,
    BatchNormalization,
    BitShift,
    BitwiseAnd,
    BitwiseNot,
    BitwiseOr,
    BitwiseXor,
    Cast,
    CastLike,
    CastOfTwo,
    Clamp,
    Clip,
    ConstantOfShape,
    Conv,
    CumProd,
    CumSum,
    DequantizeLinear,
    Equal,
    EyeLike,
    Flatten,
    GatherElements,
    GatherND,
    Gemm,
    Greater,
    GreaterOrEqual,
    GroupNormalization,
    GRU,
    Hardmax,
    Identity,
    IsInf,
    IsNaN,
    LayerNormalization,
    Less,
    LessOrEqual,
    LogSoftmax,
    Lookup,
    LpNormalization,
    LRN,
    LSTM,
    MatMul,
    MaxPool,
    MeanVarianceNormalization,
    Mul,
    Not,
    OneHot,
    Or,
    QuantisedAdd,
    QuantizeLinear,
    Range,
    ReduceMean,
    Relu,
    Requantise,
    RequantiseMean,
    Reshape,
    ReverseSequence,
    RMSNormalization,
    RNN,
    ScatterElements,
    ScatterND,
    Shape,
    Size,
    Softmax,
    Squeeze,
    TopK,
    Transpose,
    Trilu,
    Unsqueeze,
    Where,
    WindowSum,
    Xor,
)


def supported_operators() -> list[tuple[str, str, str]]:
    """Every ONNX operator that hlsgen reads: (domain.name, opsets, where it runs), sorted."""
    where = {"host": "host", "border": "hardware or host"}
    rows = [
        (
            f"{binding.domain}.{binding.op_type}".lstrip("."),
            f"{binding.since}+" if binding.until >= 10**6 else f"{binding.since}-{binding.until}",
            where.get(operator.place, "hardware"),
        )
        for operator in OPERATORS
        for binding in operator.bindings
    ]
    return sorted(rows)


__all__ = ["OPERATORS", "Example", "TensorOp", "supported_operators"]

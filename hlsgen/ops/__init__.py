"""The tensor operators. A new one is a class in a file of this folder and a line in this list."""

from __future__ import annotations

from hlsgen.ops.activation import Clamp, Clip, Identity, Lookup, Relu
from hlsgen.ops.add import Add, QuantisedAdd
from hlsgen.ops.arithmetic import Div, Max, MeanOf, Min, Mod, Pow, PRelu, Sub, Sum, SwiGLU
from hlsgen.ops.attention import Attention, RotaryEmbedding
from hlsgen.ops.axes import AxisMaximum, AxisSum
from hlsgen.ops.axis_index import AxisIndex
from hlsgen.ops.batch_norm import BatchNormalization
from hlsgen.ops.bits import BitShift, BitwiseAnd, BitwiseNot, BitwiseOr, BitwiseXor
from hlsgen.ops.cast import Cast, CastLike, CastOfTwo
from hlsgen.ops.clamp_channels import ClampChannels
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
from hlsgen.ops.conv_transpose import ConvTranspose
from hlsgen.ops.dropout import Dropout
from hlsgen.ops.dynamic_quantise import DynamicQuantizeLinear
from hlsgen.ops.einsum import Einsum
from hlsgen.ops.float_tensors import DequantizeFloat, QuantizeFloat
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.functions import (
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Celu,
    Cos,
    Cosh,
    Elu,
    Erf,
    Exp,
    Floor,
    Gelu,
    Log,
    Mish,
    Neg,
    Reciprocal,
    Round,
    Selu,
    Sigmoid,
    Sign,
    Sin,
    Sinh,
    Softplus,
    Sqrt,
    Swish,
    Tan,
    Tanh,
)
from hlsgen.ops.gather import GatherElements, GatherND, ReverseSequence, ScatterElements, ScatterND
from hlsgen.ops.gemm import Gemm
from hlsgen.ops.interleave import Interleave
from hlsgen.ops.join import Concat, Pad
from hlsgen.ops.linear_attention import CausalConvWithState, LinearAttention
from hlsgen.ops.logarithmic_function import LogarithmicFunction
from hlsgen.ops.loss import NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss
from hlsgen.ops.lp_pool import GlobalLpPool, LpPool
from hlsgen.ops.matmul import MatMul
from hlsgen.ops.matrix_product import MatrixProduct
from hlsgen.ops.move import (
    DepthToSpace,
    Expand,
    Gather,
    Slice,
    SpaceToDepth,
    Split,
    Take,
    Tile,
)
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
from hlsgen.ops.piecewise import (
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Shrink,
    Softsign,
    ThresholdedRelu,
)
from hlsgen.ops.pool import AveragePool, MaxPool, WindowSum
from hlsgen.ops.positions import Compress, NonZero
from hlsgen.ops.qonnx import BipolarQuant, Quant, QuantizeBipolar, QuantizeRounded, Trunc
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.quantised_norm import QuantisedNorm
from hlsgen.ops.quantised_softmax import QuantisedSoftmax
from hlsgen.ops.recurrent_cells import GRU, LSTM, RNN
from hlsgen.ops.reduce import (
    ReduceL1,
    ReduceL2,
    ReduceLogSum,
    ReduceLogSumExp,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceProd,
    ReduceSum,
    ReduceSumSquare,
)
from hlsgen.ops.requantise import Requantise, RequantiseMean, RequantiseSteps
from hlsgen.ops.reshape import Flatten, Reshape, Squeeze, Unsqueeze
from hlsgen.ops.resize import Resize, ResizeNearest
from hlsgen.ops.resize_linear import ResizeLinear
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
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.ops.small_float import FloatQuant, QuantizeSmallFloat
from hlsgen.ops.softmax import LogSoftmax, Softmax
from hlsgen.ops.step_function import StepFunction
from hlsgen.ops.table_sum import TableSum
from hlsgen.ops.transpose import Transpose

OPERATORS: tuple[type[TensorOp], ...] = (
    Abs,
    Add,
    And,
    ArgMax,
    ArgMin,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atanh,
    Cosh,
    Sinh,
    Atan,
    Attention,
    AveragePool,
    AxisIndex,
    AxisMaximum,
    AxisSum,
    BatchNormalization,
    BipolarQuant,
    Trunc,
    BitShift,
    BitwiseAnd,
    BitwiseNot,
    BitwiseOr,
    BitwiseXor,
    Cast,
    CastLike,
    CastOfTwo,
    CausalConvWithState,
    Ceil,
    Celu,
    Clamp,
    ClampChannels,
    Clip,
    Compress,
    Concat,
    ConstantOfShape,
    Conv,
    ConvTranspose,
    Cos,
    CumProd,
    CumSum,
    DepthToSpace,
    DequantizeFloat,
    DequantizeLinear,
    Div,
    Dropout,
    DynamicQuantizeLinear,
    Einsum,
    Elu,
    Equal,
    Erf,
    Exp,
    Expand,
    EyeLike,
    Flatten,
    FloatQuant,
    Floor,
    ElementFormula,
    Gather,
    GatherElements,
    GatherND,
    Gelu,
    Gemm,
    Greater,
    GreaterOrEqual,
    GroupNormalization,
    GRU,
    Hardmax,
    HardSigmoid,
    HardSwish,
    Identity,
    Interleave,
    IsInf,
    IsNaN,
    LayerNormalization,
    LeakyRelu,
    Less,
    LessOrEqual,
    LinearAttention,
    Log,
    LogarithmicFunction,
    LogSoftmax,
    Lookup,
    LpNormalization,
    LpPool,
    GlobalLpPool,
    LRN,
    LSTM,
    MatMul,
    MatrixProduct,
    Max,
    MaxPool,
    MeanOf,
    MeanVarianceNormalization,
    Min,
    Mish,
    Mod,
    Mul,
    Neg,
    NegativeLogLikelihoodLoss,
    NonZero,
    Not,
    OneHot,
    Or,
    Pad,
    Pow,
    PRelu,
    QuantisedAdd,
    Quant,
    QuantizeBipolar,
    QuantizeFloat,
    QuantizeLinear,
    QuantizeRounded,
    QuantizeSmallFloat,
    Range,
    Reciprocal,
    ReduceL1,
    ReduceL2,
    ReduceLogSum,
    ReduceLogSumExp,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceProd,
    ReduceSum,
    ReduceSumSquare,
    Relu,
    QuantisedNorm,
    QuantisedSoftmax,
    Requantise,
    RequantiseMean,
    RequantiseSteps,
    Reshape,
    Resize,
    ResizeLinear,
    ResizeNearest,
    ReverseSequence,
    RMSNormalization,
    RNN,
    RotaryEmbedding,
    Round,
    ScatterElements,
    ScatterND,
    Selu,
    Shape,
    ShiftRequantise,
    Shrink,
    Sigmoid,
    Sign,
    Sin,
    Size,
    Slice,
    Softmax,
    SoftmaxCrossEntropyLoss,
    Softplus,
    Softsign,
    SpaceToDepth,
    Split,
    Sqrt,
    Squeeze,
    StepFunction,
    Sub,
    Sum,
    SwiGLU,
    Swish,
    TableSum,
    Take,
    Tan,
    Tanh,
    ThresholdedRelu,
    Tile,
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

"""The tensor operators. A new one is a class in a file of this folder and a line in this list."""

from __future__ import annotations

from hlsgen.ops.activation import Clamp, Clip, Identity, Lookup, Relu
from hlsgen.ops.add import Add, QuantisedAdd
from hlsgen.ops.batch_norm import BatchNormalization
from hlsgen.ops.conv import Conv
from hlsgen.ops.gemm import Gemm, MatMul
from hlsgen.ops.multiply import Mul
from hlsgen.ops.op import Example, TensorOp
from hlsgen.ops.pool import AveragePool, MaxPool, ReduceMean, WindowSum
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.requantise import Requantise, RequantiseMean
from hlsgen.ops.reshape import Flatten, Reshape, Squeeze, Unsqueeze
from hlsgen.ops.softmax import LogSoftmax, Softmax
from hlsgen.ops.transpose import Transpose

OPERATORS: tuple[type[TensorOp], ...] = (
    Add,
    AveragePool,
    BatchNormalization,
    Clamp,
    Clip,
    Conv,
    DequantizeLinear,
    Flatten,
    Gemm,
    Identity,
    LogSoftmax,
    Lookup,
    MatMul,
    MaxPool,
    Mul,
    QuantisedAdd,
    QuantizeLinear,
    ReduceMean,
    Relu,
    Requantise,
    RequantiseMean,
    Reshape,
    Softmax,
    Squeeze,
    Transpose,
    Unsqueeze,
    WindowSum,
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

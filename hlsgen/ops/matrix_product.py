"""Products of two computed matrices, on integers: exact sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.accumulate import requantised
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import (
    Constants,
    Example,
    NodeBuilder,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    broadcast,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.tensor_type import AnyArray, TensorType


@dataclass(frozen=True)
class MatrixProduct(TensorOp):
    """sum over K of (a - zeros[0]) * (b - zeros[1]) of a (1, *batch, T, K) and b (1, *batch, K, N), exactly. Batches broadcast."""

    zeros: tuple[int, int] = (0, 0)

    place = "hardware"
    accumulates = True

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        a, b = inputs
        whole = len(a.shape) == len(b.shape) > 2 and a.shape[0] == b.shape[0] == 1
        require(whole, self, "two tensors (1, *batch, rows, columns) of one rank", f"{a} and {b}")
        require(a.shape[-1] == b.shape[-2], self, f"{a.shape[-1]} rows", b)
        batch = broadcast(self, a.shape[:-2], b.shape[:-2])
        return TensorType((*batch, a.shape[-2], b.shape[-1]), self._sums(a, b))

    def _sums(self, a: TensorType, b: TensorType) -> ElementType:
        ends = [
            (x.integer.minimum - zero, x.integer.maximum - zero)
            for x, zero in zip((a, b), self.zeros, strict=True)
        ]
        products = [x * y * a.shape[-1] for x in ends[0] for y in ends[1]]
        return ElementType.holding(min(*products, -1), max(*products, 0))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = (xp.astype(x, xp.float64) - z for x, z in zip(arrays, self.zeros, strict=True))
        return xp.astype(xp.matmul(a, b), xp.int64)

    def lower(self, build: Lowering) -> None:
        """One process that holds the second factor, and keeps it for all rows of the first."""
        channel, position = build.multiply(self.zeros)
        build.result(channel, position)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(a: tuple[int, ...], b: tuple[int, ...], *zeros: int) -> Example:
            types = TensorType(a, U8), TensorType(b, S8)
            return Example(MatrixProduct((zeros[0], zeros[1])), types, {})

        return (
            case((1, 3, 4), (1, 4, 5), 117, -3),
            case((1, 2, 3, 4), (1, 2, 4, 2), 0, 0),
            case((1, 2, 3, 1), (1, 1, 1, 4), 3, 0),
            case((1, 1, 6), (1, 6, 1), 255, 127),
        )


def product_of_two(
    build: NodeBuilder, a: QuantisedValue, b: QuantisedValue, output: QuantisedOutput
) -> str | Reason:
    """The integers of a matrix product of two computed operands, requantised as QLinearMatMul does it."""
    failed = unless(
        (
            a.quantisation.per_tensor and b.quantisation.per_tensor,
            "an operand is quantised per channel",
        ),
        (
            len(a.type.shape) == len(b.type.shape) > 2 and a.type.shape[0] == b.type.shape[0] == 1,
            f"both operands are computed and not of one rank with a batch of 1: {a.type} and {b.type}",
        ),
    )
    if failed is not None:
        return failed
    zeros = a.quantisation.zero_point[0], b.quantisation.zero_point[0]
    return requantised(build, build.node(MatrixProduct(zeros), [a.name, b.name]), a, b, output)

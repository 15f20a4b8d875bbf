"""Addition: floats, and the sum of two quantised tensors with scales of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.arithmetic import Pointwise
from hlsgen.ops.host import unbounded
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import (
    Constants,
    Example,
    IntegerForm,
    NodeBuilder,
    OnnxBinding,
    QuantisedOutput,
    QuantisedValue,
    TensorOp,
    require,
)
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.step_function import pair_expression
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.requantise import choose_add, find_rounded_add
from hlsgen.requantise.cells import find_pair_form

Formula = Literal["float", "chain"]


@dataclass(frozen=True)
class Add(Pointwise):
    """a + b, with ONNX's broadcasting."""

    bindings = (
        OnnxBinding("Add", (2, 2), since=7),
        OnnxBinding(
            "QLinearAdd",
            (2, 2),
            "com.microsoft",
            integers=IntegerForm(((0, 1, 2), (3, 4, 5)), result=(6, 7)),
        ),
    )

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = unbounded(xp, arrays)
        return a + b

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        a, b = inputs
        narrow = all(v.type.is_integer and v.type.integer.bits <= 8 for v in inputs)
        failed = unless(
            (narrow, "an operand is not quantised to 8 bits"),
            (
                a.quantisation.per_tensor and b.quantisation.per_tensor,
                "an operand is quantised per channel",
            ),
            (a.type.shape == b.type.shape, f"the operands differ in shape: {a.type} and {b.type}"),
            (a.name != b.name, "both operands are the same value"),
            (a.constant is None and b.constant is None, "an operand is constant"),
        )
        if failed is not None:
            return failed
        # ONNX Runtime's integer kernel serves equal types only; otherwise it adds floats
        same = a.type.element == b.type.element == output.element
        formula: Formula = "chain" if same else "float"
        return build.node(QuantisedAdd.of(a, b, output, formula), [a.name, b.name])


@dataclass(frozen=True)
class QuantisedAdd(TensorOp):
    """clamp(RNE(real sum / scale) + zero_point, low, high) of two narrow integer tensors of one shape.

    ``formula`` names the float32 steps, which differ in up to two of the 65,536 pairs. ``float``: Dequantize, Add, Quantize as
    written in the model. ``chain``: ONNX Runtime's QLinearAdd (x86-64), numbers.md 3.1.
    """

    scale_a: float
    zero_a: int
    scale_b: float
    zero_b: int
    scale: float
    zero_point: int
    low: int
    high: int
    element_a: ElementType
    element_b: ElementType
    element: ElementType
    formula: Formula = "float"

    place = "hardware"

    @classmethod
    def of(
        cls, a: QuantisedValue, b: QuantisedValue, output: QuantisedOutput, formula: Formula
    ) -> QuantisedAdd:
        """The sum of two per-tensor quantised values."""
        return cls(
            a.quantisation.scale[0],
            a.quantisation.zero_point[0],
            b.quantisation.scale[0],
            b.quantisation.zero_point[0],
            output.scale,
            output.zero_point,
            output.low,
            output.high,
            a.type.integer,
            b.type.integer,
            output.element,
            formula,
        )

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        a, b = inputs
        require(a.shape == b.shape, self, "operands of one shape", f"{a} and {b}")
        fits = a.element == self.element_a and b.element == self.element_b
        require(fits, self, f"operands {self.element_a} and {self.element_b}", f"{a} and {b}")
        return TensorType(a.shape, self.element)

    def table(self) -> np.ndarray:
        """All results: entry [i, j] is for a = minimum of its type + i, b = minimum of its type + j."""
        a = np.arange(self.element_a.minimum, self.element_a.maximum + 1)[:, None]
        b = np.arange(self.element_b.minimum, self.element_b.maximum + 1)[None, :]
        return self.sums(a, b)

    def sums(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The results for arrays of integers that broadcast, int64."""
        steps = self._chain(a, b) if self.formula == "chain" else self._float(a, b)
        return np.clip(steps, self.low, self.high).astype(np.int64)

    def _float(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        real_a, real_b = self._reals(a, b)
        return np.rint((real_a + real_b) / np.float32(self.scale)) + self.zero_point

    def _reals(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What Dequantize makes of both operands."""
        real_a = (a - self.zero_a).astype(np.float32) * np.float32(self.scale_a)
        real_b = (b - self.zero_b).astype(np.float32) * np.float32(self.scale_b)
        return real_a, real_b

    def _chain(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        rate_a, inner = self._inner(b)
        return np.rint(_fused(a, rate_a, inner))

    def _inner(self, b: np.ndarray) -> tuple[np.float32, np.ndarray]:
        """The first operand's rate, and the result of the first fused multiply-add of the chain, of the second operand."""
        rate_a = np.float32(self.scale_a) / np.float32(self.scale)
        rate_b = np.float32(self.scale_b) / np.float32(self.scale)
        offset = _fused(
            -1.0, _fused(self.zero_a, rate_a, rate_b * np.float32(self.zero_b)), self.zero_point
        )
        return rate_a, _fused(b, rate_b, offset)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        a, b = arrays
        table = self.table()
        flat = xp.asarray(table.reshape(-1), device=getattr(a, "device", None))
        row = xp.astype(a, xp.int64) - self.element_a.minimum
        column = xp.astype(b, xp.int64) - self.element_b.minimum
        index = xp.reshape(row * table.shape[1] + column, (-1,))
        return xp.reshape(xp.take(flat, index, axis=0), a.shape)

    def lower(self, build: Lowering) -> None:
        """An elementwise process of two operands, exact for all pairs."""
        ratios = self.scale_a / self.scale, self.scale_b / self.scale
        elements = self.element_a, self.element_b
        zeros = self.zero_a, self.zero_b, self.zero_point
        table = self.table()
        sources, position = build.aligned()
        rounded = find_rounded_add(table, elements, ratios, zeros, self.low, self.high)
        if rounded is not None:
            build.result(build.rounded_add(sources, rounded, self.element), position)
            return
        op = choose_add(table, elements, ratios, self.low, self.high)
        if op is not None:
            build.result(build.elementwise(sources, op, self.element), position)
            return
        a = np.arange(self.element_a.minimum, self.element_a.maximum + 1)
        b = np.arange(self.element_b.minimum, self.element_b.maximum + 1)
        reals = self.addends(a, b)
        form = find_pair_form(table, reals[0].reshape(-1), reals[1].reshape(-1), "sum")
        assert not isinstance(form, int), (
            "float32 steps are monotone in the exact sum of two tables"
        )
        expression = pair_expression(form, elements, self.element)
        build.result(build.pointwise(sources, (), expression, self.element), position)

    def addends(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Float64 reals for both operands, of whose exact sum the result is a function that never decreases."""
        if self.formula == "float":
            reals = self._reals(a, b)
            return reals[0].astype(np.float64), reals[1].astype(np.float64)
        rate_a, inner = self._inner(b)
        return a * np.float64(rate_a), inner.astype(np.float64)

    @staticmethod
    def examples() -> tuple[Example, ...]:
        def case(formula: Formula, element: ElementType, low: int) -> Example:
            op = QuantisedAdd(0.039, -3, 0.104, 4, 0.0509, -1, low, 120, S8, element, S8, formula)
            shape = (1, 3, 4, 5)
            return Example(op, (TensorType(shape, S8), TensorType(shape, element)), {})

        return case("float", S8, -1), case("chain", U8, -128)


def _fused(a: Any, rate: Any, addend: Any) -> np.ndarray:
    """f32(a * rate + addend) with one rounding, as a fused multiply-add. ``a`` is a small integer, the others are float32.

    The product is exact in float64; the sum's rounding to float64 is undone before ties can be broken wrongly: the
    error term of the float64 sum (2Sum) decides where the sum lies exactly between two float32.
    """
    product = np.asarray(a, np.float64) * np.asarray(rate, np.float64)
    addend = np.asarray(addend, np.float64)
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    # round to odd: an inexact float64 sum with an even last bit moves one step towards the error
    even = (np.ascontiguousarray(total).view(np.int64).reshape(total.shape) & 1) == 0
    inexact = (error != 0) & even
    total = np.where(inexact, np.nextafter(total, np.where(error > 0, np.inf, -np.inf)), total)
    return total.astype(np.float32)

"""What convolutions and matrix products share: exact accumulator ranges, and quantised weights, biases and scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import HlsgenError, TypeMismatch
from hlsgen.ops.op import Constants, NodeBuilder, QuantisedOutput, QuantisedValue, TensorOp
from hlsgen.ops.reason import Reason, unless
from hlsgen.ops.requantise import Requantise, RequantiseSteps
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.requantise import FloatStep, choose_for

BIAS_SCALE_TOLERANCE = (1e-6, 0.01)
"""Absolute, plus of the scale: up to it ONNX Runtime 1.32 makes a QLinearConv, beyond it float operators (measured by bisection)."""
LARGEST_BIAS = 2.0**31
"""In accumulator steps: ONNX Runtime adds biases in 32 bits."""
_S32 = ElementType(32, True)
_MANY_BITS = 10
"""Results of more bits change at more places than a function of steps has."""
_FINE_SHARE, _ROUGH_SHARE = 1 / 1024, 1 / 2
"""Of a result's step the most that the step of sums may be where a bias is rounded to it: this moves a result by at most one."""


def accumulator_range(
    element: ElementType, zero: int, weights: np.ndarray, bias: np.ndarray | None
) -> tuple[int, int]:
    """Least and greatest of sum((x - zero) * w) + bias over all x of ``element`` and all outputs (axis 0 of w)."""
    flat = weights.reshape(weights.shape[0], -1).astype(object)
    positive = np.where(flat > 0, flat, 0).sum(axis=1)
    negative = np.where(flat < 0, flat, 0).sum(axis=1)
    low, high = element.minimum - zero, element.maximum - zero
    offset = 0 if bias is None else bias.astype(object)
    return int((positive * low + negative * high + offset).min()), int(
        (positive * high + negative * low + offset).max()
    )


def accumulator_type(
    op: TensorOp, element: ElementType, zero: int, constants: Constants
) -> ElementType:
    """The narrowest type for the accumulators of ``op``, from its actual weights; raises TypeMismatch if not constant."""
    weights = constants[1]
    bias = constants[2] if len(constants) == 3 else None
    if weights is None or (len(constants) == 3 and bias is None):
        raise TypeMismatch(
            op.name,
            "expected constant weights and bias, found weights that are computed from the input",
            "hlsgen makes hardware for products with constant weights only.",
        )
    low, high = accumulator_range(element, zero, weights, bias)
    # zero is where the sum starts, so the type holds it; the sum is signed hardware in any case
    return ElementType.holding(min(low, -1), max(high, 0))


def unless_weighted(x: QuantisedValue, w: QuantisedValue, axis: int) -> Reason | None:
    """A reason where products of ``x`` with ``w`` have no integer form; ``axis``: that of the outputs in the weights."""
    return unless(
        (w.constant is not None, "the weights are computed, not constant"),
        (w.type.is_integer, "the weights are reals, not quantised"),
        (w.type.size > 0, "the weights have no elements"),
        (x.quantisation.per_tensor, "the input is quantised per channel"),
        (
            w.quantisation.per_tensor or w.quantisation.axis == axis,
            f"the weights are quantised along axis {w.quantisation.axis}, not the output channels",
        ),
    )


def integer_weights(w: QuantisedValue, axis: int) -> np.ndarray:
    """The weights less their zero points, which lie along ``axis`` if there are several."""
    assert w.constant is not None
    shape = [1] * w.constant.ndim
    shape[axis] = -1
    return w.constant.astype(np.int64) - w.quantisation.zero_points().reshape(shape)


def product_scales(x: QuantisedValue, w: QuantisedValue) -> np.ndarray:
    """f32(sx * sw): the real value of one accumulator step, one per output channel or one."""
    return x.quantisation.scales() * w.quantisation.scales()


@dataclass(frozen=True, eq=False)
class Bias:
    """A bias (C,) of sums in their steps. ``integers`` are rounded to the nearest, ``below`` down; ``reals`` are float32 values, None where
    the integers are exact or all that is known."""

    integers: np.ndarray
    below: np.ndarray
    reals: np.ndarray | None = None

    @staticmethod
    def of(integers: np.ndarray) -> Bias:
        return Bias(integers, integers)

    def for_outputs(self, channels: int, count: int = 1) -> Bias:
        """One for each of ``channels``, ``count`` times in a row."""

        def repeated(values: np.ndarray) -> np.ndarray:
            return np.tile(np.broadcast_to(values.reshape(-1), (channels,)), count)

        reals = None if self.reals is None else repeated(self.reals)
        return Bias(repeated(self.integers), repeated(self.below), reals)


def requantised_sums(
    build: NodeBuilder,
    op: TensorOp,
    value: str,
    weights: np.ndarray,
    bias: Bias,
    x: QuantisedValue,
    w: QuantisedValue,
    output: QuantisedOutput,
) -> str | Reason:
    """``op(value, weights, bias)`` requantised; axis 0 of the integer ``weights`` counts outputs, ``w`` is what they were made of.

    Where the bias is not a whole number of steps, by float32 steps, if integers are proved to equal them for every sum, or if sums are asked for, which are
    without the bias then. Else it is rounded to steps if they are a small part of the result's, and refused if not.
    """

    def summed(integers: np.ndarray) -> str:
        operands = [
            value,
            build.integers(w.name, weights),
            build.integers(f"{w.name}_bias", integers),
        ]
        return build.node(op, operands)

    if bias.reals is not None and not output.bias_below:
        steps = _by_steps(x, weights, product_scales(x, w), bias.reals, output)
        if steps is not None:
            return build.node(steps, [summed(np.zeros_like(bias.integers))])
        share = float(product_scales(x, w).max()) / output.scale
        if share > (_ROUGH_SHARE if output.element.bits > _MANY_BITS else _FINE_SHARE):
            return Reason(
                f"its bias is not a whole number of its sums' steps, {share:.3g} of the result's, and no integer form of its float32 steps is proved"
            )
    sums = summed(bias.below if output.bias_below else bias.integers)
    return requantised(build, sums, x, w, output)


def requantised(
    build: NodeBuilder,
    accumulators: str,
    x: QuantisedValue,
    w: QuantisedValue,
    output: QuantisedOutput,
) -> str:
    """Accumulators requantised by S = f32(f32(sx * sw) / sy), as ONNX Runtime computes it.

    An output in 32 bits with S = 1 is the accumulators themselves (ConvInteger, MatMulInteger).
    """
    if output.shifted:
        return build.node(
            ShiftRequantise.to(output, float(product_scales(x, w)[0])), [accumulators]
        )
    with np.errstate(over="ignore"):  # infinite ones are refused where they are used
        scale = tuple(float(s) for s in product_scales(x, w) / np.float32(output.scale))
    if output.element.bits == _S32.bits and set(scale) == {1.0} and output.zero_point == 0:
        return accumulators
    return build.node(Requantise.to(output, scale), [accumulators])


def _by_steps(
    x: QuantisedValue,
    weights: np.ndarray,
    scales: np.ndarray,
    reals: np.ndarray,
    output: QuantisedOutput,
) -> RequantiseSteps | None:
    """Sums times their scales plus a real bias, then quantised; None where no integer form of it is proved."""
    count = len(weights)
    multiply: FloatStep = ("multiply", tuple(map(float, np.broadcast_to(scales, (count,)))))
    add: FloatStep = ("add", tuple(map(float, reals)))
    steps = RequantiseSteps.of(0, (multiply, add), output)
    if output.element.bits == _S32.bits:
        return steps
    flat = weights.reshape(count, -1)
    zero = x.quantisation.zero_point[0]
    ends = np.array([x.type.integer.minimum - zero, x.type.integer.maximum - zero])
    products = np.sort(flat[:, :, None] * ends, axis=2).sum(axis=1)
    try:
        choose_for(steps.rounding(products[:, 0], products[:, 1]))
    except HlsgenError:
        return None
    return steps


def integer_bias(
    x: QuantisedValue,
    w: QuantisedValue,
    bias: QuantisedValue | None,
    channels: int,
    disputed: bool = False,
) -> Bias | Reason:
    """The bias in accumulator steps; a reason if it is not constant, too large, or means nothing certain.

    ONNX Runtime takes the integers of a quantised bias as they are where the scale is sx * sw to ``BIAS_SCALE_TOLERANCE`` and the zero
    point 0. Others it computes on floats: they are rounded to accumulator steps. ``disputed``: of a Gemm, where its integer kernel
    takes an int32 bias as it is at any scale, and its float kernel as what it stands for.
    """
    if bias is None:
        return Bias.of(np.zeros(channels, np.int64))
    if bias.constant is None:
        return Reason("the bias is computed, not constant")
    steps = np.broadcast_to(product_scales(x, w).astype(np.float64), (channels,))
    scales = np.broadcast_to(bias.quantisation.scales().astype(np.float64), (channels,))
    zeros = bias.quantisation.zero_points()
    absolute, relative = BIAS_SCALE_TOLERANCE
    near = np.abs(scales - steps) <= absolute + relative * steps
    if bias.type.is_integer and np.all(near) and not np.any(zeros):
        return Bias.of(bias.constant.astype(np.int64))
    if disputed and bias.type.is_integer and bias.type.integer.bits == 32:
        return Reason(
            f"the bias has scale {scales[0]:.6g} and zero point {zeros[0]} where the product has {steps[0]:.6g} and 0: "
            "ONNX Runtime's kernels differ on what it means"
        )
    real = (bias.constant.astype(np.float64) - zeros) * scales
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # told below
        exact = real / steps
    rounded = np.rint(exact)
    if not np.all(np.abs(rounded) < LARGEST_BIAS):
        return Reason(
            f"the bias needs {np.abs(rounded).max():.3g} steps of the product's scale, more than 32 bits hold"
        )
    whole = bias.type.is_integer or bool(np.all(exact == rounded))
    reals = None if whole else real.astype(np.float32)
    return Bias(rounded.astype(np.int64), np.floor(exact).astype(np.int64), reals)

"""Float functions of one element: between Dequantize and Quantize each is a table of at most 256 entries.

What is only compared, added or multiplied is computed in float32, as ONNX Runtime does. Transcendental functions are computed in float64 and
rounded once; ONNX Runtime's kernels approximate them to a few units in the last place, so the frontend reads the table of a network off
ONNX Runtime itself (``frontend/tables.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, ClassVar

from hlsgen.ops.activation import ElementwiseOp
from hlsgen.ops.op import IntegerForm, OnnxBinding
from hlsgen.ops.tensor_type import AnyArray


class Precise(ElementwiseOp):
    """A function that ``function`` computes in float64."""

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        """The function of a float64 array."""
        raise NotImplementedError

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.astype(self.function(xp, xp.astype(arrays[0], xp.float64)), xp.float32)


@dataclass(frozen=True)
class Named(Precise):
    """The function of the array API that ``named`` names."""

    named: ClassVar[str]

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return getattr(xp, self.named)(x)


@dataclass(frozen=True)
class Exp(Named):
    """e to the power of x."""

    named = "exp"
    bindings = (OnnxBinding("Exp", (1, 1)),)


@dataclass(frozen=True)
class Log(Named):
    """The natural logarithm."""

    named = "log"
    bindings = (OnnxBinding("Log", (1, 1)),)


@dataclass(frozen=True)
class Sqrt(Named):
    """The square root."""

    named = "sqrt"
    bindings = (OnnxBinding("Sqrt", (1, 1)),)


@dataclass(frozen=True)
class Sin(Named):
    """The sine."""

    named = "sin"
    bindings = (OnnxBinding("Sin", (1, 1)),)


@dataclass(frozen=True)
class Cos(Named):
    """The cosine."""

    named = "cos"
    bindings = (OnnxBinding("Cos", (1, 1)),)


@dataclass(frozen=True)
class Tan(Named):
    """The tangent."""

    named = "tan"
    bindings = (OnnxBinding("Tan", (1, 1)),)


@dataclass(frozen=True)
class Atan(Named):
    """The arc tangent."""

    named = "atan"
    bindings = (OnnxBinding("Atan", (1, 1)),)


@dataclass(frozen=True)
class Asin(Named):
    """The arc sine."""

    named = "asin"
    bindings = (OnnxBinding("Asin", (1, 1)),)


@dataclass(frozen=True)
class Acos(Named):
    """The arc cosine."""

    named = "acos"
    bindings = (OnnxBinding("Acos", (1, 1)),)


@dataclass(frozen=True)
class Sinh(Named):
    """The hyperbolic sine."""

    named = "sinh"
    monotone = True
    bindings = (OnnxBinding("Sinh", (1, 1)),)


@dataclass(frozen=True)
class Cosh(Named):
    """The hyperbolic cosine."""

    named = "cosh"
    bindings = (OnnxBinding("Cosh", (1, 1)),)


@dataclass(frozen=True)
class Asinh(Named):
    """The area hyperbolic sine."""

    named = "asinh"
    monotone = True
    bindings = (OnnxBinding("Asinh", (1, 1)),)


@dataclass(frozen=True)
class Acosh(Named):
    """The area hyperbolic cosine."""

    named = "acosh"
    bindings = (OnnxBinding("Acosh", (1, 1)),)


@dataclass(frozen=True)
class Atanh(Named):
    """The area hyperbolic tangent."""

    named = "atanh"
    bindings = (OnnxBinding("Atanh", (1, 1)),)


@dataclass(frozen=True)
class Tanh(Named):
    """The hyperbolic tangent."""

    named = "tanh"
    monotone = True
    bindings = (OnnxBinding("Tanh", (1, 1)),)


@dataclass(frozen=True)
class Abs(Named):
    """|x|."""

    named = "abs"
    bindings = (OnnxBinding("Abs", (1, 1)),)


@dataclass(frozen=True)
class Sign(Named):
    """-1, 0 or 1."""

    named = "sign"
    monotone = True
    bindings = (OnnxBinding("Sign", (1, 1)),)


@dataclass(frozen=True)
class Floor(Named):
    """The greatest whole number not above x."""

    named = "floor"
    monotone = True
    bindings = (OnnxBinding("Floor", (1, 1)),)


@dataclass(frozen=True)
class Ceil(Named):
    """The least whole number not below x."""

    named = "ceil"
    monotone = True
    bindings = (OnnxBinding("Ceil", (1, 1)),)


@dataclass(frozen=True)
class Round(Named):
    """The nearest whole number, halves to even."""

    named = "round"
    monotone = True
    bindings = (OnnxBinding("Round", (1, 1)),)


@dataclass(frozen=True)
class Neg(ElementwiseOp):
    """-x."""

    bindings = (OnnxBinding("Neg", (1, 1)),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return -arrays[0]


@dataclass(frozen=True)
class Reciprocal(ElementwiseOp):
    """1 / x."""

    bindings = (OnnxBinding("Reciprocal", (1, 1)),)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return xp.ones_like(arrays[0]) / arrays[0]


@dataclass(frozen=True)
class Erf(Precise):
    """The error function."""

    monotone = True
    bindings = (OnnxBinding("Erf", (1, 1)),)

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return _erf(xp, x)


@dataclass(frozen=True)
class Sigmoid(Precise):
    """1 / (1 + exp(-x))."""

    monotone = True
    bindings = (
        OnnxBinding("Sigmoid", (1, 1)),
        OnnxBinding(
            "QLinearSigmoid",
            (1, 1),
            "com.microsoft",
            integers=IntegerForm(((0, 1, 2),), result=(3, 4)),
        ),
    )

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return _logistic(xp, x)


@dataclass(frozen=True)
class Swish(Precise):
    """x * sigmoid(slope * x); also called SiLU, and with a slope of 1.702 QuickGelu."""

    slope: float = 1.0

    bindings = (
        OnnxBinding("Swish", (1, 1), since=24, attributes={"alpha": "slope"}),
        OnnxBinding(
            "QuickGelu",
            (1, 1),
            "com.microsoft",
            attributes={"alpha": "slope"},
            fixed={"slope": 1.702},
        ),
    )

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return x * _logistic(xp, self.slope * x)


@dataclass(frozen=True)
class Gelu(Precise):
    """x * (1 + erf(x / sqrt(2))) / 2, or with ``approximate`` "tanh" x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2."""

    approximate: str = "none"

    bindings = (
        OnnxBinding("Gelu", (1, 1), since=20, attributes={"approximate": "approximate"}),
        OnnxBinding("Gelu", (1, 1), "com.microsoft"),
        OnnxBinding("FastGelu", (1, 1), "com.microsoft", fixed={"approximate": "tanh"}),
    )

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        if self.approximate == "tanh":
            return x * (1 + xp.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x))) / 2
        return x * (1 + _erf(xp, x / sqrt(2))) / 2


@dataclass(frozen=True)
class Softplus(Precise):
    """log(1 + exp(x))."""

    monotone = True
    bindings = (OnnxBinding("Softplus", (1, 1)),)

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return _softplus(xp, x)


@dataclass(frozen=True)
class Mish(Precise):
    """x * tanh(softplus(x))."""

    bindings = (OnnxBinding("Mish", (1, 1), since=18),)

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return x * xp.tanh(_softplus(xp, x))


@dataclass(frozen=True)
class Elu(Precise):
    """x, or scale * (exp(x) - 1) below zero."""

    scale: float = 1.0

    bindings = (OnnxBinding("Elu", (1, 1), attributes={"alpha": "scale"}),)

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return xp.where(x >= 0, x, self.scale * _expm1(xp, x))


@dataclass(frozen=True)
class Celu(Precise):
    """x, or scale * (exp(x / scale) - 1) below zero."""

    scale: float = 1.0

    bindings = (OnnxBinding("Celu", (1, 1), since=12, attributes={"alpha": "scale"}),)

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return xp.where(x >= 0, x, self.scale * _expm1(xp, x / self.scale))


@dataclass(frozen=True)
class Selu(Precise):
    """gain * x, or gain * scale * (exp(x) - 1) below zero."""

    scale: float = 1.67326319217681884765625
    gain: float = 1.05070102214813232421875

    bindings = (OnnxBinding("Selu", (1, 1), attributes={"alpha": "scale", "gamma": "gain"}),)

    def function(self, xp: Any, x: AnyArray) -> AnyArray:
        return self.gain * xp.where(x >= 0, x, self.scale * _expm1(xp, x))


def _logistic(xp: Any, x: AnyArray) -> AnyArray:
    """1 / (1 + exp(-x)) without overflow."""
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(x), small) / (1 + small)


def _softplus(xp: Any, x: AnyArray) -> AnyArray:
    """log(1 + exp(x)) without overflow."""
    return xp.clip(x, 0.0, None) + xp.log1p(xp.exp(-xp.abs(x)))


def _expm1(xp: Any, x: AnyArray) -> AnyArray:
    """exp(x) - 1 of what is below zero."""
    return xp.expm1(xp.clip(x, None, 0.0))


def _erf(xp: Any, x: AnyArray) -> AnyArray:
    """2 / sqrt(pi) * exp(-x**2) * sum of 2**n * x**(2n+1) / (1 * 3 * ... * (2n+1)), n >= 0 (Abramowitz and Stegun 7.1.6).

    All terms have one sign. Beyond 4 the float32 nearest is 1, and 100 terms reach the last bit of float64.
    """
    bounded = xp.clip(x, -4.5, 4.5)
    term = total = bounded
    for n in range(1, 100):
        term = term * (2 * bounded * bounded / (2 * n + 1))
        total = total + term
    return 2 / sqrt(pi) * xp.exp(-bounded * bounded) * total

"""Narrow float formats: float32 values rounded to those that a format has.

Formats: IEEE 754-2019 (binary16), bfloat16, and "FP8 Formats for Deep Learning" (Micikevicius et al., 2022) with the ``fnuz`` variants,
the scale type e8m0 and the four-bit type e2m1 of the OCP Microscaling specification 1.0, as ONNX has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.tensor_type import AnyArray, Element


@dataclass(frozen=True)
class FloatFormat:
    """``precision``: significant bits; ``least``: exponent of the least normal number; ``largest``: the greatest finite value.

    What lies beyond it is infinite where the format has infinities, else NaN where it has that, else the greatest value.
    """

    precision: int
    least: int
    largest: float
    has_infinity: bool = False
    has_nan: bool = True
    has_negative_zero: bool = True


FORMATS = {
    "f16": FloatFormat(11, -14, 65504.0, has_infinity=True),
    "bf16": FloatFormat(8, -126, (2 - 2.0**-7) * 2.0**127, has_infinity=True),
    "f8e4m3fn": FloatFormat(4, -6, 448.0),
    "f8e4m3fnuz": FloatFormat(4, -7, 240.0, has_negative_zero=False),
    "f8e5m2": FloatFormat(3, -14, 57344.0, has_infinity=True),
    "f8e5m2fnuz": FloatFormat(3, -15, 57344.0, has_negative_zero=False),
    "f4e2m1": FloatFormat(2, 0, 6.0, has_nan=False),
}
"""By element type; those that are absent are held as they are."""


def rounded(xp: Any, x: AnyArray, element: Element, saturate: bool = False) -> AnyArray:
    """``x`` rounded to the nearest values of a float format, ties to even; ``saturate``: finite values stay finite.

    The result is float32; for f32, f64 and integers it is ``x`` itself.
    """
    form = FORMATS.get(element) if isinstance(element, str) else None
    if form is None:
        return x
    device = getattr(x, "device", None)
    wide = xp.astype(x, xp.float64)
    finite = xp.isfinite(wide)
    size = xp.abs(xp.where(finite, wide, xp.zeros_like(wide)))
    powers = xp.asarray([2.0**k for k in range(form.least, 129)], dtype=xp.float64, device=device)
    above = xp.searchsorted(powers, xp.reshape(size, (-1,)), side="right")
    exponent = xp.reshape(xp.clip(above - 1, 0, None), size.shape)
    step = powers[exponent] * 2.0 ** (1 - form.precision)
    near = xp.round(size / step) * step
    beyond = form.largest if saturate or not form.has_nan else _beyond(form)
    near = xp.where(near > form.largest, xp.full_like(near, beyond), near)
    negative = wide < 0 if not form.has_negative_zero else xp.signbit(wide)
    near = xp.where(negative, -near, near)
    return xp.astype(xp.where(finite, near, _special(xp, wide, form, saturate)), xp.float32)


def _beyond(form: FloatFormat) -> float:
    return float("inf") if form.has_infinity else float("nan")


def _special(xp: Any, wide: AnyArray, form: FloatFormat, saturate: bool) -> AnyArray:
    """What infinities and NaN become."""
    if not form.has_nan:
        nan, infinity = -0.0, form.largest  # as ONNX's own cases have it
    else:
        nan, infinity = float("nan"), form.largest if saturate else _beyond(form)
    sign = xp.where(wide < 0, -xp.ones_like(wide), xp.ones_like(wide))
    return xp.where(xp.isnan(wide), xp.full_like(wide, nan), sign * infinity)


def power_of_two(xp: Any, x: AnyArray, mode: str) -> AnyArray:
    """``x`` as f8e8m0, a power of two from 2**-127 to 2**127 or NaN: ``mode`` up, down or nearest (ties up)."""
    device = getattr(x, "device", None)
    size = xp.abs(xp.astype(x, xp.float64))
    powers = xp.asarray([2.0**k for k in range(-127, 128)], dtype=xp.float64, device=device)
    flat = xp.reshape(xp.where(xp.isfinite(size), size, xp.zeros_like(size)), (-1,))
    lower = xp.clip(xp.searchsorted(powers, flat, side="right") - 1, 0, None)
    below = xp.reshape(powers[lower], size.shape)
    least = {"up": 1.0, "down": 2.0, "nearest": 1.5}[mode]
    up = size > below if mode == "up" else size >= least * below
    result = xp.clip(xp.where(up, 2 * below, below), None, 2.0**127)
    return xp.astype(
        xp.where(xp.isfinite(size), result, xp.full_like(size, float("nan"))), xp.float32
    )

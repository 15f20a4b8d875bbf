"""What random models are made of: quantised values, windows, weights and biases in every form that exporters write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import onnx

from hlsgen.frontend.reference import run_session
from support.quantised_models import ELEMENTS, QuantisedModel

Choice = TypeVar("Choice")
OPSETS = (10, 11, 12, 13, 15, 17, 18, 19, 21)


class NotRunnable(Exception):
    """A model that ONNX Runtime refuses: it says nothing about hlsgen."""


def answers(model: onnx.ModelProto, samples: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ONNX Runtime gives without optimisation, sample by sample; raises NotRunnable."""
    names = [value.name for value in model.graph.output]
    try:
        return run_session(model, samples, names, "unoptimised")
    except Exception as error:
        raise NotRunnable(str(error)) from error


@dataclass(frozen=True)
class Integers:
    """A quantised value: its name, shape, scale, zero point and element type."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero: int
    element: str


class RandomValues(QuantisedModel):
    """Random choices on the way to a model, deterministic for a seed."""

    def __init__(self, seed: int, rank: int | None = None) -> None:
        random = np.random.default_rng(seed)
        rank = int(random.choice([2, 3, 4, 4])) if rank is None else rank
        shape = (1, *(int(n) for n in random.integers(1, 8, rank - 1)))
        opset = int(random.choice(OPSETS))
        super().__init__(shape, str(random.choice(["u8", "s8"])), opset, seed)
        if self.one_in(3):
            self.zero = 0
        self.input = Integers("x", shape, float(self.scale), self.zero, self.element)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        return choices[int(self.random.integers(len(choices)))]

    def one_in(self, count: int) -> bool:
        return int(self.random.integers(count)) == 0

    def whole(self, low: int, high: int) -> int:
        """From ``low`` to ``high`` inclusive."""
        return int(self.random.integers(low, high + 1))

    def some(self, **attributes: Any) -> dict[str, Any]:
        """Attributes that are not None."""
        return {name: value for name, value in attributes.items() if value is not None}

    def scalar(self, value: Any, kind: Any) -> str:
        """A number as a 0-d constant or as one of extent 1 (which newer opsets read along an axis)."""
        return self.constant(np.asarray([value] if self.one_in(4) else value, kind))

    def numbers(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def real(self, x: Integers) -> str:
        """Dequantised, the zero point left out now and then where it is 0."""
        operands = [x.name, self.scalar(np.float32(x.scale), np.float32)]
        if x.zero or not self.one_in(3):
            operands.append(self.scalar(x.zero, ELEMENTS[x.element][0]))
        return self.node("DequantizeLinear", *operands)

    def integers(self, value: str, shape: tuple[int, ...], spread: float) -> Integers:
        """Quantised so that values of about ``spread`` fit, to another type now and then."""
        element = self.element if not self.one_in(4) else self.pick(["u8", "s8"])
        kind, low, high = ELEMENTS[element]
        zero = self.pick([0, low, high, self.whole(low, high)])
        scale = float(np.float32(spread * self.random.uniform(0.5, 2.5) / 128))
        operands = [value, self.scalar(np.float32(scale), np.float32)]
        if zero or element != "u8" or not self.one_in(3):
            operands.append(self.scalar(zero, kind))
        name = self.node("QuantizeLinear", *operands)
        return Integers(name, shape, scale, zero, element)

    def activated(self, value: str, spread: float) -> str:
        """Behind one of the functions that exporters put between an operator and its Quantize."""
        match self.pick(["none", "none", "Relu", "Clip", "Identity", "two"]):
            case "Relu" | "Identity" as function:
                return self.node(function, value)
            case "two":
                return self.clip(self.node("Relu", value), spread)
            case "Clip":
                return self.clip(value, spread)
        return value

    def clip(self, value: str, spread: float) -> str:
        low, high = sorted(self.random.uniform(-spread, spread, 2).astype(np.float32))
        given = self.pick(["both", "low", "high", "none"])
        if self.opset < 11:
            bounds = self.some(
                min=float(low) if given in ("both", "low") else None,
                max=float(high) if given in ("both", "high") else None,
            )
            return self.node("Clip", value, **bounds)
        first = self.constant(low) if given in ("both", "low") else ""
        second = [self.constant(high)] if given in ("both", "high") else []
        return self.node("Clip", value, first, *second)

    def window(self, x: Integers, dilations: bool = True, extent: int = 3) -> dict[str, Any]:
        """Kernel, strides, pads, dilations or auto_pad over the space of ``x``; left out where they are the default, now and then."""
        space = x.shape[2:]
        kernel = [self.whole(1, min(extent, n)) for n in space]
        strides = [self.whole(1, 3) for _ in space]
        steps = [
            self.whole(1, 2) if dilations and self.one_in(3) and 2 * k - 1 <= n else 1
            for k, n in zip(kernel, space, strict=True)
        ]
        attributes: dict[str, Any] = {"kernel_shape": kernel}
        if any(s > 1 for s in strides) or self.one_in(2):
            attributes["strides"] = strides
        if any(d > 1 for d in steps):
            attributes["dilations"] = steps
        match self.pick(["pads", "pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]):
            case "pads":
                attributes["pads"] = [self.whole(0, k - 1) for k in (*kernel, *kernel)]
            case auto_pad:
                attributes["auto_pad"] = auto_pad
        return attributes

    def spatial(self, x: Integers) -> Integers:
        """``x`` with an axis of channels and one or two of space."""
        if len(x.shape) in (3, 4):
            return x
        extents = (1, -1, 1, x.shape[-1]) if len(x.shape) == 2 else (1, -1, *x.shape[-2:])
        name = self.node("Reshape", x.name, self.numbers(extents))
        return replace(
            x,
            name=name,
            shape=(1, int(np.prod(x.shape)) // int(np.prod(extents[2:])), *extents[2:]),
        )

    def flat(self, x: Integers) -> Integers:
        name = self.node("Flatten", x.name, **self.pick([{}, {"axis": 1}]))
        return replace(x, name=name, shape=(1, int(np.prod(x.shape))))

    def filters(self, shape: tuple[int, ...], axis: int) -> tuple[str, np.ndarray]:
        """Dequantised weights of several forms, and their scales."""
        element = self.pick(["s8", "s8", "u8"])
        kind, low, high = ELEMENTS[element]
        count = shape[axis] if self.opset >= 13 and self.one_in(2) else 1
        scales = self.random.uniform(0.002, 0.01, count).astype(np.float32)
        array = self.random.integers(low, high + 1, shape).astype(kind)
        middle = (low + high + 1) // 2
        zeros = np.full(count, middle if self.one_in(2) else self.whole(low, high), kind)
        if count > 1 and self.one_in(3):
            zeros = self.random.integers(low, high + 1, count).astype(kind)
        if count == 1 and not self.one_in(4):
            scales, zeros = scales[0], zeros[0]
        operands = [self.constant(array), self.constant(scales)]
        if np.any(zeros) or not self.one_in(3):
            operands.append(self.constant(zeros))
        along = {} if count == 1 else {"axis": self.pick([axis, axis - len(shape)])}
        return self.node("DequantizeLinear", *operands, **along), scales

    def addend(self, shape: tuple[int, ...], steps: np.ndarray) -> str:
        """A bias: reals, or int32 in ``steps``."""
        if self.one_in(3):
            reals = self.random.normal(size=shape) * steps.mean() * 800
            return self.constant(reals.astype(np.float32))
        array = self.random.integers(-2000, 2000, shape).astype(np.int32)
        along = {"axis": 0} if steps.ndim and self.opset >= 13 else {}
        operands = [self.constant(array), self.constant(steps.astype(np.float32))]
        if self.one_in(2):
            operands.append(self.constant(np.zeros(steps.shape, np.int32)))
        return self.node("DequantizeLinear", *operands, **along)

    def quantised_weights(self, shape: tuple[int, ...], count: int) -> list[str]:
        element = self.pick(["s8", "s8", "u8"])
        kind, low, high = ELEMENTS[element]
        several = self.one_in(2)
        scales = self.random.uniform(0.002, 0.01, count if several else 1).astype(np.float32)
        zeros = np.full(scales.shape, 0 if element == "s8" else 128, kind)
        if self.one_in(3):
            zeros = np.full(scales.shape, self.whole(low, high), kind)
        if not several and self.one_in(2):
            scales, zeros = scales[0], zeros[0]
        array = self.random.integers(low, high + 1, shape).astype(kind)
        return [self.constant(array), self.constant(scales), self.constant(zeros)]

    def axes(self, operator: str, value: str, axes: list[int] | None) -> str:
        if self.opset < 11 and axes is not None:
            axes = [abs(a) for a in axes]
        if axes is None:
            return self.node(operator, value)
        if self.opset < 13:
            return self.node(operator, value, axes=axes)
        return self.node(operator, value, self.numbers(axes))

    def shape_of(self, value: str) -> tuple[int, ...]:
        """The shape that ONNX Runtime gives a value; raises NotRunnable where it refuses the model."""
        return tuple(answers(self.finish(value), self.samples(1))[value].shape[1:])

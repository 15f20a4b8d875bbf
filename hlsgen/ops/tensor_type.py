"""What is known of a tensor before its values are: shape, element type, quantisation."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from hlsgen.algebra.types import ElementType

AnyArray: TypeAlias = Any
"""An array of any array-API namespace (NumPy, CuPy, PyTorch)."""

F32: Final = "f32"
Float: TypeAlias = Literal[
    "f32",
    "f64",
    "f16",
    "bf16",
    "f8e4m3fn",
    "f8e4m3fnuz",
    "f8e5m2",
    "f8e5m2fnuz",
    "f8e8m0",
    "f4e2m1",
]
Element: TypeAlias = ElementType | Float
"""Of a tensor. Truth values are u1; the float types other than f32 are read and evaluated, and never become hardware."""


@dataclass(frozen=True)
class Quantisation:
    """real = (integer - zero_point) * scale. ``scale`` holds float32 values, one or one per index of ``axis``."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    @property
    def per_tensor(self) -> bool:
        return len(self.scale) == 1

    def scales(self) -> np.ndarray:
        return np.array(self.scale, np.float32)

    def zero_points(self) -> np.ndarray:
        return np.array(self.zero_point, np.int64)


@dataclass(frozen=True)
class TensorType:
    """Shape, element type and, where an integer stands for a real number, its quantisation."""

    shape: tuple[int, ...]
    element: Element
    quantisation: Quantisation | None = None

    @property
    def is_integer(self) -> bool:
        return isinstance(self.element, ElementType)

    @property
    def integer(self) -> ElementType:
        """The element type of an integer tensor; asking this of a float tensor is hlsgen's own mistake."""
        assert isinstance(self.element, ElementType), "a float tensor has no integer element type"
        return self.element

    @property
    def size(self) -> int:
        return prod(self.shape)

    def __str__(self) -> str:
        return f"{self.element}[{','.join(map(str, self.shape))}]"


def storage(element: Element) -> np.dtype:
    """The NumPy type in which tensors of this element type are held; floats narrower than f32 are held in float32."""
    if isinstance(element, ElementType):
        return element.storage
    return np.dtype(np.float64 if element == "f64" else np.float32)

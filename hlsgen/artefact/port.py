"""Ports of a design, and the places inside it where a process can be watched, as the manifest holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlsgen.algebra.types import ElementType

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class PortLayout:
    """How a graph value crosses the border: ``tensor.transpose(axes)`` reshaped to ``stream_shape``, row-major."""

    value: str
    channel: str
    tensor_shape: tuple[int, ...]
    axes: tuple[int, ...]
    stream_shape: tuple[int, int, int]
    element: ElementType

    def to_stream(self, tensor: np.ndarray) -> np.ndarray:
        """Samples of the value (samples, *shape without batch or with batch 1) as (samples, height, width, channels)."""
        samples = tensor.reshape(-1, *self.tensor_shape)
        moved = samples.transpose(0, *(axis + 1 for axis in self.axes))
        return moved.reshape(len(samples), *self.stream_shape)

    def to_tensor(self, stream: np.ndarray) -> np.ndarray:
        """(samples, height, width, channels) as (samples, *tensor_shape): the inverse of ``to_stream``."""
        moved = stream.reshape(len(stream), *(self.tensor_shape[axis] for axis in self.axes))
        return moved.transpose(0, *(self.axes.index(axis) + 1 for axis in range(len(self.axes))))


@dataclass(frozen=True)
class Port(PortLayout):
    """A value at the AXI4-Stream port with the prefix ``axis``: ``lanes`` neighbouring elements per word; the last word of a pixel may be
    partly filled. Raises ValueError for fields that contradict each other."""

    axis: str
    lanes: int = 1

    def __post_init__(self) -> None:
        if sorted(self.axes) != list(range(len(self.tensor_shape))):
            raise ValueError(
                f"axes {self.axes} are not a permutation of those of {self.tensor_shape}"
            )
        if math.prod(self.tensor_shape) != math.prod(self.stream_shape):
            raise ValueError(f"shapes {self.tensor_shape} and {self.stream_shape} differ in size")
        if self.lanes < 1:
            raise ValueError(f"{self.lanes} lanes")

    @property
    def words(self) -> int:
        """Words of one sample."""
        height, width, channels = self.stream_shape
        return height * width * -(-channels // self.lanes)

    @property
    def element_bytes(self) -> int:
        """Bytes that an element takes in a word."""
        return self.element.bytes

    @property
    def word_bytes(self) -> int:
        return self.lanes * self.element_bytes

    def as_json(self) -> dict[str, Any]:
        """The port in the manifest."""
        return {
            "axis": self.axis,
            "value": self.value,
            "channel": self.channel,
            "tensor_shape": list(self.tensor_shape),
            "axes": [int(axis) for axis in self.axes],
            "stream_shape": list(self.stream_shape),
            "element": str(self.element),
            "lanes": self.lanes,
            "words": self.words,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Port:
        """The inverse of ``as_json``; raises KeyError, TypeError, ValueError, HlsgenError."""
        height, width, channels = map(int, fields["stream_shape"])
        port = cls(
            value=str(fields["value"]),
            channel=str(fields["channel"]),
            tensor_shape=tuple(map(int, fields["tensor_shape"])),
            axes=tuple(map(int, fields["axes"])),
            stream_shape=(height, width, channels),
            element=ElementType.parse(fields["element"]),
            axis=str(fields["axis"]),
            lanes=int(fields["lanes"]),
        )
        if fields["words"] != port.words:
            raise ValueError(
                f"{fields['words']} words of {port.lanes} lanes for {height, width, channels}"
            )
        return port


@dataclass(frozen=True)
class ProcessPoint:
    """Where the output of a process can be recorded: port ``o`` of ``instance``; words of ``lanes`` elements."""

    name: str
    instance: str
    channel: str
    lanes: int

"""Sliding windows over space: the geometry that convolutions and pools share (1-D and 2-D)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from hlsgen.errors import TypeMismatch
from hlsgen.ops.limits import LARGEST_TENSOR, LARGEST_WINDOW, LARGEST_WORK
from hlsgen.ops.tensor_type import AnyArray, TensorType

PARTED = (
    "Write it as 2-D operators over each frame whose results are added (of a MaxPool: whose greatest is taken),"
    " or make channels of the third axis where the window covers all of it."
)
"""What to do with a window over three axes."""


@dataclass(frozen=True)
class Window:
    """Per spatial axis: kernel extent, stride, dilation; ``pads`` as in ONNX: all begins, then all ends."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]

    def __post_init__(self) -> None:
        rank = len(self.kernel)
        fits = (len(self.strides), len(self.pads), len(self.dilations)) == (rank, 2 * rank, rank)
        positive = all(n >= 1 for n in (*self.kernel, *self.strides, *self.dilations))
        if rank not in (1, 2) or not fits or not positive or any(n < 0 for n in self.pads):
            raise TypeMismatch(
                "window",
                f"expected a 1-D or 2-D window with positive extents, found {self}",
                PARTED
                if rank > 2
                else "Check kernel_shape, strides, pads and dilations in the model.",
            )

    def extents(self, shape: tuple[int, ...], ceil: bool = False) -> tuple[int, ...]:
        """Output extents over an input of spatial ``shape``; ``ceil`` as ONNX's ceil_mode."""
        rank, extents = len(self.kernel), []
        for k in range(rank):
            span = shape[k] + self.pads[k] + self.pads[k + rank] - self.reach(k)
            steps = -(-span // self.strides[k]) if ceil else span // self.strides[k]
            if ceil and steps * self.strides[k] >= shape[k] + self.pads[k]:
                steps -= 1  # a window that begins in the end padding does not exist
            extents.append(steps + 1)
        if min(extents) < 1:
            raise TypeMismatch(
                "window",
                f"expected an input of at least {[self.reach(k) for k in range(rank)]}, found {list(shape)}"
                f" with pads {list(self.pads)}",
                "Use a larger input or a smaller kernel.",
            )
        return tuple(extents)

    def check_size(self, shape: tuple[int, ...], results: tuple[int, ...], products: int) -> None:
        """Raises TypeMismatch where sliding over an operand of ``shape`` (N, C, *space) would take too much memory or work.

        ``results`` is the shape of the result, ``products`` how many elements of a window position go into one element of it.
        """
        rank = len(self.kernel)
        padded = prod(shape[:2]) * prod(
            shape[k + 2] + self.pads[k] + self.pads[k + rank] for k in range(rank)
        )
        figures = (
            ("elements in a window", prod(self.kernel), LARGEST_WINDOW),
            ("elements with padding", padded, LARGEST_TENSOR),
            (
                "elements taken into windows",
                prod(results) * prod(self.kernel) * products,
                LARGEST_WORK,
            ),
        )
        for what, count, limit in figures:
            if count > limit:
                raise TypeMismatch(
                    "window",
                    f"expected at most {limit:,} {what}, found {count:,} with kernel {list(self.kernel)}"
                    f" and pads {list(self.pads)} over {list(shape)}",
                    "Use a smaller kernel, smaller pads or a smaller input.",
                )

    def reach(self, axis: int) -> int:
        """Input positions from the first to the last element of the window."""
        return (self.kernel[axis] - 1) * self.dilations[axis] + 1

    def padded(self, xp: Any, x: AnyArray, value: float, extents: tuple[int, ...]) -> AnyArray:
        """``x`` surrounded by ``value``, as far as the windows of ``extents`` outputs reach."""
        rank = len(self.kernel)
        spans = tuple(
            max(x.shape[k + 2] + self.pads[k], (extents[k] - 1) * self.strides[k] + self.reach(k))
            for k in range(rank)
        )
        shape = (x.shape[0], x.shape[1], *spans)
        out = xp.full(shape, value, dtype=x.dtype, device=_device(x))
        inner = tuple(slice(self.pads[k], self.pads[k] + x.shape[k + 2]) for k in range(rank))
        out[(slice(None), slice(None), *inner)] = x
        return out

    def taps(
        self, padded: AnyArray, extents: tuple[int, ...]
    ) -> Iterator[tuple[tuple[int, ...], AnyArray]]:
        """For every window position: its index, and the (N, C, *extents) elements it meets."""
        for index in product(*(range(k) for k in self.kernel)):
            cut = tuple(
                slice(i * d, i * d + (n - 1) * s + 1, s)
                for i, d, s, n in zip(index, self.dilations, self.strides, extents, strict=True)
            )
            yield index, padded[(slice(None), slice(None), *cut)]


def _device(x: AnyArray) -> Any:
    """The device of an array, for namespaces in which that matters."""
    return getattr(x, "device", None)


def window_of(
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    pads: tuple[int, ...],
    dilations: tuple[int, ...],
    auto_pad: str,
    shape: tuple[int, ...],
) -> Window:
    """The window with ONNX's defaults (empty tuples) and ``auto_pad`` made explicit for spatial ``shape``."""
    rank = len(kernel)
    strides = strides or (1,) * rank
    dilations = dilations or (1,) * rank
    if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        if any(d > 1 for d in dilations):
            raise TypeMismatch(
                "window",
                f"expected auto_pad {auto_pad} without dilations, found {list(dilations)}: ONNX and ONNX Runtime"
                " pad differently there",
                "Give pads instead of auto_pad.",
            )
        begins, ends = [], []
        for k in range(rank):
            outputs = -(-shape[k] // strides[k])
            reach = (kernel[k] - 1) * dilations[k] + 1
            total = max(0, (outputs - 1) * strides[k] + reach - shape[k])
            small, large = total // 2, total - total // 2
            begins.append(small if auto_pad == "SAME_UPPER" else large)
            ends.append(large if auto_pad == "SAME_UPPER" else small)
        pads = (*begins, *ends)
    elif auto_pad == "VALID" or not pads:
        pads = (0,) * (2 * rank)
    return Window(kernel, strides, pads, dilations)


def require_map(operator: str, x: TensorType) -> None:
    """Raises TypeMismatch for an operand whose windows are not 1-D or 2-D."""
    if len(x.shape) not in (3, 4):
        remedy = "Give it three or four axes: samples, channels and places."
        raise TypeMismatch(
            operator,
            f"expected an operand (N, C, H, W) or (N, C, L), found {x}",
            PARTED if len(x.shape) > 4 else remedy,
        )

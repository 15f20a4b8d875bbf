"""The loops of network processes, and the indices by which they read and write."""

from __future__ import annotations

from hlsgen.algebra.affine import Affine
from hlsgen.dataflow.ir import Loop

POSITION = (Affine(0, (("y", 1),)), Affine(0, (("x", 1),)))
"""Row and column of the result."""


def repeated_index(own: tuple[int, ...], shape: tuple[int, int, int]) -> tuple[Affine, ...]:
    """The index at (y, x, g) of ``shape`` in a tensor of extents equal to it or 1."""
    return tuple(
        Affine(0, ((loop, 1),) if extent == whole else ())
        for loop, extent, whole in zip(("y", "x", "g"), own, shape, strict=True)
    )


def channel_index(per_group: int) -> Affine:
    """The output channel, ``per_group`` of which are of one group."""
    return Affine(0, (("g", per_group), ("o", 1)))


def nest(
    size: tuple[int, int], groups: int, per_group: int, kernel: tuple[int, int], inner: int
) -> tuple[Loop, ...]:
    """The loops y x g o | ky kx i: ``size`` (height, width) of the result, output channels ``per_group``, ``inner`` input channels of a group."""
    return (
        Loop("y", size[0]),
        Loop("x", size[1]),
        Loop("g", groups),
        Loop("o", per_group),
        Loop("ky", kernel[0], reduce=True),
        Loop("kx", kernel[1], reduce=True),
        Loop("i", inner, reduce=True),
    )

"""How large a network may be. Sizes are inferred and compared with these limits before anything of that size is allocated.

The limits lie well above what fits a board (VGG-16, 138 million weights, is read) and well below what a computer
can no longer hold or finish.
"""

from __future__ import annotations

from math import prod

from hlsgen.errors import BadFile

LARGEST_TENSOR = 1 << 27
"""Elements of a constant, an input, a result or a padded operand."""
LARGEST_RANK = 16
LARGEST_WINDOW = 1 << 18
"""Elements of a window (512 x 512)."""
LARGEST_WORK = 1 << 35
"""Products or sums of one operator for one sample; the largest layer of VGG-16 has fewer than 2^31."""


def check_shape(shape: tuple[int, ...], where: str) -> None:
    """Raises BadFile for a shape of negative or too many extents, or of too many elements."""
    remedy = "Repair the model; shapes like this come from a damaged file or a wrong export."
    if len(shape) > LARGEST_RANK:
        raise BadFile(
            where,
            f"expected a tensor of at most {LARGEST_RANK} dimensions, found {len(shape)}",
            remedy,
        )
    # An extent of 0 hides the others from the product, but not from what NumPy can address.
    size = prod(max(extent, 1) for extent in shape)
    if any(extent < 0 for extent in shape) or size > LARGEST_TENSOR:
        raise BadFile(
            where,
            f"expected a tensor of extents 0 or more and at most {LARGEST_TENSOR:,} elements, "
            f"found {list(shape)}",
            remedy,
        )

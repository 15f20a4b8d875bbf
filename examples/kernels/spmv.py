"""A sparse matrix times a vector; the matrix as compressed rows with at most LONGEST elements each."""

import numpy as np

import hlsgen
from hlsgen import In, Out, s16, s32

ROWS, COLUMNS, LONGEST = 16, 32, 6
ELEMENTS = ROWS * LONGEST


@hlsgen.kernel
def spmv(
    first: In[s16, ROWS + 1],
    column: In[s16, ELEMENTS],
    value: In[s32, ELEMENTS],
    x: In[s32, COLUMNS],
    y: Out[s32, ROWS],
) -> None:
    for i in range(ROWS):
        total = 0
        start = first[i]
        length = first[i + 1] - start
        for k in range(LONGEST):
            if k < length:
                total += value[start + k] * x[column[start + k]]
        y[i] = total


def inputs(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Rows of 0 to LONGEST elements."""
    lengths = random.integers(0, LONGEST + 1, ROWS)
    return {
        "first": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int16),
        "column": random.integers(0, COLUMNS, ELEMENTS).astype(np.int16),
        "value": random.integers(-(1 << 31), 1 << 31, ELEMENTS).astype(np.int32),
        "x": random.integers(-(1 << 31), 1 << 31, COLUMNS).astype(np.int32),
    }

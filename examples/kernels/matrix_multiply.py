"""A product of two matrices."""

import hlsgen
from hlsgen import In, Out, s32

ROWS, INNER, COLUMNS = 8, 16, 8


@hlsgen.kernel
def matrix_multiply(
    a: In[s32, ROWS, INNER], b: In[s32, INNER, COLUMNS], c: Out[s32, ROWS, COLUMNS]
) -> None:
    for i in range(ROWS):
        for j in range(COLUMNS):
            for k in range(INNER):
                c[i, j] += a[i, k] * b[k, j]

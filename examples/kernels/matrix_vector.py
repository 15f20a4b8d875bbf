"""A product of a matrix and a vector."""

import hlsgen
from hlsgen import In, Out, s32

ROWS, COLUMNS = 16, 32


@hlsgen.kernel
def matrix_vector(a: In[s32, ROWS, COLUMNS], x: In[s32, COLUMNS], y: Out[s32, ROWS]) -> None:
    for i in range(ROWS):
        total = 0
        for j in range(COLUMNS):
            total += a[i, j] * x[j]
        y[i] = total

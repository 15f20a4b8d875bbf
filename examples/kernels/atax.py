"""y = transposed A times (A times x) (PolyBench), in two loop nests."""

import hlsgen
from hlsgen import In, Out, s32

ROWS, COLUMNS = 12, 16


@hlsgen.kernel
def atax(
    a: In[s32, ROWS, COLUMNS],
    x: In[s32, COLUMNS],
    product: Out[s32, ROWS],
    y: Out[s32, COLUMNS],
) -> None:
    for i in range(ROWS):
        for j in range(COLUMNS):
            product[i] += a[i, j] * x[j]
    for j in range(COLUMNS):
        for i in range(ROWS):
            y[j] += a[i, j] * product[i]

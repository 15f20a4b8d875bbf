"""The two products of the biconjugate gradient method: s = r A, q = A p (PolyBench)."""

import hlsgen
from hlsgen import In, Out, s32

ROWS, COLUMNS = 12, 16


@hlsgen.kernel
def bicg(
    a: In[s32, ROWS, COLUMNS],
    p: In[s32, COLUMNS],
    r: In[s32, ROWS],
    s: Out[s32, COLUMNS],
    q: Out[s32, ROWS],
) -> None:
    for i in range(ROWS):
        for j in range(COLUMNS):
            s[j] += r[i] * a[i, j]
            q[i] += a[i, j] * p[j]

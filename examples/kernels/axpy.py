"""y = a * x + y."""

import hlsgen
from hlsgen import In, InOut, s32

ELEMENTS = 128


@hlsgen.kernel
def axpy(a: In[s32, 1], x: In[s32, ELEMENTS], y: InOut[s32, ELEMENTS]) -> None:
    for n in range(ELEMENTS):
        y[n] = a[0] * x[n] + y[n]

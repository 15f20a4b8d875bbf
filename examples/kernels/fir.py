"""A finite impulse response filter: y[n] = sum of h[k] * x[n + k]."""

import hlsgen
from hlsgen import In, Out, s32

TAPS, SAMPLES = 16, 64


@hlsgen.kernel
def fir(x: In[s32, SAMPLES + TAPS - 1], h: In[s32, TAPS], y: Out[s32, SAMPLES]) -> None:
    for n in range(SAMPLES):
        total = 0
        for k in range(TAPS):
            total += h[k] * x[n + k]
        y[n] = total

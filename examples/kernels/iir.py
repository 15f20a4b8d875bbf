"""A biquad (second-order infinite impulse response filter) in fixed point with 14 fractional bits, direct form 1."""

import numpy as np

import hlsgen
from hlsgen import In, Out, s16, s32

SAMPLES, FRACTION = 64, 14


@hlsgen.kernel
def iir(x: In[s16, SAMPLES], b: In[s32, 3], a: In[s32, 2], y: Out[s16, SAMPLES]) -> None:
    x1 = 0
    x2 = 0
    y1 = 0
    y2 = 0
    for n in range(SAMPLES):
        x0 = x[n]
        total = b[0] * x0 + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2
        y0 = total >> FRACTION
        y[n] = y0
        x2, x1 = x1, x0
        y2, y1 = y1, y0


def inputs(random: np.random.Generator) -> dict[str, np.ndarray]:
    """A low pass, and noise."""
    return {
        "x": random.integers(-8000, 8000, SAMPLES).astype(np.int16),
        "b": np.array([1105, 2210, 1105], np.int32),
        "a": np.array([-18727, 6763], np.int32),
    }

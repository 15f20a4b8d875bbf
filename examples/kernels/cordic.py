"""Sine and cosine by rotations (Volder, 1959), angles and results with 14 fractional bits."""

import math

import numpy as np

import hlsgen
from hlsgen import In, Out, s32

SAMPLES, STEPS, FRACTION = 16, 14, 14
ANGLES = [round(math.atan(2.0**-k) * 2**FRACTION) for k in range(STEPS)]
GAIN = round(math.prod(1 / math.sqrt(1 + 4.0**-k) for k in range(STEPS)) * 2**FRACTION)


@hlsgen.kernel
def cordic(angle: In[s32, SAMPLES], cosine: Out[s32, SAMPLES], sine: Out[s32, SAMPLES]) -> None:
    for n in range(SAMPLES):
        x = GAIN
        y = 0
        z = angle[n]
        for k in range(STEPS):
            positive = z >= 0
            dx = y >> k
            dy = x >> k
            dz = ANGLES[k]
            x = x - dx if positive else x + dx
            y = y + dy if positive else y - dy
            z = z - dz if positive else z + dz
        cosine[n] = x
        sine[n] = y


def inputs(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Angles from -pi / 2 to pi / 2."""
    largest = round(math.pi / 2 * 2**FRACTION)
    return {"angle": random.integers(-largest, largest, SAMPLES).astype(np.int32)}

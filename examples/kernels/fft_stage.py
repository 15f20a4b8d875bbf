"""One radix-2 stage of a fast Fourier transform, in place, with twiddle factors of 14 fractional bits."""

import numpy as np

import hlsgen
from hlsgen import In, InOut, s16, s32

POINTS, HALF, FRACTION = 64, 8, 14


@hlsgen.kernel
def fft_stage(
    real: InOut[s32, POINTS],
    imaginary: InOut[s32, POINTS],
    cosine: In[s16, HALF],
    sine: In[s16, HALF],
) -> None:
    for group in range(POINTS // (2 * HALF)):
        for k in range(HALF):
            top = 2 * HALF * group + k
            bottom = top + HALF
            r = (real[bottom] * cosine[k] + imaginary[bottom] * sine[k]) >> FRACTION
            i = (imaginary[bottom] * cosine[k] - real[bottom] * sine[k]) >> FRACTION
            real[bottom] = real[top] - r
            imaginary[bottom] = imaginary[top] - i
            real[top] = real[top] + r
            imaginary[top] = imaginary[top] + i


def inputs(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Samples of 16 bits and the twiddle factors of the stage."""
    angle = np.pi * np.arange(HALF) / HALF
    return {
        "real": random.integers(-(1 << 15), 1 << 15, POINTS).astype(np.int32),
        "imaginary": random.integers(-(1 << 15), 1 << 15, POINTS).astype(np.int32),
        "cosine": np.round(np.cos(angle) * ((1 << FRACTION) - 1)).astype(np.int16),
        "sine": np.round(np.sin(angle) * ((1 << FRACTION) - 1)).astype(np.int16),
    }

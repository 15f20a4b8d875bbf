"""How often each of 32 values occurs."""

import numpy as np

import hlsgen
from hlsgen import In, InOut, s32, u8

SAMPLES, BINS = 96, 32


@hlsgen.kernel
def histogram(x: In[u8, SAMPLES], counts: InOut[s32, BINS]) -> None:
    for n in range(SAMPLES):
        counts[x[n]] += 1


def inputs(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Samples below BINS, many of them equal."""
    x = random.integers(0, BINS, SAMPLES) // random.integers(1, 9, SAMPLES)
    return {"x": x.astype(np.uint8), "counts": np.zeros(BINS, np.int32)}

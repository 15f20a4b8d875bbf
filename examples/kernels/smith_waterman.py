"""The best local alignment of two sequences (Smith and Waterman, 1981), one row of scores kept."""

import numpy as np

import hlsgen
from hlsgen import In, InOut, Out, s16, s32, u8

LENGTH_A, LENGTH_B = 12, 16
MATCH, MISMATCH, GAP = 2, -1, 2


@hlsgen.kernel
def smith_waterman(
    a: In[u8, LENGTH_A], b: In[u8, LENGTH_B], scores: InOut[s16, LENGTH_B], best: Out[s32, LENGTH_A]
) -> None:
    highest = 0
    for i in range(LENGTH_A):
        left = 0
        diagonal = 0
        for j in range(LENGTH_B):
            above = scores[j]
            match = diagonal + (MATCH if a[i] == b[j] else MISMATCH)
            score = max(0, match, above - GAP, left - GAP)
            scores[j] = score
            diagonal = above
            left = score
            highest = max(highest, score)
        best[i] = highest


def inputs(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Sequences of four letters."""
    return {
        "a": random.integers(0, 4, LENGTH_A).astype(np.uint8),
        "b": random.integers(0, 4, LENGTH_B).astype(np.uint8),
        "scores": np.zeros(LENGTH_B, np.int16),
    }

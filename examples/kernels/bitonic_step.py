"""One step of a bitonic sort (Batcher, 1968): pairs at a distance are put in ascending or descending order."""

import hlsgen
from hlsgen import InOut, s32

ELEMENTS, DISTANCE, BLOCK = 64, 8, 32


@hlsgen.kernel
def bitonic_step(x: InOut[s32, ELEMENTS]) -> None:
    for group in range(ELEMENTS // (2 * DISTANCE)):
        for k in range(DISTANCE):
            lower = 2 * DISTANCE * group + k
            upper = lower + DISTANCE
            a = x[lower]
            b = x[upper]
            if (lower & BLOCK) == 0:
                x[lower] = min(a, b)
                x[upper] = max(a, b)
            else:
                x[lower] = max(a, b)
                x[upper] = min(a, b)

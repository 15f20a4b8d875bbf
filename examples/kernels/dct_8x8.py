"""The discrete cosine transform of an 8x8 block: rows, then columns, with a table of 12 fractional bits."""

import math

import hlsgen
from hlsgen import In, Out, s16, s32

FRACTION = 12
TABLE = [
    [
        round(
            (math.sqrt(1 / 8) if k == 0 else 0.5) * math.cos((2 * n + 1) * k * math.pi / 16) * 4096
        )
        for n in range(8)
    ]
    for k in range(8)
]


@hlsgen.kernel
def dct_8x8(block: In[s16, 8, 8], rows: Out[s32, 8, 8], out: Out[s16, 8, 8]) -> None:
    for y in range(8):
        for k in range(8):
            total = 0
            for n in range(8):
                total += block[y, n] * TABLE[k][n]
            rows[y, k] = total >> FRACTION
    for k in range(8):
        for x in range(8):
            total = 0
            for n in range(8):
                total += rows[n, x] * TABLE[k][n]
            out[k, x] = (total + (1 << (FRACTION - 1))) >> FRACTION

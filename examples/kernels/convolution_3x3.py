"""A 3x3 convolution of an 8-bit picture with 8-bit weights."""

import hlsgen
from hlsgen import In, Out, s8, s32, u8

HEIGHT, WIDTH = 12, 16


@hlsgen.kernel
def convolution_3x3(
    picture: In[u8, HEIGHT, WIDTH], weights: In[s8, 3, 3], out: Out[s32, HEIGHT - 2, WIDTH - 2]
) -> None:
    for y in range(HEIGHT - 2):
        for x in range(WIDTH - 2):
            total = 0
            for i in range(3):
                for j in range(3):
                    total += picture[y + i, x + j] * weights[i, j]
            out[y, x] = total

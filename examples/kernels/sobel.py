"""Edges of a picture: the Sobel operator, |horizontal| + |vertical| gradient, at most 255."""

import hlsgen
from hlsgen import In, Out, u8

HEIGHT, WIDTH = 12, 16


@hlsgen.kernel
def sobel(picture: In[u8, HEIGHT, WIDTH], edges: Out[u8, HEIGHT, WIDTH]) -> None:
    for y in range(1, HEIGHT - 1):
        for x in range(1, WIDTH - 1):
            left = picture[y - 1, x - 1] + 2 * picture[y, x - 1] + picture[y + 1, x - 1]
            right = picture[y - 1, x + 1] + 2 * picture[y, x + 1] + picture[y + 1, x + 1]
            above = picture[y - 1, x - 1] + 2 * picture[y - 1, x] + picture[y - 1, x + 1]
            below = picture[y + 1, x - 1] + 2 * picture[y + 1, x] + picture[y + 1, x + 1]
            edges[y, x] = min(abs(right - left) + abs(below - above), 255)

"""The nearest of some centres for every point, by squared distance, and that distance."""

import hlsgen
from hlsgen import In, Out, s16, s32, u8

POINTS, CENTRES, DIMENSIONS = 16, 4, 4


@hlsgen.kernel
def kmeans_distance(
    points: In[s16, POINTS, DIMENSIONS],
    centres: In[s16, CENTRES, DIMENSIONS],
    nearest: Out[u8, POINTS],
    distances: Out[s32, POINTS],
) -> None:
    for n in range(POINTS):
        best = 0x7FFFFFFF
        chosen = 0
        for c in range(CENTRES):
            distance = 0
            for d in hlsgen.unroll(range(DIMENSIONS)):
                difference = (points[n, d] - centres[c, d]) >> 2
                distance += difference * difference
            if distance < best:
                best = distance
                chosen = c
        nearest[n] = chosen
        distances[n] = best

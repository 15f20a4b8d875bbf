"""How many iterations of z -> z * z + c stay inside the circle of radius 2, in fixed point with 12 fractional bits."""

import numpy as np

import hlsgen
from hlsgen import Out, u8

HEIGHT, WIDTH, ITERATIONS, FRACTION = 6, 8, 12, 12


@hlsgen.kernel
def mandelbrot(counts: Out[u8, HEIGHT, WIDTH]) -> None:
    for row in range(HEIGHT):
        for column in range(WIDTH):
            real = np.int32(0)
            imaginary = np.int32(0)
            count = 0
            for _ in range(ITERATIONS):
                square = (real * real) >> FRACTION
                square_of_imaginary = (imaginary * imaginary) >> FRACTION
                inside = square + square_of_imaginary <= 4 << FRACTION
                product = (real * imaginary) >> (FRACTION - 1)
                if inside:
                    real = square - square_of_imaginary + (1536 * column - 8192)
                    imaginary = product + (1638 * row - 4096)
                    count += 1
            counts[row, column] = count

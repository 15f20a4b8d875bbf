"""Single layers for a fabric, whose use of its multiply-accumulate units is measured."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.scalar import RequantiseFloat32
from hlsgen.algebra.types import S8
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Dataflow


def matrix_product(pixels: int = 8, inner: int = 128, outputs: int = 64) -> Dataflow:
    """A Gemm of 8 * ``pixels`` rows, K = ``inner``, ``outputs`` columns: on 8 x 8 elements ``pixels`` * ``outputs`` / 8 tiles."""
    return _layer("gemm", (8, pixels, inner), outputs, PlanarWindow((1, 1)), None)


def convolution_of_resnet8() -> Dataflow:
    """The second layer of ResNet-8: 3 x 3 over 32 x 32 pixels of 16 channels, to 16 channels."""
    return _layer("conv", (32, 32, 16), 16, PlanarWindow((3, 3), before=(1, 1)), -128)


def _layer(
    name: str, shape: tuple[int, int, int], outputs: int, window: PlanarWindow, outside: int | None
) -> Dataflow:
    random = np.random.default_rng(0)
    build = DataflowBuilder(name)
    source = build.input("x", shape, S8)
    weights = random.integers(-127, 128, (1, outputs, *window.kernel, shape[2]))
    scale = 2.0**32 / (70 * 70 * np.sqrt(weights[0, 0].size)) * 40
    multiplier = np.rint(scale * random.uniform(0.7, 1.4, outputs)).astype(np.int64)
    bias = random.integers(-999, 1000, outputs)
    finish = Epilogue(S8, RequantiseFloat32(32, -3, -128, 127), (multiplier,), bias)
    size = shape[:2]
    build.output(build.multiply_accumulate(name, source, weights, window, size, finish, outside))
    return build.build()

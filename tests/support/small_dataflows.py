"""Small dataflows for the tests of schedulers."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.scalar import QuantisedAdd, RequantiseMultiplyShift
from hlsgen.algebra.types import S8
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Dataflow

Shape = tuple[int, int, int]


def _finish(random: np.random.Generator, channels: int) -> Epilogue:
    constants = (
        random.integers(1 << 15, 1 << 16, channels),
        random.integers(0, 1 << 23, channels),
    )
    bias = random.integers(-999, 999, channels)
    return Epilogue(S8, RequantiseMultiplyShift(24, -128, 127), constants, bias)


def convolution(
    build: DataflowBuilder,
    name: str,
    source: str,
    channels: int,
    kernel: int = 3,
    stride: int = 1,
    seed: int = 0,
) -> str:
    """A padded convolution with random weights; returns its channel."""
    random = np.random.default_rng(seed)
    height, width, inner = build.channels[source].shape
    size = (-(-height // stride), -(-width // stride))
    before = (kernel - 1) // 2
    window = PlanarWindow((kernel, kernel), (stride, stride), (1, 1), (before, before))
    weights = random.integers(-128, 128, (1, channels, kernel, kernel, inner))
    outside = 0 if kernel > 1 else None
    finish = _finish(random, channels)
    return build.multiply_accumulate(name, source, weights, window, size, finish, outside)


def chain(shape: Shape, layers: tuple[tuple[int, int, int], ...], seed: int = 0) -> Dataflow:
    """Convolutions one after the other, each (channels, kernel, stride)."""
    build = DataflowBuilder("chain")
    channel = build.input("x", shape, S8)
    for k, (channels, kernel, stride) in enumerate(layers):
        channel = convolution(build, f"conv{k}", channel, channels, kernel, stride, seed + k)
    build.output(channel)
    return build.build()


def residual(shape: Shape, deep: int = 2) -> Dataflow:
    """x plus ``deep`` 3x3 convolutions of x: a fork and a join whose branches differ in delay."""
    build = DataflowBuilder("residual")
    source = channel = build.input("x", shape, S8)
    for k in range(deep):
        channel = convolution(build, f"conv{k}", channel, shape[2], seed=k)
    add = QuantisedAdd(600000, 500000, 1 << 19, 20, -128, 127)
    build.output(build.elementwise("join", [channel, source], add, S8))
    return build.build()

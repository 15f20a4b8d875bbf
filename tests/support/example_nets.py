"""Small random dataflows of every process kind, for the tests of schedulers, emission and simulation."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.scalar import QuantisedAdd, RequantiseFloat32, RequantiseMultiplyShift
from hlsgen.algebra.types import S8
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Dataflow


def requantise(
    random: np.random.Generator, channels: int, products: int, exact: bool = False
) -> Epilogue:
    """A requantisation that spreads ``products`` random int8 products over int8; ``exact``: the float32 form."""
    bias = random.integers(-500, 500, channels)
    scale = 1 / (60 * np.sqrt(products)) * random.uniform(0.7, 1.4, channels)
    zero_point = int(random.integers(-20, 20))
    if exact:
        q = 31
        multiplier = np.round(scale * 2**q).astype(np.int64)
        return Epilogue(S8, RequantiseFloat32(q, zero_point, -128, 127), (multiplier,), bias)
    shift = 22
    multiplier = np.round(scale * 2**shift).astype(np.int64)
    rounding = random.integers(0, 2**shift, channels) + (zero_point << shift)
    return Epilogue(S8, RequantiseMultiplyShift(shift, -128, 127), (multiplier, rounding), bias)


def weights(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Random int8 weights (g, o, ky, kx, i)."""
    return random.integers(-127, 128, shape)


def convolution_net(seed: int = 0) -> Dataflow:
    """6x5x3 -> conv 3x3 pad 1 (5 channels) -> conv 1x1 (4) -> full-window Gemm (3)."""
    random = np.random.default_rng(seed)
    build = DataflowBuilder("convolution_net")
    x = build.input("x", (6, 5, 3), S8)
    window = PlanarWindow((3, 3), before=(1, 1))
    x = build.multiply_accumulate(
        "conv1", x, weights(random, 1, 5, 3, 3, 3), window, (6, 5), requantise(random, 5, 27), 3
    )
    x = build.multiply_accumulate(
        "conv2",
        x,
        weights(random, 1, 4, 1, 1, 5),
        PlanarWindow((1, 1)),
        (6, 5),
        requantise(random, 4, 5, exact=True),
    )
    x = build.multiply_accumulate(
        "gemm",
        x,
        weights(random, 1, 3, 6, 5, 4),
        PlanarWindow((6, 5)),
        (1, 1),
        requantise(random, 3, 120),
    )
    build.output(x)
    return build.build()


def depthwise_net(seed: int = 0) -> Dataflow:
    """9x7x4 -> depthwise 3x3 stride 2 pad 1 -> grouped 1x1 (2 groups) -> max pool 2x2 -> global sum."""
    random = np.random.default_rng(seed)
    build = DataflowBuilder("depthwise_net")
    x = build.input("x", (9, 7, 4), S8)
    window = PlanarWindow((3, 3), stride=(2, 2), before=(1, 1))
    x = build.multiply_accumulate(
        "depthwise", x, weights(random, 4, 1, 3, 3, 1), window, (5, 4), requantise(random, 4, 9), -2
    )
    x = build.multiply_accumulate(
        "grouped",
        x,
        weights(random, 2, 3, 1, 1, 2),
        PlanarWindow((1, 1)),
        (5, 4),
        requantise(random, 6, 2),
    )
    x = build.window_maximum(
        "maximum", x, PlanarWindow((2, 2), stride=(2, 2)), (2, 2), Epilogue(S8)
    )
    mean = Epilogue(
        S8, RequantiseMultiplyShift(10, -128, 127), (np.array([256]), np.array([512])), None
    )
    x = build.window_sum("mean", x, PlanarWindow((2, 2)), (1, 1), mean)
    build.output(x)
    return build.build()


def residual_net(seed: int = 0) -> Dataflow:
    """8x8x3 -> conv a; a -> conv b -> conv c; add(a, c) -> max pool 3x3 stride 2 pad 1; two branches of unequal delay."""
    random = np.random.default_rng(seed)
    build = DataflowBuilder("residual_net")
    x = build.input("x", (8, 8, 3), S8)
    window = PlanarWindow((3, 3), before=(1, 1))

    def convolution(name: str, source: str, inner: int) -> str:
        return build.multiply_accumulate(
            name,
            source,
            weights(random, 1, 4, 3, 3, inner),
            window,
            (8, 8),
            requantise(random, 4, 9 * inner),
            0,
        )

    a = convolution("a", x, 3)
    c = convolution("c", convolution("b", a, 4), 4)
    add = QuantisedAdd(75000, 61000, 1 << 16, 17, -128, 127, ((3, 5, -7),))
    joined = build.elementwise("add", (a, c), add, S8)
    pool = PlanarWindow((3, 3), stride=(2, 2), before=(1, 1))
    build.output(build.window_maximum("pool", joined, pool, (4, 4), Epilogue(S8)))
    return build.build()


def vector_net(seed: int = 0) -> Dataflow:
    """1x1x10 -> Gemm 7 -> Gemm 3: an autoencoder's shape."""
    random = np.random.default_rng(seed)
    build = DataflowBuilder("vector_net")
    x = build.input("x", (1, 1, 10), S8)
    for name, inner, outer in (("gemm1", 10, 7), ("gemm2", 7, 3)):
        x = build.multiply_accumulate(
            name,
            x,
            weights(random, 1, outer, 1, 1, inner),
            PlanarWindow((1, 1)),
            (1, 1),
            requantise(random, outer, inner),
        )
    build.output(x)
    return build.build()


EXAMPLE_NETS = (convolution_net, depthwise_net, residual_net, vector_net)


def random_inputs(dataflow: Dataflow, samples: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random values for every input channel: (samples, height, width, channels)."""
    random = np.random.default_rng(seed)
    return {
        name: random.integers(
            dataflow.channels[name].element.minimum,
            dataflow.channels[name].element.maximum + 1,
            (samples, *dataflow.channels[name].shape),
        )
        for name in dataflow.inputs
    }

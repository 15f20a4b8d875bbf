"""Random small networks and fabrics, deterministic for a seed: every template with odd sizes, strides, dilations and paddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from hlsgen.algebra.scalar import (
    Clamp,
    QuantisedAdd,
    RequantiseFloat32,
    RequantiseMultiplyShift,
    Table,
)
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.ir import Dataflow
from hlsgen.fabric.file import check_fabric
from hlsgen.fabric.ir import Fabric
from hlsgen.lowering.node import copy
from hlsgen.requantise.add import RoundedAdd
from support.example_nets import requantise, weights
from support.network_fabric import network_fabric

Item = TypeVar("Item")
KINDS = (
    *("convolution", "convolution", "depthwise", "depthwise", "grouped", "gemm", "maximum"),
    *("mean", "global_mean", "add", "rounded_add", "clamp", "table", "scale", "order"),
)


@dataclass(eq=False)
class RandomNetwork:
    """Adds random layers to ``build``; ``channels`` that later layers may read."""

    random: np.random.Generator
    build: DataflowBuilder = field(default_factory=lambda: DataflowBuilder("random"))
    channels: list[str] = field(default_factory=list)

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self.random.integers(len(items)))]

    def whole(self, low: int, high: int) -> int:
        """From ``low`` to ``high`` inclusive."""
        return int(self.random.integers(low, high + 1))

    def dataflow(self) -> Dataflow:
        for number in range(self.whole(1, 2)):
            shape = self.whole(1, 11), self.whole(1, 9), self.whole(1, 9)
            if self.whole(0, 4) == 0:
                shape = 1, 1, self.whole(1, 40)
            self.channels.append(self.build.input(f"x{number}", shape, self.pick((S8, S8, U8))))
        inputs = len(self.channels)
        for number in range(self.whole(1, 5)):
            self.channels.append(self.layer(self.pick(KINDS), number))
        written = self.channels[inputs:]
        for channel in written if self.whole(0, 1) else written[-1:]:
            self.build.output(channel)
        return self.build.build()

    def layer(self, kind: str, number: int) -> str:
        name, source = f"{kind}_{number}", self.pick(self.channels[-2:])
        channel = self.build.channels[source]
        (height, width, depth), element = channel.shape, channel.element
        result = self.pick((S8, S8, U8))
        match kind:
            case "convolution":
                return self.products(name, source, 1, self.whole(1, 13), result)
            case "depthwise":
                return self.products(name, source, depth, self.whole(1, 2), result)
            case "grouped":
                groups = self.pick([n for n in range(1, depth + 1) if depth % n == 0])
                return self.products(name, source, groups, self.whole(1, 5), result)
            case "gemm":
                taps = weights(self.random, 1, self.whole(1, 20), height, width, depth)
                finish = self.finish(taps, result)
                window = PlanarWindow((height, width))
                return self.build.multiply_accumulate(name, source, taps, window, (1, 1), finish)
            case "maximum":
                window, size, _ = self.window(height, width)
                return self.build.window_maximum(name, source, window, size, Epilogue(element))
            case "mean" | "global_mean":
                window, size, leaves = self.window(height, width)
                if kind == "global_mean":
                    window, size, leaves = PlanarWindow((height, width)), (1, 1), False
                outside = self.pick((element.minimum, 3)) if leaves else None
                finish = self.mean(window, result)
                return self.build.window_sum(name, source, window, size, finish, outside)
            case "add" | "rounded_add":
                same = [c for c in self.channels if self.build.channels[c].shape == channel.shape]
                return self.sum(name, (source, self.pick(same)), kind == "rounded_add", result)
            case "clamp":
                low, high = sorted(self.whole(element.minimum, element.maximum) for _ in range(2))
                return self.build.elementwise(name, (source,), Clamp(low, high), element)
            case "table":
                values = self.random.integers(result.minimum, result.maximum + 1, 256)
                table = Table(tuple(map(int, values)))
                return self.build.elementwise(name, (source,), table, result)
            case "scale":
                finish = self.finish(np.zeros((depth, 1, 1, 1, 60), int), result)
                return self.build.elementwise_by_channel(name, source, finish)
        order = np.arange(height * width * depth).reshape(channel.shape)
        order = order.transpose(self.random.permutation(3))
        shape = order.shape if self.whole(0, 2) else (1, 1, order.size)
        return copy(self.build, source, shape, order.reshape(-1), name)

    def products(
        self, name: str, source: str, groups: int, outputs: int, result: ElementType
    ) -> str:
        height, width, depth = self.build.channels[source].shape
        window, size, leaves = self.window(height, width)
        taps = weights(self.random, groups, outputs, *window.kernel, depth // groups)
        element = self.build.channels[source].element
        outside = self.whole(element.minimum, element.maximum) if leaves else None
        finish = self.finish(taps, result)
        return self.build.multiply_accumulate(name, source, taps, window, size, finish, outside)

    def window(self, height: int, width: int) -> tuple[PlanarWindow, tuple[int, int], bool]:
        """A window with its result's size, and whether it leaves the source."""
        axes = []
        for extent in (height, width):
            while True:
                kernel, stride, dilation = self.whole(1, 5), self.whole(1, 3), self.whole(1, 2)
                before, after = (self.whole(0, kernel - 1) * self.whole(0, 1) for _ in range(2))
                room = extent + before + after - (kernel - 1) * dilation - 1
                if room >= 0:
                    break
            size = room // stride + 1
            last = (size - 1) * stride - before + (kernel - 1) * dilation
            axes.append((kernel, stride, dilation, before, size, before > 0 or last >= extent))
        kernels, strides, dilations, befores, sizes, leaves = zip(*axes, strict=True)
        return PlanarWindow(kernels, strides, dilations, befores), sizes, any(leaves)

    def finish(self, taps: np.ndarray, result: ElementType) -> Epilogue:
        channels = taps.shape[0] * taps.shape[1]
        exact = bool(self.whole(0, 1))
        form = requantise(self.random, channels, int(np.prod(taps.shape[2:])), exact)
        if result is S8:
            return form
        op = form.op
        if isinstance(op, RequantiseFloat32):
            op = RequantiseFloat32(op.q, 100, self.whole(0, 60), 255)
        elif isinstance(op, RequantiseMultiplyShift):
            op = RequantiseMultiplyShift(op.shift, 0, 255)
        return Epilogue(result, op, form.constants, form.bias)

    def mean(self, window: PlanarWindow, result: ElementType) -> Epilogue:
        count = window.kernel[0] * window.kernel[1]
        if self.whole(0, 1):
            op = RequantiseFloat32(24, 3, result.minimum, result.maximum)
            return Epilogue(result, op, (np.array([round((1 << 24) / count)]),))
        shifted = RequantiseMultiplyShift(16, result.minimum, result.maximum)
        constants = np.array([round((1 << 16) / count)]), np.array([1 << 15])
        return Epilogue(result, shifted, constants, np.array([7 * count]))

    def sum(self, name: str, sources: tuple[str, str], rounded: bool, result: ElementType) -> str:
        low, high = result.minimum, result.maximum
        if rounded:
            op = RequantiseFloat32(3, 1, low, high)
            add = RoundedAdd(self.whole(1, 4), self.whole(1, 4), self.whole(-9, 9), op)
            return self.build.rounded_add(name, sources, add, result)
        factors = self.whole(20_000, 90_000), self.whole(20_000, 90_000)
        plain = QuantisedAdd(*factors, self.whole(-1 << 20, 1 << 20), 17, low, high)
        return self.build.elementwise(name, sources, plain, result)


def random_network(seed: int) -> Dataflow:
    """One or two inputs, up to five layers."""
    return RandomNetwork(np.random.default_rng(seed)).dataflow()


def random_fabric(seed: int) -> Fabric:
    """Up to 8 x 8 PEs, with tiles so small that some networks do not fit at once, and others not at all."""
    random = np.random.default_rng(seed)

    def pick(*choices: int) -> int:
        return choices[int(random.integers(len(choices)))]

    rows, columns = (int(random.integers(1, 9)) for _ in range(2))
    sizes = pick(4096, 4096, 1024, 510), pick(8192, 1024, 258), pick(256, 64, 16, 9)
    fabric = network_fabric(rows, columns, *sizes, generators=pick(2, 2, 2, 1, 3))
    latency = pick(2, 3, 4)
    kind = replace(
        fabric.pe_kinds[0],
        latencies=tuple((operator, latency) for operator in fabric.pe_kinds[0].operators),
    )
    fabric = replace(
        fabric,
        pe_kinds=(kind,),
        contexts=pick(1, 2, 2, 3),
        stages=pick(1, 4),
        word_bits=pick(9, 12, 16, 32),
        accumulator_bits=pick(32, 40),
        torus=bool(pick(0, 1)),
    )
    check_fabric(fabric)
    return fabric

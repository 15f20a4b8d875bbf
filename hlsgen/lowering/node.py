"""One node being lowered: what the ``lower`` of its operator sees (``hlsgen.ops.lowering``), on a dataflow builder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from hlsgen.algebra.expression import Expression
from hlsgen.algebra.scalar import ScalarOp
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.builder import DataflowBuilder, Epilogue, PlanarWindow
from hlsgen.dataflow.products import Factor, ProductShape, matrix_product, sum_type
from hlsgen.dataflow.runs import run_maximum, run_pointwise, run_squares, run_sum
from hlsgen.dataflow.step import product_sum_ranges, product_sum_type
from hlsgen.dataflow.tables import table_sum
from hlsgen.errors import UnsupportedOp
from hlsgen.graph.ir import Graph, Node
from hlsgen.lowering.broadcast import as_streamed, broadcast
from hlsgen.lowering.factors import first_factor, product_position, runs_along, second_factor
from hlsgen.lowering.layout import Placed, canonical_position, canonical_shape, is_whole
from hlsgen.lowering.moves import arranged, copy, join, surround
from hlsgen.ops.lowering import Scaling, SummedTables
from hlsgen.ops.requantise import Requantise, RequantiseMean, RequantiseSteps
from hlsgen.ops.shift import ShiftRequantise
from hlsgen.ops.tensor_type import TensorType
from hlsgen.ops.window import Window as TensorWindow
from hlsgen.requantise import choose_for, requantise
from hlsgen.requantise.add import RoundedAdd
from hlsgen.requantise.choice import float32_parameters


@dataclass(frozen=True, eq=False)
class NodeLowering:
    """One node being lowered. ``placed`` has every value lowered so far and takes the result.

    ``requantise`` is the only consumer of the node's accumulators, to be done by the same process; None if there is none.
    ``nudged``: whether requantisers may raise single accumulators, see ``requantise.choose``. ``loadable``: whether those behind weights are to
    be of the form that serves any scale.
    """

    graph: Graph
    node: Node
    requantise: Node | None
    builder: DataflowBuilder
    placed: dict[str, Placed] = field(repr=False)
    nudged: bool = True
    loadable: bool = False

    @property
    def where(self) -> str:
        """The node, for errors."""
        return f"{self.graph.name}, node {self.node.name} ({self.node.op.name})"

    @property
    def operands(self) -> int:
        return len(self.node.inputs)

    @property
    def output_value(self) -> str:
        """The graph value that the process computes."""
        return self.node.output if self.requantise is None else self.requantise.output

    @property
    def output_type(self) -> TensorType:
        return self.graph.types[self.output_value]

    def type(self, number: int) -> TensorType:
        """The type of an operand."""
        return self.graph.types[self.node.inputs[number]]

    def constant(self, number: int) -> np.ndarray:
        """A constant operand as int64."""
        value = self.graph.constants.get(self.node.inputs[number])
        assert value is not None, "types of products are inferred from constant weights only"
        return value.astype(np.int64)

    def known(self, number: int) -> np.ndarray | None:
        """A constant operand as int64; None for one that is computed."""
        value = self.graph.constants.get(self.node.inputs[number])
        return None if value is None else value.astype(np.int64)

    def operand(self, number: int) -> Placed:
        """Where an operand is, a whole stream in whatever order its producer writes; raises UnsupportedOp for a constant."""
        placed = self.placed_operand(number)
        if is_whole(placed.position, prod(self.channel_shape(placed.channel))):
            return placed
        return place_canonically(self.builder, self.placed, self.node.inputs[number], self.where)

    def placed_operand(self, number: int) -> Placed:
        """Where an operand's elements are; raises UnsupportedOp for a constant."""
        placed = self.placed.get(self.node.inputs[number])
        if placed is None:
            raise UnsupportedOp(
                self.where,
                f"expected operand {number} to be computed, found a constant",
                "Fold the constant into its neighbours before export.",
            )
        return placed

    def channel(self, number: int) -> str:
        """A channel with the operand in canonical order; adds a copying process where the order is another."""
        value = self.node.inputs[number]
        self.placed_operand(number)
        return place_canonically(self.builder, self.placed, value, self.where).channel

    def broadcast(self, numbers: Sequence[int], shape: tuple[int, ...]) -> list[str]:
        """Channels of computed operands that ``pointwise`` brings to ``shape``, by repeating what has extent 1; copies where it takes more."""
        placed = [self.placed_operand(k) for k in numbers]
        shapes = [self.type(k).shape for k in numbers]
        return broadcast(self.builder, placed, shapes, shape, self.where)

    def as_streamed(self, constants: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Constants of the result's shape as ``pointwise`` takes them: one integer for each channel, or (height, width, channels)."""
        return as_streamed(constants, self.output_type.shape)

    def aligned(self) -> tuple[tuple[str, str], np.ndarray]:
        """Channels with both operands in one order, and where their elements are."""
        first, second = (self.placed_operand(k) for k in range(2))
        shapes = [self.channel_shape(placed.channel) for placed in (first, second)]
        same = shapes[0] == shapes[1] and np.array_equal(first.position, second.position)
        if same and is_whole(first.position, prod(shapes[0])):
            return (first.channel, second.channel), first.position
        channels = self.channel(0), self.channel(1)
        return channels, canonical_position(self.type(0).shape)

    def gathered(self, channel: str, order: np.ndarray, shape: tuple[int, int, int]) -> str:
        """A new channel of ``shape`` whose element d is element ``order[d]`` of the channel's stream."""
        return copy(self.builder, channel, shape, order, self.where)

    def join(self, axis: int) -> Placed:
        """All operands, computed or constant, one after the other along an axis."""
        types = [self.type(k) for k in range(self.operands)]
        parts = [
            self.placed.get(value) or self.graph.constants[value].astype(np.int64)
            for value in self.node.inputs
        ]
        return join(self.builder, self.node.name, parts, types, axis, self.where)

    def surround(self, before: Sequence[int], after: Sequence[int], value: int) -> Placed:
        """The operand with elements of ``value`` before and after it along each axis, or with some left out (below 0)."""
        operand = self.placed_operand(0)
        return surround(self.builder, self.node.name, operand, (before, after), value, self.where)

    def channel_shape(self, channel: str) -> tuple[int, int, int]:
        return self.builder.channels[channel].shape

    def result(self, channel: str, position: np.ndarray | None = None) -> None:
        """The node's result is in ``channel``: in canonical order, or at ``position``."""
        shape = self.output_type.shape
        self.placed[self.output_value] = Placed(
            channel, canonical_position(shape) if position is None else position
        )

    def convolve(
        self,
        channel: str,
        weights: np.ndarray,
        window: TensorWindow,
        extents: tuple[int, ...],
        input_zero: int,
        bias: np.ndarray,
    ) -> str:
        """sum((x - input_zero) * w) + bias, requantised if that is fused; the channel that is written.

        ``weights`` (g, o, ky, kx, i); padding contributes nothing: it reads ``input_zero``, and the bias takes
        ``input_zero`` times the sum of the weights away.
        """
        source, planar, size = self.builder.channels[channel], _planar(window), _size(extents)
        folded = bias - input_zero * weights.sum(axis=(2, 3, 4)).reshape(-1)
        op = None if self.requantise is None else _requantise_of(self.requantise)
        if op is not None and not isinstance(
            op, RequantiseMean | RequantiseSteps | ShiftRequantise
        ):
            op, weights, folded = _without_dead_channels(op, weights, folded, source.element)
        low, high = product_sum_ranges(weights, source.element)
        accumulator = product_sum_type(weights, source.element)
        finish = self._finish(op, low, high, folded, accumulator)
        outside = input_zero if _leaves(planar, size, source.shape) else None
        return self.builder.multiply_accumulate(
            self.node.name, channel, weights, planar, size, finish, outside
        )

    def multiply(self, zeros: tuple[int, int]) -> tuple[str, np.ndarray]:
        """The matrix products of both operands less ``zeros``, requantised if that is fused; the channel, and where it holds them."""
        shape = self.output_type.shape
        batch, inner = shape[:-2], self.type(0).shape[-1]
        a = first_factor(self.builder, self.placed_operand(0), batch, self.where)
        b = second_factor(self.builder, self.placed_operand(1), batch, self.where)
        types = self.type(0).integer, self.type(1).integer
        accumulator = sum_type(*types, zeros, inner)
        op = None if self.requantise is None else _requantise_of(self.requantise)
        low, high = (np.array([end]) for end in (accumulator.minimum, accumulator.maximum))
        finish = self._finish(op, low, high, np.zeros(1, np.int64), accumulator)
        size = ProductShape(prod(batch), shape[-2], inner, shape[-1])
        factors = Factor(*a, zeros[0]), Factor(*b, zeros[1])
        channel = matrix_product(self.builder, self.node.name, factors, size, finish)
        return channel, product_position(shape)

    def runs(self, axes: tuple[int, ...]) -> tuple[str, int, np.ndarray]:
        """A channel in which the elements along ``axes`` are runs of neighbours; the length of a run; the elements' places."""
        return runs_along(self.builder, self.operand(0), axes, self.where)

    def run_maximum(self, channel: str, length: int) -> str:
        return run_maximum(self.builder, f"{self.node.name}_maximum", channel, length)

    def run_sum(self, channel: str, length: int) -> str:
        return run_sum(self.builder, f"{self.node.name}_sum", channel, length)

    def run_squares(self, channel: str, length: int, zero: int) -> str:
        return run_squares(self.builder, f"{self.node.name}_squares", channel, length, zero)

    def run_pointwise(
        self,
        sources: Sequence[str],
        length: int,
        expression: Expression,
        element: ElementType,
        parameters: np.ndarray | None = None,
    ) -> str:
        builder, name = self.builder, self.node.name
        return run_pointwise(builder, name, sources, length, expression, element, parameters)

    def sum_tables(self, channel: str, tables: SummedTables) -> str:
        return table_sum(self.builder, self.node.name, channel, tables)

    def sum_windows(
        self, channel: str, window: TensorWindow, extents: tuple[int, ...], input_zero: int
    ) -> str:
        """The sum of x - input_zero over every window, requantised if that is fused; the channel that is written."""
        source, planar, size = self.builder.channels[channel], _planar(window), _size(extents)
        count = prod(window.kernel)
        low, high = (
            np.array([count * bound]) for bound in (source.element.minimum, source.element.maximum)
        )
        accumulator = ElementType.holding(min(0, int(low[0])), max(0, int(high[0])))
        op = None if self.requantise is None else _requantise_of(self.requantise)
        finish = self._finish(op, low, high, np.array([-count * input_zero]), accumulator)
        outside = input_zero if _leaves(planar, size, source.shape) else None
        return self.builder.window_sum(self.node.name, channel, planar, size, finish, outside)

    def window_maximum(self, channel: str, window: TensorWindow, extents: tuple[int, ...]) -> str:
        finish = Epilogue(self.builder.channels[channel].element)
        return self.builder.window_maximum(
            self.node.name, channel, _planar(window), _size(extents), finish
        )

    def rescale(self, channel: str, scaling: Scaling) -> str:
        element = self.type(0).integer
        low, high = (np.full(len(scaling.scale), end) for end in (element.minimum, element.maximum))
        finish = _scaled(scaling, low, high, None, self.where, self.nudged)
        return self.builder.elementwise_by_channel(self.node.name, channel, finish)

    def elementwise(self, sources: Sequence[str], op: ScalarOp, element: ElementType) -> str:
        return self.builder.elementwise(self.node.name, sources, op, element)

    def pointwise(
        self,
        sources: Sequence[str],
        parameters: Sequence[np.ndarray],
        expression: Expression,
        element: ElementType,
    ) -> str:
        return self.builder.pointwise(self.node.name, sources, parameters, expression, element)

    def rounded_add(self, sources: tuple[str, str], add: RoundedAdd, element: ElementType) -> str:
        return self.builder.rounded_add(self.node.name, sources, add, element)

    def _finish(
        self,
        op: Requantise | None,
        low: np.ndarray,
        high: np.ndarray,
        bias: np.ndarray,
        accumulator: ElementType,
    ) -> Epilogue:
        """How sums become the result: plus ``bias``, then the fused requantisation if there is one.

        ``low`` and ``high`` bound the sums without bias, channel by channel. ``accumulator`` holds all sums.
        """
        assert self.node.op.accumulates, f"{self.node.op.name} lowers to sums: say so in its class"
        if op is None:
            sums = ElementType.holding(int(bias.min()), int(bias.max()))
            element = ElementType.holding(
                accumulator.minimum + min(0, sums.minimum),
                accumulator.maximum + max(0, sums.maximum),
            )
            return Epilogue(element, bias=bias)
        weighted = self.operands > 1 and self.known(1) is not None
        if self.loadable and weighted and type(op) is Requantise:
            least, largest = low + bias, high + bias
            if len(op.scale) == 1:
                least, largest = least.min(keepdims=True), largest.max(keepdims=True)
            rounding = op.rounding(least, largest)
            scaler, multiplier = float32_parameters(rounding, self.where)
            return Epilogue(op.element, scaler, (multiplier,), bias)
        return _scaled(op, low + bias, high + bias, bias, self.where, self.nudged)


def _requantise_of(node: Node) -> Requantise:
    assert isinstance(node.op, Requantise)
    return node.op


def _without_dead_channels(
    op: Requantise, weights: np.ndarray, bias: np.ndarray, element: ElementType
) -> tuple[Requantise, np.ndarray, np.ndarray]:
    """Channels whose result is the same for every input get weights 0, a live channel's scale and a small bias.

    Trained networks have such channels, with tiny scales and biases up to 2**30, which would widen every accumulator and
    multiplier of the layer.
    """
    low, high = product_sum_ranges(weights, element)
    scales = np.broadcast_to(np.array(op.scale, np.float32), low.shape)
    bounds = (op.zero_point, op.low, op.high)
    result = requantise(bias + low, scales, *bounds)
    dead = result == requantise(bias + high, scales, *bounds)
    live_scale = np.float32(1) if np.all(dead) else scales[~dead].max()
    new_scales = np.where(dead, live_scale, scales).astype(np.float32)
    steps = np.rint((result - op.zero_point) / new_scales.astype(np.float64)).astype(np.int64)
    dead &= requantise(steps, new_scales, *bounds) == result
    if not np.any(dead):
        return op, weights, bias
    flat = weights.reshape(len(dead), -1).copy()
    flat[dead] = 0
    scale = tuple(float(value) for value in np.where(dead, new_scales, scales))
    return (
        replace(op, scale=scale[:1] if len(set(scale)) == 1 else scale),
        flat.reshape(weights.shape),
        np.where(dead, steps, bias),
    )


def _planar(window: TensorWindow) -> PlanarWindow:
    """A 1-D or 2-D window of a tensor operator over (height, width)."""

    def pair(values: tuple[int, ...], missing: int) -> tuple[int, int]:
        return (values[0], values[1]) if len(values) == 2 else (missing, values[0])

    rank = len(window.kernel)
    return PlanarWindow(
        pair(window.kernel, 1),
        pair(window.strides, 1),
        pair(window.dilations, 1),
        pair(window.pads[:rank], 0),
    )


def _size(extents: tuple[int, ...]) -> tuple[int, int]:
    """1-D or 2-D extents as (height, width)."""
    return (extents[0], extents[1]) if len(extents) == 2 else (1, extents[0])


def _leaves(window: PlanarWindow, size: tuple[int, int], shape: tuple[int, int, int]) -> bool:
    """Whether some window reaches outside the source."""
    for axis in range(2):
        last = (size[axis] - 1) * window.stride[axis] - window.before[axis]
        last += (window.kernel[axis] - 1) * window.dilation[axis]
        if window.before[axis] > 0 or last >= shape[axis]:
            return True
    return False


def _scaled(
    scaling: Scaling,
    low: np.ndarray,
    high: np.ndarray,
    bias: np.ndarray | None,
    where: str,
    nudged: bool,
) -> Epilogue:
    """The exact integer form of a scaling whose operands are in [low, high] (per channel)."""
    if len(scaling.scale) == 1:
        low, high = low.min(keepdims=True), high.max(keepdims=True)
    choice = choose_for(scaling.rounding(low, high), where, nudged)
    nudges = choice.nudges
    if nudges is not None and bias is not None:
        nudges = nudges - bias[:, None]
    if choice.bias is not None:
        bias = choice.bias if bias is None else bias + choice.bias
    return Epilogue(
        scaling.element, choice.op, choice.constants, bias, nudges, choice.accumulator_rounding
    )


def place_canonically(
    builder: DataflowBuilder, placed: dict[str, Placed], value: str, where: str
) -> Placed:
    """The value in canonical order; adds a copying process, once, where its producer's order is another."""
    old = placed[value]
    shape = canonical_shape(old.position.shape)
    new = arranged(builder, old, shape, canonical_position(old.position.shape), where)
    placed[value] = new
    return new

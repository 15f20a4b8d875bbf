"""What the ``lower`` of an operator sees: its operands in channels, and the kinds of process that it may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hlsgen.algebra.expression import Expression
from hlsgen.algebra.scalar import ScalarOp
from hlsgen.algebra.types import ElementType
from hlsgen.ops.tensor_type import TensorType
from hlsgen.ops.window import Window
from hlsgen.requantise import Rounding
from hlsgen.requantise.add import RoundedAdd


class Placed(Protocol):
    """A tensor in a channel: ``position`` has the tensor's shape and holds each element's place in the stream."""

    @property
    def channel(self) -> str: ...

    @property
    def position(self) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class SummedTables:
    """``tables`` (outputs, terms, entries) of the elements in ``selection`` (outputs, terms, fan-in), each of which gives ``bits`` bits of an index
    with ``offset`` added; sums are kept from ``low`` to ``high``."""

    selection: np.ndarray
    tables: np.ndarray
    bits: int
    offset: int
    low: int
    high: int


class Scaling(Protocol):
    """Accumulators to narrow integers by a rule, one scale or one per channel; results of type ``element``."""

    @property
    def scale(self) -> tuple[float, ...]: ...

    def rounding(self, low: np.ndarray, high: np.ndarray) -> Rounding:
        """The rule for accumulators between ``low`` and ``high``, channel by channel."""

    @property
    def element(self) -> ElementType: ...


class Lowering(Protocol):
    """One node being lowered. Operands are numbered as the node's; methods that make a process return the channel it writes."""

    @property
    def where(self) -> str:
        """The node, for errors."""

    @property
    def operands(self) -> int:
        """How many operands the node has."""

    @property
    def output_type(self) -> TensorType:
        """The type of the value that is computed."""

    def type(self, number: int) -> TensorType:
        """The type of an operand."""

    def constant(self, number: int) -> np.ndarray:
        """A constant operand as int64; raises UnsupportedOp if it is computed."""

    def known(self, number: int) -> np.ndarray | None:
        """A constant operand as int64; None for one that is computed."""

    def operand(self, number: int) -> Placed:
        """Where an operand is, a whole stream in whatever order its producer writes; raises UnsupportedOp for a constant."""

    def placed_operand(self, number: int) -> Placed:
        """Where an operand's elements are, of which the stream may hold others too, and some in several places of the operand."""

    def join(self, axis: int) -> Placed:
        """All operands, computed or constant, one after the other along an axis."""

    def surround(self, before: Sequence[int], after: Sequence[int], value: int) -> Placed:
        """The operand with elements of ``value`` before and after it along each axis, or with some left out (below 0)."""

    def channel(self, number: int) -> str:
        """A channel with the operand in canonical order; adds a copying process where the order is another."""

    def broadcast(self, numbers: Sequence[int], shape: tuple[int, ...]) -> list[str]:
        """Channels of computed operands that ``pointwise`` brings to ``shape`` in canonical order, by repeating what has extent 1; copies where
        it takes more than that."""

    def as_streamed(self, constants: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Constants of the result's shape as ``pointwise`` takes them: one integer for each channel, or (height, width, channels)."""

    def aligned(self) -> tuple[tuple[str, str], np.ndarray]:
        """Channels with both operands, of one shape, in one order: their own if they agree, else the canonical one; and where the elements are."""

    def gathered(self, channel: str, order: np.ndarray, shape: tuple[int, int, int]) -> str:
        """A new channel of ``shape`` whose element d is element ``order[d]`` of the channel's stream."""

    def channel_shape(self, channel: str) -> tuple[int, int, int]:
        """(height, width, channels) of a channel."""

    def result(self, channel: str, position: np.ndarray | None = None) -> None:
        """The node's result is in ``channel``: in canonical order, or at ``position``."""

    def convolve(
        self,
        channel: str,
        weights: np.ndarray,
        window: Window,
        extents: tuple[int, ...],
        input_zero: int,
        bias: np.ndarray,
    ) -> str:
        """sum((x - input_zero) * w) + bias over windows, for operators that accumulate; ``weights`` (g, o, ky, kx, i).

        ``extents``: of the result, 1-D or 2-D. Padding contributes nothing.
        """

    def multiply(self, zeros: tuple[int, int]) -> tuple[str, np.ndarray]:
        """The matrix products of both operands less ``zeros``, for operators that accumulate: the channel, and where it holds them."""

    def runs(self, axes: tuple[int, ...]) -> tuple[str, int, np.ndarray]:
        """A channel in which the elements along ``axes`` are runs of neighbouring channels, in their order; the length of a run, and
        where the operand's elements are in the stream."""

    def run_maximum(self, channel: str, length: int) -> str:
        """The greatest element of every run."""

    def run_sum(self, channel: str, length: int) -> str:
        """The sum of every run."""

    def run_squares(self, channel: str, length: int, zero: int) -> str:
        """The sum of (x - zero)**2 over every run."""

    def run_pointwise(
        self,
        sources: Sequence[str],
        length: int,
        expression: Expression,
        element: ElementType,
        parameters: np.ndarray | None = None,
    ) -> str:
        """``expression`` of every element: r0, ... are the channels, of which some have one element for each run, then ``parameters``
        (number, runs, length)."""

    def sum_tables(self, channel: str, tables: SummedTables) -> str:
        """What tables give of the elements of a vector, summed and kept within bounds."""

    def sum_windows(
        self, channel: str, window: Window, extents: tuple[int, ...], input_zero: int
    ) -> str:
        """The sum of x - input_zero over every window, for operators that accumulate."""

    def window_maximum(self, channel: str, window: Window, extents: tuple[int, ...]) -> str:
        """The greatest element of every window; padding never wins."""

    def rescale(self, channel: str, scaling: Scaling) -> str:
        """Every element scaled, exactly."""

    def elementwise(self, sources: Sequence[str], op: ScalarOp, element: ElementType) -> str:
        """``op`` of the elements at every position of channels of one shape."""

    def pointwise(
        self,
        sources: Sequence[str],
        parameters: Sequence[np.ndarray],
        expression: Expression,
        element: ElementType,
    ) -> str:
        """``expression`` at every position: r0, ... are the channels, then ``parameters`` by channel, or all (height, width, channels). A channel of
        extent 1 is repeated."""

    def rounded_add(self, sources: tuple[str, str], add: RoundedAdd, element: ElementType) -> str:
        """The weighted sum of two channels, rounded to even."""

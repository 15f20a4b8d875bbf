"""Scalar operators: the only arithmetic that hardware has to know.

Every operator is a frozen value with a meaning (``evaluate``, in array-API names, on integer arrays wide enough for
exact results: int64) and a type rule (``result``) that never loses a bit. Its hardware partner has the same name in
``rtl_templates/arithmetic/scalar_units.py``. Narrowing happens only in operators that clamp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.algebra.division import Divide, SquareRoot
from hlsgen.algebra.logarithmic_steps import LogarithmicSteps
from hlsgen.algebra.scalar_op import ScalarOp, ordered
from hlsgen.algebra.sign import Sign
from hlsgen.algebra.types import ElementType
from hlsgen.errors import TypeMismatch


@dataclass(frozen=True)
class Add(ScalarOp):
    """a + b."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        return a + b

    def result(self, *types: ElementType) -> ElementType:
        a, b = types
        return ElementType.holding(a.minimum + b.minimum, a.maximum + b.maximum)


@dataclass(frozen=True)
class Subtract(ScalarOp):
    """a - b."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        return a - b

    def result(self, *types: ElementType) -> ElementType:
        a, b = types
        return ElementType.holding(a.minimum - b.maximum, a.maximum - b.minimum)


@dataclass(frozen=True)
class Multiply(ScalarOp):
    """a * b."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        return a * b

    def result(self, *types: ElementType) -> ElementType:
        a, b = types
        corners = [x * y for x in (a.minimum, a.maximum) for y in (b.minimum, b.maximum)]
        return ElementType.holding(min(corners), max(corners))


@dataclass(frozen=True)
class Maximum(ScalarOp):
    """The larger of a and b."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        return xp.maximum(a, b)

    def result(self, *types: ElementType) -> ElementType:
        a, b = types
        return ElementType.holding(max(a.minimum, b.minimum), max(a.maximum, b.maximum))


@dataclass(frozen=True)
class Minimum(ScalarOp):
    """The smaller of a and b."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        return xp.minimum(a, b)

    def result(self, *types: ElementType) -> ElementType:
        a, b = types
        return ElementType.holding(min(a.minimum, b.minimum), min(a.maximum, b.maximum))


@dataclass(frozen=True)
class Equal(ScalarOp):
    """1 where a is b, else 0."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        same = a == b
        return xp.where(same, xp.ones_like(same, dtype=xp.int64), 0)

    def result(self, *types: ElementType) -> ElementType:
        return ElementType(1, False)


@dataclass(frozen=True)
class Clamp(ScalarOp):
    """min(max(x, low), high)."""

    operands = 1
    low: int
    high: int

    def __post_init__(self) -> None:
        ordered("Clamp", self.low, self.high)

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        return xp.clip(arrays[0], self.low, self.high)

    def result(self, *types: ElementType) -> ElementType:
        (x,) = types
        return ElementType.holding(
            min(max(x.minimum, self.low), self.high), min(max(x.maximum, self.low), self.high)
        )


@dataclass(frozen=True)
class ShiftRight(ScalarOp):
    """floor(x / 2**bits): the arithmetic shift."""

    operands = 1
    bits: int

    def __post_init__(self) -> None:
        if self.bits < 0:
            raise TypeMismatch(
                "ShiftRight", f"expected bits >= 0, found {self.bits}", "Use a non-negative shift."
            )

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        return arrays[0] >> self.bits

    def result(self, *types: ElementType) -> ElementType:
        (x,) = types
        return ElementType.holding(x.minimum >> self.bits, x.maximum >> self.bits)


@dataclass(frozen=True)
class RequantiseMultiplyShift(ScalarOp):
    """clamp((m * acc + r) >> shift, low, high) of (acc, m, r), with m >= 0.

    The zero point and the rounding constant are inside r.
    """

    operands = 3
    shift: int
    low: int
    high: int

    def __post_init__(self) -> None:
        ordered("RequantiseMultiplyShift", self.low, self.high)

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        acc, m, r = arrays
        return xp.clip((m * acc + r) >> self.shift, self.low, self.high)

    def result(self, *types: ElementType) -> ElementType:
        return ElementType.holding(self.low, self.high)


@dataclass(frozen=True)
class RequantiseFloat32(ScalarOp):
    """clamp(RNE(f32(f32(acc) * S)) + zero_point, low, high) of (acc, m), where S = m / 2**q exactly.

    All in integers: with P = |acc| * m, I = P >> q, f = P mod 2**q, half = 2**(q-1) and w half a float32 ulp of the
    product, a tie is |f - half| <= w (0 <= f - half <= w where I is 0): then the result is the even neighbour, else I,
    or I + 1 where f > half. Equal to the float32 steps for |acc| < 2**24; above, only where the result is saturated.
    1 <= q <= 62, and |acc| * m must be below 2**63.
    """

    operands = 2
    q: int
    zero_point: int
    low: int
    high: int

    def __post_init__(self) -> None:
        ordered("RequantiseFloat32", self.low, self.high)
        if not 1 <= self.q <= 62:
            raise TypeMismatch(
                "RequantiseFloat32",
                f"expected 1 <= q <= 62, found q = {self.q}",
                "Use a scale between 2**-38 and 2**22.",
            )

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        acc, m = arrays
        product = xp.abs(acc) * m
        whole = product >> self.q
        fraction = product - (whole << self.q)
        half = 1 << (self.q - 1)
        limit = max(abs(self.low - self.zero_point), abs(self.high - self.zero_point)) + 1
        whole = xp.minimum(whole, xp.zeros_like(whole) + limit)
        # bit lengths of I from 0 up to that of `limit`: w is a sum of steps, no logarithm needed
        window = xp.zeros_like(product) + _half_ulp(self.q)
        for length in range(1, limit.bit_length() + 1):
            reached = whole >= (1 << (length - 1))
            window = xp.where(reached, xp.zeros_like(window) + _half_ulp(self.q + length), window)
        distance = fraction - half
        below = xp.where(whole == 0, xp.zeros_like(window), -window)
        tie = (distance >= below) & (distance <= window)
        up = xp.where(tie, whole & 1, xp.where(distance > 0, 1 + whole * 0, whole * 0))
        magnitude = whole + up
        signed = xp.where(acc < 0, -magnitude, magnitude)
        return xp.clip(signed + self.zero_point, self.low, self.high)

    def result(self, *types: ElementType) -> ElementType:
        return ElementType.holding(self.low, self.high)


@dataclass(frozen=True)
class RoundSignificand(ScalarOp):
    """The nearest integer of ``bits`` significant bits, the even one of two: with 24 what float32 makes of an integer of 40 bits at most."""

    operands = 1
    bits: int

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        (x,) = arrays
        magnitude = xp.abs(x)
        result = magnitude
        for dropped in range(1, _MOST_DROPPED + 1):
            step = 1 << dropped
            floor = (magnitude >> dropped) << dropped
            rest = magnitude - floor
            odd = (floor & step) != 0
            up = (rest > step // 2) | ((rest == step // 2) & odd)
            reached = magnitude >= (step << (self.bits - 1))
            result = xp.where(reached, floor + xp.where(up, step + 0 * x, 0 * x), result)
        return xp.where(x < 0, -result, result)

    def result(self, *types: ElementType) -> ElementType:
        (x,) = types
        return ElementType.holding(self._rounded(x.minimum), self._rounded(x.maximum))

    def _rounded(self, x: int) -> int:
        dropped = max(0, abs(x).bit_length() - self.bits)
        floor, rest = divmod(abs(x), 1 << dropped)
        up = 2 * rest > 1 << dropped or (2 * rest == 1 << dropped and floor & 1)
        return ((floor + bool(up)) << dropped) * (-1 if x < 0 else 1)


_MOST_DROPPED = 16


def _half_ulp(length: int) -> int:
    """Half a unit in the last place of a float32 whose value is an integer of ``length`` bits."""
    return 1 << (length - 25) if length >= 25 else 0


@dataclass(frozen=True)
class QuantisedAdd(ScalarOp):
    """clamp((multiplier_a * a + multiplier_b * b + offset) >> shift, low, high) of two 8-bit (a, b).

    Where (a, b, y) is in ``exceptions`` the result is y: few pairs that no multipliers reproduce.
    """

    operands = 2
    multiplier_a: int
    multiplier_b: int
    offset: int
    shift: int
    low: int
    high: int
    exceptions: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        ordered("QuantisedAdd", self.low, self.high)

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        total = self.multiplier_a * a + self.multiplier_b * b + self.offset
        y = xp.clip(total >> self.shift, self.low, self.high)
        for at_a, at_b, value in self.exceptions:
            y = xp.where((a == at_a) & (b == at_b), y * 0 + value, y)
        return y

    def result(self, *types: ElementType) -> ElementType:
        return ElementType.holding(self.low, self.high)


@dataclass(frozen=True)
class Table(ScalarOp):
    """values[x mod 256]: any function of one 8-bit operand, entry k for the byte k (s8: two's complement)."""

    operands = 1
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.values) != 256:
            raise TypeMismatch(
                "Table",
                f"expected 256 values, found {len(self.values)}",
                "Give one value for each byte.",
            )

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        return xp.take(xp.asarray(self.values), arrays[0] & 255)

    def result(self, *types: ElementType) -> ElementType:
        return ElementType.holding(min(self.values), max(self.values))


@dataclass(frozen=True)
class Steps(ScalarOp):
    """Any function of a wide integer that changes at few places: cells of 2**shift integers, with at most one change in each.

    Cell k begins at origin + k * 2**shift; of (threshold, below, above) in ``cells`` the result is ``above`` from the threshold on, else
    ``below``. The first and the last cell go on to both sides.
    """

    operands = 1
    origin: int
    shift: int
    cells: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        if not self.cells or self.shift < 0:
            raise TypeMismatch(
                "Steps",
                f"expected at least one cell of at least one integer, found {len(self.cells)} of 2**{self.shift}",
                "Give the cells of a function.",
            )

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        (x,) = arrays
        index = xp.clip((x - self.origin) >> self.shift, 0, len(self.cells) - 1)
        columns = xp.asarray(self.cells, device=getattr(x, "device", None))
        flat = xp.reshape(index, (-1,))
        threshold, below, above = (
            xp.reshape(xp.take(columns[:, k], flat, axis=0), x.shape) for k in range(3)
        )
        return xp.where(x >= threshold, above, below)

    def result(self, *types: ElementType) -> ElementType:
        results = [value for cell in self.cells for value in cell[1:]]
        return ElementType.holding(min(results), max(results))


SCALAR_OPS: tuple[type[ScalarOp], ...] = (
    Add,
    Subtract,
    Multiply,
    Maximum,
    Minimum,
    Equal,
    Clamp,
    ShiftRight,
    Sign,
    RequantiseMultiplyShift,
    RequantiseFloat32,
    RoundSignificand,
    QuantisedAdd,
    Table,
    Steps,
    LogarithmicSteps,
    Divide,
    SquareRoot,
)

__all__ = [
    "SCALAR_OPS",
    "Add",
    "Clamp",
    "Divide",
    "Equal",
    "LogarithmicSteps",
    "Maximum",
    "Minimum",
    "Multiply",
    "QuantisedAdd",
    "RequantiseFloat32",
    "RequantiseMultiplyShift",
    "RoundSignificand",
    "ScalarOp",
    "ShiftRight",
    "Sign",
    "SquareRoot",
    "Steps",
    "Subtract",
    "Table",
]

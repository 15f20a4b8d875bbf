"""A kernel of narrow words on the wider words of a fabric.

Sums, products and bitwise operators give the same low bits whatever stands above them; comparisons, shifts to the right and indices look
at all bits. Before these a word is extended: its sign by two shifts, zeros by a mask; nothing where it is known to be extended already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Flag, auto

from hlsgen.algebra.affine import box
from hlsgen.algebra.types import ElementType, wrap
from hlsgen.loops.ir import Constant, ConstantOrValue, LoopGraph, Operation, Value


class Extension(Flag):
    """What stands above the bits of a narrow word: copies of its sign, zeros, both (it is small and not negative) or neither."""

    NONE = 0
    SIGN = auto()
    ZERO = auto()
    BOTH = SIGN | ZERO


NONE, SIGN, ZERO, BOTH = Extension.NONE, Extension.SIGN, Extension.ZERO, Extension.BOTH
_NEEDED: Mapping[str, tuple[Extension, ...]] = {
    "shift_left": (NONE, ZERO),
    "shift_right": (SIGN, ZERO),
    "shift_right_logical": (ZERO, ZERO),
    "minimum": (SIGN, SIGN),
    "maximum": (SIGN, SIGN),
    "maximum_accumulate": (SIGN,),
    "equal": (SIGN, SIGN),
    "not_equal": (SIGN, SIGN),
    "less": (SIGN, SIGN),
    "less_equal": (SIGN, SIGN),
    "less_unsigned": (ZERO, ZERO),
    "load": (SIGN,),
    "store": (NONE, SIGN),
}
"""Of the operands of the operators that look at all bits; load and store: of their indices."""
_TRUTHS = ("equal", "not_equal", "less", "less_equal", "less_unsigned")


def with_wider_words(graph: LoopGraph, bits: int) -> LoopGraph:
    """The graph on words of ``bits`` bits, with the same arrays and results; the graph itself where its words are as wide, or wider."""
    if graph.word.bits >= bits:
        return graph
    widening = _Widening(graph, bits)
    operations: list[Operation] = []
    for operation in graph.operations:
        operands = tuple(
            widening.extended(operand, needed)
            for operand, needed in zip(operation.operands, widening.needed(operation), strict=True)
        )
        predicate = operation.predicate
        if isinstance(predicate, Value):
            predicate = widening.raised(predicate)
        operations.append(replace(operation, operands=operands, predicate=predicate))
    for source, steps in widening.steps.items():
        place = next(k for k, operation in enumerate(operations) if operation.name == source)
        operations[place + 1 : place + 1] = steps
    return replace(graph, word=ElementType(bits, graph.word.signed), operations=tuple(operations))


@dataclass
class _Widening:
    """``known``: how the results of operations are extended; ``steps``: the operations that extend one, by its name."""

    graph: LoopGraph
    bits: int
    known: dict[str, Extension] = field(init=False)
    steps: dict[str, list[Operation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The greatest that holds in every iteration if it held in the iterations before.
        self.known = {operation.name: BOTH for operation in self.graph.operations}
        changed = True
        while changed:
            changed = False
            for operation in self.graph.operations:
                extension = self.known[operation.name] & self._result(operation)
                changed = changed or extension != self.known[operation.name]
                self.known[operation.name] = extension

    def needed(self, operation: Operation) -> tuple[Extension, ...]:
        """How the operands have to be extended."""
        count = len(operation.operands)
        needed = _NEEDED.get(operation.operator, (NONE,) * count)[:count]
        alike = all(  # constants and starts can be extended either way
            isinstance(operand, Constant) or self.known[operand.operation] & ZERO
            for operand in operation.operands
        )
        if operation.operator in ("equal", "not_equal") and alike:
            return (ZERO, ZERO)
        return needed

    def extended(self, operand: ConstantOrValue, needed: Extension) -> ConstantOrValue:
        """The operand with the extension that an operator needs."""
        if isinstance(operand, Constant):
            return Constant(self._constant(operand.value, needed))
        if not needed or self.known[operand.operation] & needed:
            return self.raised(operand, needed)
        source = operand.operation
        name = f"{source}_{'signed' if needed is SIGN else 'unsigned'}"
        steps = self.steps.setdefault(source, [])
        if all(step.name != name for step in steps):
            steps += self._extending(source, name, needed)
        return self.raised(replace(operand, operation=name), needed)

    def raised(self, value: Value, needed: Extension = NONE) -> Value:
        """The value with its start in words of the graph."""
        if value.start is None:
            return value
        return replace(value, start=self._constant(value.start, needed))

    def _extending(self, source: str, name: str, needed: Extension) -> list[Operation]:
        if needed is ZERO:
            mask = Constant((1 << self.graph.word.bits) - 1)
            return [Operation(name, "and", (Value(source), mask))]
        shift = Constant(self.bits - self.graph.word.bits)
        high = f"{name}_high"
        return [
            Operation(high, "shift_left", (Value(source), shift)),
            Operation(name, "shift_right", (Value(high), shift)),
        ]

    def _constant(self, value: int, needed: Extension) -> int:
        bits = self.graph.word.bits
        return value & ((1 << bits) - 1) if needed is ZERO else int(wrap(value, bits))

    def _of(self, operand: ConstantOrValue) -> Extension:
        """How an operand is extended that nothing looks at: constants and starts by their sign."""
        if isinstance(operand, Constant):
            return BOTH if wrap(operand.value, self.graph.word.bits) >= 0 else SIGN
        return self.known[operand.operation] & self._start(operand)

    def _start(self, value: Value) -> Extension:
        if value.start is None or wrap(value.start, self.graph.word.bits) >= 0:
            return BOTH
        return SIGN

    def _result(self, operation: Operation) -> Extension:
        if operation.operator in _TRUTHS:
            return BOTH
        of = [self._of(operand) for operand in operation.operands]
        match operation.operator:
            case "load":
                return self._within(*self._element(operation))
            case "affine":
                assert operation.address is not None
                return self._within(*operation.address.range(box(self.graph.loops)))
            case "move" | "select" | "or" | "xor":
                return _all(of)
            case "and":
                small = BOTH if BOTH in of else NONE
                return small | _all(of) | (ZERO if any(one & ZERO for one in of) else NONE)
            case "minimum" | "maximum":
                return BOTH if all(one is BOTH for one in of) else SIGN
            case "maximum_accumulate":
                return SIGN
            case "shift_right":
                return BOTH if of[0] is BOTH else SIGN
            case "shift_right_logical":
                by = operation.operands[1]
                moves = isinstance(by, Constant) and by.value % (1 << self.graph.word.bits) > 0
                return BOTH if moves or of[0] is BOTH else ZERO
        return NONE

    def _element(self, operation: Operation) -> tuple[int, int]:
        assert operation.array is not None
        element = self.graph.array(operation.array).element
        return element.minimum, element.maximum

    def _within(self, low: int, high: int) -> Extension:
        """The extension of numbers in a range, as they are loaded and counted."""
        half = 1 << (self.graph.word.bits - 1)
        sign = SIGN if -half <= low and high < half else NONE
        return sign | (ZERO if low >= 0 and high < 2 * half else NONE)


def _all(extensions: list[Extension]) -> Extension:
    result = BOTH
    for extension in extensions:
        result &= extension
    return result

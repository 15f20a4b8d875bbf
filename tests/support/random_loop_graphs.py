"""Legal loop graphs at random, for properties that every graph must have."""

import random

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import ElementType
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.loops.ir import (
    Array,
    Constant,
    ConstantOrValue,
    CountedLoop,
    LoopGraph,
    Operation,
    Value,
)

WORD_NAMES = tuple(WORD_OPERATORS)
CONSTANTS = (0, 0, 1, 1, -1, 2, 3, 7, -5, 1000)


def random_graph(seed: int, operations: int = 14, bits: int = 16) -> LoopGraph:
    """Two loops; arrays x (input, 12), c (constant, 8) and o, p (outputs); operators of all kinds, some of them useless."""
    draw = random.Random(seed)
    word = ElementType(bits, True)
    loops = (CountedLoop("i", draw.randint(1, 4)), CountedLoop("j", draw.randint(1, 3)))
    arrays = (
        Array("x", (12,), word, "input"),
        Array("c", (8,), ElementType(8, True), "constant", tuple(range(-3, 5))),
        Array("o", (12,), word, "output"),
        Array("p", (16,), ElementType(8, False), "output"),
    )
    names = [f"v{k}" for k in range(operations)]
    drawn = [_operation(draw, name, names[:k], names) for k, name in enumerate(names)]
    here = Affine(0, (("i", 3), ("j", 1)))
    drawn.append(Operation("o_store", "store", (Value(names[-1]),), array="o", address=here))
    index = Value(draw.choice(names))
    predicate = draw.choice((None, Value(draw.choice(names)), Mark("last", draw.randint(0, 2))))
    data = draw.choice((Value(draw.choice(names)), Constant(9), Value(names[0], 1, 4, 0)))
    drawn.append(
        Operation(
            "p_store", "store", (data, index), predicate, array="p", address=Affine(), wrap_bits=4
        )
    )
    return LoopGraph(f"random_{seed}", word, loops, arrays, tuple(drawn))


def inputs(seed: int, bits: int = 16) -> dict[str, np.ndarray]:
    """Elements of x: some small, some extreme."""
    values = np.random.default_rng(seed)
    x = values.integers(-(1 << (bits - 1)), 1 << (bits - 1), 12)
    x[:5] = values.integers(-2, 3, 5)
    return {"x": x}


def _operand(draw: random.Random, earlier: list[str], names: list[str]) -> ConstantOrValue:
    kind = draw.random()
    if kind < 0.25 or (not earlier and kind < 0.8):
        return Constant(draw.choice(CONSTANTS))
    if kind < 0.8:
        return Value(draw.choice(earlier))
    distance = draw.choice((1, 1, 1, 2, 3))
    return Value(draw.choice(names), distance, draw.choice(CONSTANTS), draw.randint(0, 1))


def _operation(draw: random.Random, name: str, earlier: list[str], names: list[str]) -> Operation:
    kind = draw.random()
    if kind < 0.1:
        return Operation(name, "load", array="x", address=Affine(0, (("i", 3), ("j", 1))))
    if kind < 0.17:
        index = _operand(draw, earlier, names)
        offset = Affine(draw.randint(0, 4))
        return Operation(name, "load", (index,), array="c", address=offset, wrap_bits=2)
    if kind < 0.22:
        return Operation(name, "affine", address=Affine(draw.randint(0, 3), (("i", 2),)))
    if kind < 0.32:  # a sum, as kernels write it
        carried = Value(name, 1, draw.choice((0, 0, 3, -(1 << 15))), draw.randint(0, 1))
        operands = [carried, _operand(draw, earlier, names)]
        draw.shuffle(operands)
        return Operation(name, draw.choice(("add", "maximum")), tuple(operands))
    operator = draw.choice(("multiply", "add", "move", *WORD_NAMES))
    word = WORD_OPERATORS[operator]
    operands = [_operand(draw, earlier, names) for _ in range(word.operands)]
    clear = Mark("first", draw.randint(0, 2)) if word.accumulates else None
    predicate: Value | Mark | None = None
    if operator == "select" or draw.random() < 0.2:
        value = _operand(draw, earlier, names)
        predicate = value if isinstance(value, Value) else Mark("first", draw.randint(0, 2))
    return Operation(name, operator, tuple(operands), predicate, clear)

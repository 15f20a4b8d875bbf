"""The text form of a LoopGraph, which parses back.

::

    loop_graph dot_product s32
    loop i 16
    loop j 8
    array a 16x8 s16 input
    array c 4 s32 constant 1 -2 3 4
    x = load a[8*i + j]
    y = load c[2 + m % 4]
    s = multiply_accumulate x y clear first 1
    m = add m@1(0, 1) 5
    p = select m x@1(-1, 0) if y
    store_s = store out[i] s when last 1
    z = load a[8*i + j - 1] partial
    order x -> store_s distance 1 delay 0

``m@1(0, 1)``: the value of m one iteration ago; 0 where loop 1 and those inside it are at their first trip. An index follows the
array's offset in brackets, ``% 4`` is its wrap (a power of two).
"""

from __future__ import annotations

import re

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.text import affine_text, parse_affine
from hlsgen.errors import BadFile, HlsgenError
from hlsgen.loops.evaluate import is_indexed
from hlsgen.loops.ir import (
    Array,
    Constant,
    ConstantOrValue,
    CountedLoop,
    LoopGraph,
    Operation,
    Order,
    Role,
    Value,
)

ROLES: dict[str, Role] = {
    "input": "input",
    "output": "output",
    "inout": "inout",
    "constant": "constant",
    "scratch": "scratch",
}
VALUE = re.compile(r"([A-Za-z_]\w*)(?:@(\d+)\((-?\d+), (\d+)\))?")
TOKEN = re.compile(r"-?\d+|[A-Za-z_]\w*(?:@\d+\(-?\d+, \d+\))?")
LINE = re.compile(
    r"(?P<name>\w+) = (?P<operator>\w+)(?: (?P<array>\w+)?\[(?P<address>[^\]]*)\])?(?P<operands>.*?)"
    r"(?: if (?P<predicate>.+?))?(?: clear (?P<clear>\w+ \d+))?(?: when (?P<when>\w+ \d+))?"
    r"(?P<partial> partial)?"
)


def to_text(graph: LoopGraph) -> str:
    """The text form; ``parse`` gives an equal graph back."""
    lines = [f"loop_graph {graph.name} {graph.word}"]
    lines += [f"loop {loop.name} {loop.extent}" for loop in graph.loops]
    for array in graph.arrays:
        values = "".join(f" {value}" for value in array.values or ())
        shape = "x".join(map(str, array.shape))
        lines.append(f"array {array.name} {shape} {array.element} {array.role}{values}")
    lines += [operation_text(operation) for operation in graph.operations]
    for order in graph.orders:
        lines.append(
            f"order {order.before} -> {order.after} distance {order.distance} delay {order.delay}"
        )
    return "\n".join(lines) + "\n"


def operand_text(operand: ConstantOrValue) -> str:
    """E.g. ``5``, ``x`` or ``x@1(0, 1)``."""
    if isinstance(operand, Constant):
        return str(operand.value)
    if operand.distance == 0:
        return operand.operation
    return f"{operand.operation}@{operand.distance}({operand.start}, {operand.level})"


def operation_text(operation: Operation) -> str:
    """The line of one operation."""
    parts = [f"{operation.name} = {operation.operator}"]
    operands = [operand_text(operand) for operand in operation.operands]
    if operation.address is not None:
        address = affine_text(operation.address)
        if operation.array is not None and is_indexed(operation):
            wrap = "" if operation.wrap_bits is None else f" % {1 << operation.wrap_bits}"
            address = f"{operation.address.offset} + {operands.pop()}{wrap}"
        parts.append(f"{operation.array or ''}[{address}]")
    parts += operands
    if operation.predicate is not None:
        given = operation.predicate
        parts.append(f"if {_mark(given) if isinstance(given, Mark) else operand_text(given)}")
    if operation.clear is not None:
        parts.append(f"clear {_mark(operation.clear)}")
    if operation.when is not None:
        parts.append(f"when {_mark(operation.when)}")
    if operation.partial:
        parts.append("partial")
    return " ".join(parts)


def _mark(mark: Mark) -> str:
    return f"{mark.edge} {mark.level}"


def parse(text: str) -> LoopGraph:
    """The graph whose text form this is; raises BadFile with the line that is wrong. Not checked for legality: see ``check``."""
    name, word = "", ElementType(32, True)
    loops: list[CountedLoop] = []
    arrays: list[Array] = []
    operations: list[Operation] = []
    orders: list[Order] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            match line.split():
                case []:
                    continue
                case ["loop_graph", name, element]:
                    word = ElementType.parse(element)
                case ["loop", loop, extent]:
                    loops.append(CountedLoop(loop, int(extent)))
                case ["array", array, shape, element, role, *values]:
                    arrays.append(_array(array, shape, element, role, values))
                case ["order", before, "->", after, "distance", distance, "delay", delay]:
                    orders.append(Order(before, after, int(distance), int(delay)))
                case _:
                    operations.append(_operation(line.strip()))
        except (ValueError, KeyError, HlsgenError) as error:
            raise BadFile(
                f"loop graph text, line {number}",
                f"expected the text form of a loop graph, found {line.strip()!r} ({error})",
                "Print the graph again with hlsgen.loops.text.to_text.",
            ) from None
    return LoopGraph(name, word, tuple(loops), tuple(arrays), tuple(operations), tuple(orders))


def _array(name: str, shape: str, element: str, role: str, values: list[str]) -> Array:
    return Array(
        name,
        tuple(int(extent) for extent in shape.split("x")),
        ElementType.parse(element),
        ROLES[role],
        tuple(int(value) for value in values) if role == "constant" else None,
    )


def _operation(line: str) -> Operation:
    match = LINE.fullmatch(line)
    if match is None:
        raise ValueError("no operation")
    rest = match["operands"].strip()
    tokens = TOKEN.findall(rest)
    if " ".join(tokens) != rest:
        raise ValueError(f"no operands: {rest}")
    operands = [_operand(token) for token in tokens]
    address, index, wrap_bits = _address(match["address"], match["array"] is not None)
    if index is not None:
        operands.append(index)
    return Operation(
        match["name"],
        match["operator"],
        tuple(operands),
        _predicate(match["predicate"]),
        _parse_mark(match["clear"]),
        match["array"],
        address,
        _parse_mark(match["when"]),
        wrap_bits,
        match["partial"] is not None,
    )


def _operand(text: str) -> ConstantOrValue:
    if re.fullmatch(r"-?\d+", text):
        return Constant(int(text))
    match = VALUE.fullmatch(text)
    if match is None:
        raise ValueError(f"no operand: {text}")
    if match[2] is None:
        return Value(match[1])
    return Value(match[1], int(match[2]), int(match[3]), int(match[4]))


def _address(
    text: str | None, in_array: bool
) -> tuple[Affine | None, ConstantOrValue | None, int | None]:
    """Address, index and wrap_bits of what stands in brackets."""
    if text is None:
        return None, None, None
    indexed = re.fullmatch(r"(-?\d+) \+ ([^*%]+?)(?: % (\d+))?", text)
    if not in_array or indexed is None:
        return parse_affine(text), None, None
    wrap = None if indexed[3] is None else int(indexed[3]).bit_length() - 1
    return Affine(int(indexed[1])), _operand(indexed[2]), wrap


def _parse_mark(text: str | None) -> Mark | None:
    if text is None:
        return None
    match text.split():
        case [("first" | "last") as edge, level]:
            return Mark("first" if edge == "first" else "last", int(level))
    raise ValueError(f"no mark: {text}")


def _predicate(text: str | None) -> Value | Mark | None:
    if text is None:
        return None
    if re.fullmatch(r"(first|last) \d+", text):
        return _parse_mark(text)
    operand = _operand(text)
    if isinstance(operand, Constant):
        raise ValueError("a constant predicate")
    return operand

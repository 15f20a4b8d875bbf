"""A float model before it is quantised: operators that have no form on integers, made of those that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

SELECTING = ("GatherElements", "GatherND", "ReverseSequence")
"""Operators that move elements to places that constants name."""
MOVING = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity")
ALWAYS = ("GroupNormalization", "MeanVarianceNormalization", "Einsum")
"""Operators that are taken apart at the end of a network too; others stay on the host there."""


class NodeParts:
    """Nodes that take the place of one: their values are called after its result.

    ``shapes``: of its operands, the first of which is ``shape``; ``constants``: the arrays of the operands that are constant; ``opset``: of the
    model.
    """

    def __init__(
        self,
        node: onnx.NodeProto,
        shapes: list[list[int]],
        constants: Mapping[str, np.ndarray],
        opset: int,
    ) -> None:
        from onnx import helper

        self.node, self.shapes, self._arrays, self.opset = node, shapes, constants, opset
        self.shape = shapes[0] if shapes else []
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    @property
    def x(self) -> str:
        """The first operand."""
        return str(self.node.input[0])

    def array(self, number: int) -> np.ndarray | None:
        """An operand where it is constant; None where it is computed or left out."""
        given = number < len(self.node.input)
        return self._arrays.get(self.node.input[number]) if given else None

    def constant(self, array: Any, kind: Any = np.float32) -> str:
        from onnx import numpy_helper

        name = f"{self.node.output[0]}_{len(self.constants)}_constant"
        self.constants.append(numpy_helper.from_array(np.asarray(array, kind), name))
        return name

    def add(self, op: str, *operands: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{self.node.output[0]}_{len(self.nodes)}"
        label = f"{self.node.name or self.node.output[0]}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, operands, [name], label, **attributes))
        return name

    def finish(self) -> list[onnx.NodeProto]:
        """The nodes, of which the last gives the result."""
        self.nodes[-1].output[0] = self.node.output[0]
        return self.nodes

    def axes(self) -> list[int]:
        """Of a reduction; all where it names none."""
        operand = self.array(1)
        named = self.attributes.get("axes", [] if operand is None else operand.tolist())
        return sorted(axis % len(self.shape) for axis in named) or list(range(len(self.shape)))

    def reduced(self, op: str, x: str, axes: list[int], keeps: bool) -> str:
        """A reduction with its axes where the model's opset has them."""
        if op == "ReduceSum" or self.opset >= 18:
            return self.add(op, x, self.constant(axes, np.int64), keepdims=int(keeps))
        return self.add(op, x, axes=axes, keepdims=int(keeps))


def with_decomposed_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model, changed in place, with the operators of ``RULES`` taken apart; one that no rule fits stays as it is."""
    import onnx

    graph = model.graph
    if not any(node.op_type in RULES for node in graph.node):
        return model
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    known = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*known.value_info, *known.input)
    }
    last = _given_out(graph)
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        given = [
            list(constants[v].shape) if v in constants else shapes.get(v, []) for v in node.input
        ]
        shape = given[0] if given else []
        rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        parts = NodeParts(node, given, constants, opset)
        at_end = node.op_type not in ALWAYS and not last.isdisjoint(node.output)
        if rule is None or at_end or not (shape and all(shape) and rule(parts)):
            graph.node.append(node)
            continue
        graph.node.extend(parts.finish())
        graph.initializer.extend(parts.constants)
    return model


def _given_out(graph: onnx.GraphProto) -> set[str]:
    """The outputs, and the values that are only moved to become one: what makes them may stay on the host."""
    given = {value.name for value in graph.output}
    for node in reversed(graph.node):
        if node.op_type in MOVING and given.issuperset(node.output):
            given.add(node.input[0])
    read = {name for node in graph.node if node.op_type not in MOVING for name in node.input}
    return given - read


def _norm(parts: NodeParts, axes: list[int], order: int, keeps: bool) -> bool:
    """The sum of absolute values, or the root of the sum of squares."""
    if order == 1:
        parts.reduced("ReduceSum", parts.add("Abs", parts.x), axes, keeps)
    elif order == 2:
        squares = parts.add("Mul", parts.x, parts.x)
        parts.add("Sqrt", parts.reduced("ReduceSum", squares, axes, keeps))
    return order in (1, 2)


def _reduce_l2(parts: NodeParts) -> bool:
    return _norm(parts, parts.axes(), 2, parts.attributes.get("keepdims", 1))


def _global_norm(parts: NodeParts) -> bool:
    return _norm(parts, list(range(2, len(parts.shape))), parts.attributes.get("p", 2), True)


def _normalised(parts: NodeParts) -> bool:
    """x times the reciprocal of its norm: a product has a form on integers wherever a table has."""
    axis = parts.attributes.get("axis", -1) % len(parts.shape)
    if not _norm(parts, [axis], parts.attributes.get("p", 2), True):
        return False
    norm = parts.nodes[-1].output[0]
    parts.add("Mul", parts.x, parts.add("Reciprocal", norm))
    return True


def _pool(parts: NodeParts) -> bool:
    """A norm of every window from the mean of its absolute values or squares, padding counted as 0."""
    order, kernel = parts.attributes.get("p", 2), parts.attributes["kernel_shape"]
    if order not in (1, 2):
        return False
    passed = {k: v for k, v in parts.attributes.items() if k not in ("p", "auto_pad")}
    if parts.attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        passed["auto_pad"] = parts.attributes["auto_pad"].decode()
    raised = parts.add("Abs", parts.x) if order == 1 else parts.add("Mul", parts.x, parts.x)
    mean = parts.add("AveragePool", raised, count_include_pad=1, **passed)
    total = parts.add("Mul", mean, parts.constant(float(np.prod(kernel))))
    if order == 2:
        parts.add("Sqrt", total)
    return True


def _running_sum(parts: NodeParts) -> bool:
    """A product with a matrix of ones above the diagonal."""
    axis = parts.array(1)
    if axis is None:
        return False
    rank = len(parts.shape)
    along = int(axis.reshape(-1)[0]) % rank
    size = parts.shape[along]
    exclusive = parts.attributes.get("exclusive", 0)
    ones = np.triu(np.ones((size, size)), exclusive)
    matrix = parts.constant(ones.T if parts.attributes.get("reverse", 0) else ones)
    order = [*(k for k in range(rank) if k != along), along]
    if along == rank - 1:
        parts.add("MatMul", parts.x, matrix)
        return True
    summed = parts.add("MatMul", parts.add("Transpose", parts.x, perm=order), matrix)
    parts.add("Transpose", summed, perm=np.argsort(order).tolist())
    return True


def _chain(op: str) -> Callable[[NodeParts], bool]:
    """Several operands two by two."""

    def rule(parts: NodeParts) -> bool:
        operands = list(parts.node.input)
        mean = parts.node.op_type == "Mean"
        if len(operands) < 2 + (not mean):
            return False
        total = operands[0]
        for operand in operands[1:]:
            total = parts.add(op, total, operand)
        if mean:
            parts.add("Mul", total, parts.constant(1 / len(operands)))
        return True

    return rule


def _log_sum(parts: NodeParts) -> bool:
    total = parts.reduced("ReduceSum", parts.x, parts.axes(), parts.attributes.get("keepdims", 1))
    parts.add("Log", total)
    return True


def _log_sum_exp(parts: NodeParts) -> bool:
    """The largest element, and the logarithm of the sum of powers relative to it."""
    axes = parts.axes()
    most, _, log = _relative_log(parts, axes)
    total = parts.add("Add", log, most)
    if not parts.attributes.get("keepdims", 1):
        parts.add("Squeeze", total, parts.constant(axes, np.int64))
    return True


def _log_softmax(parts: NodeParts) -> bool:
    _, below, log = _relative_log(parts, [parts.attributes.get("axis", -1) % len(parts.shape)])
    parts.add("Sub", below, log)
    return True


def _relative_log(parts: NodeParts, axes: list[int]) -> tuple[str, str, str]:
    """The maximum m along axes, x - m, and the logarithm of the sum of exp(x - m)."""
    most = parts.reduced("ReduceMax", parts.x, axes, True)
    below = parts.add("Sub", parts.x, most)
    total = parts.reduced("ReduceSum", parts.add("Exp", below), axes, True)
    return most, below, parts.add("Log", total)


def _part_of_matrix(parts: NodeParts) -> bool:
    """A product with ones and zeros."""
    offset = parts.array(1)
    if offset is None and len(parts.node.input) > 1:
        return False
    k = 0 if offset is None else int(offset.reshape(-1)[0])
    ones = np.ones(parts.shape[-2:])
    upper = parts.attributes.get("upper", 1)
    parts.add("Mul", parts.x, parts.constant(np.triu(ones, k) if upper else np.tril(ones, k)))
    return True


def _selection(parts: NodeParts) -> bool:
    """A Gather of the elements at places that the operator itself says of 0, 1, 2, ..."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    places = parts.array(1)
    if places is None:
        return False
    straight = np.arange(np.prod(parts.shape), dtype=np.int64).reshape(parts.shape)
    model = helper.make_model(
        helper.make_graph(
            [parts.node],
            "places",
            [helper.make_empty_tensor_value_info(name) for name in parts.node.input],
            [helper.make_empty_tensor_value_info(parts.node.output[0])],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    given = {parts.x: straight, str(parts.node.input[1]): places}
    (order,) = ReferenceEvaluator(model).run(None, given)
    flat = parts.add("Reshape", parts.x, parts.constant([1, -1], np.int64))
    taken = parts.add("Gather", flat, parts.constant(order.reshape(-1), np.int64), axis=1)
    parts.add("Reshape", taken, parts.constant(order.shape, np.int64))
    return True


def _products(parts: NodeParts) -> bool:
    """An Einsum of two operands as one product of matrices: axes that both have and the result too first, then those of one operand."""
    left, _, result = parts.attributes["equation"].decode().replace(" ", "").partition("->")
    terms = left.split(",")
    plain = all(len(set(t)) == len(t) and t.isalpha() for t in (*terms, result))
    if len(terms) != 2 or not plain or any(len(s) != len(t) for s, t in _sized(parts, terms)):
        return False
    swapped = parts.array(0) is not None
    (first, second), numbers = (terms[::-1], (1, 0)) if swapped else (terms, (0, 1))
    extents = [dict(zip(t, s, strict=True)) for s, t in _sized(parts, terms)]
    shared = [c for c in first if c in second]
    if any(extents[0][c] != extents[1][c] for c in shared) or set(first + second) - set(
        [*shared, *result]
    ):
        return False
    extent = extents[0] | extents[1]
    if 0 in extent.values():  # one that is not known
        return False
    batch = [c for c in result if c in shared]
    summed = [c for c in shared if c not in result]
    rows, columns = ([c for c in result if c in t and c not in shared] for t in (first, second))
    keeps = parts.array(numbers[1]) is not None and not batch  # rows of a product with weights
    lead = [extent[c] for c in (*batch, *(rows if keeps else ()))]
    inner, wide = (int(np.prod([extent[c] for c in part])) for part in (summed, columns))
    tall = [] if keeps else [int(np.prod([extent[c] for c in rows]))]
    a = _arranged(parts, numbers[0], first, [*batch, *rows, *summed], [*lead, *tall, inner])
    part = lead[: len(batch)]
    b = _arranged(parts, numbers[1], second, [*batch, *summed, *columns], [*part, inner, wide])
    product = parts.add("MatMul", a, b)
    letters = [*batch, *rows, *columns]
    whole = parts.constant([extent[c] for c in letters], np.int64)
    order = [letters.index(c) for c in result]
    parts.add("Transpose", parts.add("Reshape", product, whole), perm=order)
    return True


def _sized(parts: NodeParts, terms: list[str]) -> list[tuple[list[int], str]]:
    """Every operand's shape and letters."""
    return list(zip(parts.shapes, terms, strict=False))


def _arranged(
    parts: NodeParts, number: int, term: str, letters: list[str], shape: list[int]
) -> str:
    """An operand with its axes in the order of ``letters``, reshaped; a constant where it is one."""
    order, array = [term.index(c) for c in letters], parts.array(number)
    if array is not None:
        return parts.constant(array.transpose(order).reshape(shape))
    moved = parts.add("Transpose", str(parts.node.input[number]), perm=order)
    return parts.add("Reshape", moved, parts.constant(shape, np.int64))


def _over_groups(parts: NodeParts) -> bool:
    """Normalised over each group as InstanceNormalization does over each channel; then a factor and an addend for each channel."""
    groups, scale, bias = parts.attributes["num_groups"], parts.array(1), parts.array(2)
    if scale is None or bias is None:
        return False
    channels, ends = parts.shape[1], [1, parts.shape[1], *(1 for _ in parts.shape[2:])]
    grouped = parts.add("Reshape", parts.x, parts.constant([1, groups, -1], np.int64))
    normal = _instances(parts, grouped, groups, parts.attributes.get("epsilon", 1e-5))
    whole = parts.add("Reshape", normal, parts.constant(parts.shape, np.int64))
    factor, addend = (
        np.repeat(array, channels // array.size).reshape(ends) for array in (scale, bias)
    )
    parts.add("Add", parts.add("Mul", whole, parts.constant(factor)), parts.constant(addend))
    return True


def _over_space(parts: NodeParts) -> bool:
    axes = {axis % len(parts.shape) for axis in parts.attributes.get("axes", (0, 2, 3))} - {0}
    if axes != set(range(2, len(parts.shape))):
        return False
    _instances(parts, parts.x, parts.shape[1], 1e-9)
    return True


def _instances(parts: NodeParts, x: str, channels: int, epsilon: float) -> str:
    ones, zeros = parts.constant(np.ones(channels)), parts.constant(np.zeros(channels))
    return parts.add("InstanceNormalization", x, ones, zeros, epsilon=epsilon)


RULES: Mapping[str, Callable[[NodeParts], bool]] = {
    "ReduceL2": _reduce_l2,
    "ReduceLogSum": _log_sum,
    "ReduceLogSumExp": _log_sum_exp,
    "LogSoftmax": _log_softmax,
    "LpNormalization": _normalised,
    "LpPool": _pool,
    "GlobalLpPool": _global_norm,
    "CumSum": _running_sum,
    "Einsum": _products,
    "GroupNormalization": _over_groups,
    "MeanVarianceNormalization": _over_space,
    "Trilu": _part_of_matrix,
    "Sum": _chain("Add"),
    "Mean": _chain("Add"),
    "Max": _chain("Max"),
    "Min": _chain("Min"),
    **dict.fromkeys(SELECTING, _selection),
}
"""Operators by name; a rule returns False, and has not to have added anything of use, where it does not fit."""

"""Operators of com.microsoft that ONNX Runtime's optimiser and quantiser write: taken apart into ONNX's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

MICROSOFT = "com.microsoft"
_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_AXES_ARE_INPUTS = 18


class Fused:
    """A node that is taken apart: the nodes in its place, of which the last gives its result. ``ranks``: of values, where they are known."""

    def __init__(self, node: onnx.NodeProto, opset: int, ranks: Mapping[str, int]) -> None:
        from onnx import helper

        self.node, self.opset, self.ranks = node, opset, ranks
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.nodes: list[onnx.NodeProto] = []

    def operand(self, number: int) -> str:
        """The name of an operand; empty where it is left out."""
        return str(self.node.input[number]) if number < len(self.node.input) else ""

    def add(self, op: str, *operands: str, domain: str = "", **attributes: Any) -> str:
        """A node; the name of its result. The first one has the name of the whole."""
        from onnx import helper

        named = [*operands]
        while named and not named[-1]:
            named.pop()
        name = f"{self.node.output[0]}_part_{len(self.nodes)}"
        label = self.node.name or self.node.output[0]
        label = f"{label}_{op}_{len(self.nodes)}" if self.nodes else label
        node = helper.make_node(op, named, [name], label, domain=domain, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, array: Any) -> str:
        from onnx import numpy_helper

        return self.add("Constant", value=numpy_helper.from_array(np.asarray(array)))

    def kept(self, *without: str) -> dict[str, Any]:
        """The attributes but for some."""
        return {k: v for k, v in self.attributes.items() if k not in without}

    def finish(self) -> list[onnx.NodeProto]:
        """The nodes, of which the last gives the result."""
        self.nodes[-1].output[0] = self.node.output[0]
        return self.nodes


def with_plain_parts(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the operators of ``RULES`` taken apart; the same object where it has none. What no rule fits stays as it is."""
    import onnx

    if not any(_taking(node) for node in model.graph.node):
        return model
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    ranks = {t.name: len(t.dims) for t in graph.initializer}
    ranks |= {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info)
        if value.type.tensor_type.HasField("shape")
    }
    del graph.node[:]
    for node in model.graph.node:
        rule, fused = _taking(node), Fused(node, opset, ranks)
        apart = rule is not None and rule(fused)
        graph.node.extend(fused.finish() if apart else [node])
    return changed


def _taking(node: onnx.NodeProto) -> Taking | None:
    domains = ("", MICROSOFT) if node.op_type == "SimplifiedLayerNormalization" else (MICROSOFT,)
    return RULES.get(node.op_type) if node.domain in domains else None


def _activated(fused: Fused, x: str, name: str, parameters: Sequence[float]) -> bool:
    """An activation that is named as an attribute; False for one that is not known."""
    if name in ("", "Relu", "Sigmoid", "Tanh"):
        if name:
            fused.add(name, x)
        return True
    if name == "Clip" and len(parameters) == 2:
        least, most = (fused.constant(np.float32(bound)) for bound in parameters)
        fused.add("Clip", x, least, most)
        return True
    taken = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta")}.get(name)
    if taken is None or len(parameters) != len(taken):
        return False
    own: dict[str, Any] = dict(zip(taken, parameters, strict=True))
    fused.add(name, x, **own)
    return True


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _conv(fused: Fused) -> bool:
    """Operands x, weights, bias and perhaps what is added in front of the activation."""
    own = fused.kept("activation", "activation_params")
    value = fused.add("Conv", *(fused.operand(k) for k in range(3)), **own)
    if fused.operand(3):
        value = fused.add("Add", value, fused.operand(3))
    name, given = fused.attributes.get("activation", ""), "activation_params"
    return _activated(fused, value, _text(name), fused.attributes.get(given, ()))


def _gemm(fused: Fused) -> bool:
    names = ("activation", "activation_alpha", "activation_beta", "activation_gamma")
    value = fused.add("Gemm", *fused.node.input, **fused.kept(*names))
    given = [float(fused.attributes[name]) for name in names[1:] if name in fused.attributes]
    return _activated(fused, value, _text(fused.attributes.get("activation", "")), given)


def _matmul(fused: Fused) -> bool:
    """A product of transposed operands, and a factor."""
    if any(fused.attributes.get(name) for name in ("transBatchA", "transBatchB")):
        return False
    operands = []
    for k, name in enumerate(("transA", "transB")):
        value = fused.operand(k)
        if fused.attributes.get(name):
            rank = fused.ranks.get(value, 0)
            if rank < 2:
                return False
            value = fused.add("Transpose", value, perm=[*range(rank - 2), rank - 1, rank - 2])
        operands.append(value)
    value = fused.add("MatMul", *operands)
    if (factor := fused.attributes.get("alpha", 1.0)) != 1.0:
        fused.add("Mul", value, fused.constant(np.float32(factor)))
    return True


def _skip(fused: Fused) -> str | None:
    """The sum of both operands and a bias; None where means or deviations are asked for."""
    simple = fused.node.op_type == "SkipSimplifiedLayerNormalization"
    bias = fused.operand(3 if simple else 4)
    value = fused.add("Add", fused.operand(0), fused.operand(1))
    if bias:
        value = fused.add("Add", value, bias)
    outputs = list(fused.node.output)
    if any(outputs[1:3]):
        return None
    if len(outputs) > 3 and outputs[3]:
        fused.nodes[-1].output[0] = value = outputs[3]
    return value


def _skip_norm(fused: Fused) -> bool:
    if (x := _skip(fused)) is None:
        return False
    epsilon = fused.attributes.get("epsilon", 1e-12)
    fused.add("LayerNormalization", x, fused.operand(2), fused.operand(3), axis=-1, epsilon=epsilon)
    return True


def _skip_rms(fused: Fused) -> bool:
    x = _skip(fused)
    return x is not None and _rms(fused, x, fused.operand(2))


def _plain_rms(fused: Fused) -> bool:
    last = fused.attributes.get("axis", -1) in (-1, fused.ranks.get(fused.operand(0), 0) - 1)
    alone = len([name for name in fused.node.output if name]) == 1
    return last and alone and _rms(fused, fused.operand(0), fused.operand(1))


def _rms(fused: Fused, x: str, gain: str) -> bool:
    square = fused.add("Mul", x, x)
    if fused.opset >= _AXES_ARE_INPUTS:
        mean = fused.add("ReduceMean", square, fused.constant(np.array([-1])), keepdims=1)
    else:
        mean = fused.add("ReduceMean", square, axes=[-1], keepdims=1)
    epsilon = fused.constant(np.float32(fused.attributes.get("epsilon", 1e-5)))
    deviation = fused.add("Sqrt", fused.add("Add", mean, epsilon))
    fused.add("Mul", fused.add("Div", x, deviation), gain)
    return True


def _bias_first(op: str) -> Taking:
    """A function of the sum of x and a bias."""

    def rule(fused: Fused) -> bool:
        if not fused.operand(1):
            return False
        fused.add(op, fused.add("Add", fused.operand(0), fused.operand(1)), domain=MICROSOFT)
        return True

    return rule


def _channels_last(op: str, domain: str, always: bool = False) -> Taking:
    """An operator of two dimensions on (N, H, W, C) between two transpositions."""

    def rule(fused: Fused) -> bool:
        last = always or fused.attributes.get("channels_last", 0)
        first, *others = fused.node.input
        if not last and domain == fused.node.domain:
            return False
        x = fused.add("Transpose", first, perm=_TO_CHANNELS_FIRST) if last else str(first)
        value = fused.add(op, x, *others, domain=domain, **fused.kept("channels_last"))
        if last:
            fused.add("Transpose", value, perm=_TO_CHANNELS_LAST)
        return True

    return rule


def _where(fused: Fused) -> bool:
    """Operands: condition, and x, y and the result each with scale and zero point."""
    if len(fused.node.input) != 9:
        return False
    condition, *named = fused.node.input
    x, y = (fused.add("DequantizeLinear", *named[k : k + 3]) for k in (0, 3))
    fused.add("QuantizeLinear", fused.add("Where", condition, x, y), *named[6:])
    return True


def _reduce_mean(fused: Fused) -> bool:
    """Operands: x and the result, each with scale and zero point."""
    if len(fused.node.input) != 5:
        return False
    x = fused.add("DequantizeLinear", *fused.node.input[:3])
    own = fused.kept("axes")
    axes = fused.attributes.get("axes")
    if axes and fused.opset >= _AXES_ARE_INPUTS:
        mean = fused.add("ReduceMean", x, fused.constant(np.array(axes)), **own)
    else:
        mean = fused.add("ReduceMean", x, **own, **({"axes": axes} if axes else {}))
    fused.add("QuantizeLinear", mean, *fused.node.input[3:])
    return True


def _integer_matmul(fused: Fused) -> bool:
    """Operands: a, b, their scales, their zero points, and a bias."""
    a, b, scale_a, scale_b, zero_a, zero_b, bias = (fused.operand(k) for k in range(7))
    return _scaled_product(fused, (a, scale_a, zero_a), (b, scale_b, zero_b), bias)


def _dynamic_matmul(fused: Fused) -> bool:
    """Operands: reals, b, its scale and zero point, and a bias. Refused where its scale is asked for, as that of each sample."""
    from onnx import helper

    a, b, scale_b, zero_b, bias = (fused.operand(k) for k in range(5))
    results = [f"{fused.node.output[0]}_{kind}" for kind in ("integers", "scale", "zero")]
    name = fused.node.name or fused.node.output[0]
    fused.nodes.append(helper.make_node("DynamicQuantizeLinear", [a], results, name))
    integers, scale, zero = results
    return _scaled_product(fused, (integers, scale, zero), (b, scale_b, zero_b), bias)


def _scaled_product(
    fused: Fused, a: tuple[str, str, str], b: tuple[str, str, str], bias: str
) -> bool:
    by_column = fused.ranks.get(b[1], 0) == 1
    reals = fused.add("DequantizeLinear", *a)
    own: dict[str, Any] = {"axis": 1} if by_column else {}
    weights = fused.add("DequantizeLinear", *b, **own)
    value = fused.add("MatMul", reals, weights)
    if bias:
        fused.add("Add", value, bias)
    return True


Taking = Callable[[Fused], bool]
"""Adds the nodes in place of one; False where it does not fit."""
RULES: Mapping[str, Taking] = {
    "FusedConv": _conv,
    "FusedGemm": _gemm,
    "FusedMatMul": _matmul,
    "SkipLayerNormalization": _skip_norm,
    "SkipSimplifiedLayerNormalization": _skip_rms,
    "SimplifiedLayerNormalization": _plain_rms,
    "BiasGelu": _bias_first("Gelu"),
    "FastGelu": _bias_first("FastGelu"),
    "NhwcMaxPool": _channels_last("MaxPool", "", always=True),
    "QLinearConv": _channels_last("QLinearConv", ""),
    "QLinearAveragePool": _channels_last("QLinearAveragePool", MICROSOFT),
    "QLinearGlobalAveragePool": _channels_last("QLinearGlobalAveragePool", MICROSOFT),
    "QLinearWhere": _where,
    "QLinearReduceMean": _reduce_mean,
    "MatMulIntegerToFloat": _integer_matmul,
    "DynamicQuantizeMatMul": _dynamic_matmul,
}

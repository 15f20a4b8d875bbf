"""Layers in every number format: a matrix product, or two with a quantiser between, made with a fixed seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "qonnx.custom_op.general"


@dataclass(frozen=True)
class NumberFormat:
    """An integer of ``bits`` (``narrow``: without the least; of one signed bit: -1 or 1), or a float of ``exponent`` and ``mantissa`` bits,
    ``bias`` and ``greatest`` number; in steps of ``step``."""

    bits: int = 0
    signed: bool = True
    narrow: bool = False
    step: float = 0.25
    exponent: int = 0
    mantissa: int = 0
    bias: int = 0
    greatest: float = 0.0

    @property
    def is_float(self) -> bool:
        return self.exponent > 0

    @property
    def reach(self) -> float:
        """The size of numbers that use the format well."""
        if self.is_float:
            return 6.0
        return self.step * max(1, 1 << (self.bits - self.signed)) / 2


E4M3 = NumberFormat(exponent=4, mantissa=3, bias=7, greatest=448.0, step=1.0)
E5M2 = NumberFormat(exponent=5, mantissa=2, bias=15, greatest=57344.0, step=1.0)
FORMATS = {
    "int8": NumberFormat(8),
    "int4": NumberFormat(4),
    "int2": NumberFormat(2),
    "ternary": NumberFormat(2, narrow=True),
    "bipolar": NumberFormat(1),
    "fp8_e4m3": E4M3,
}
"""Of the table of LUTs for each operation."""


class _Nodes:
    """Nodes and constants of a model as they are added."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray | float) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(self, op_type: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op_type, inputs, [name], f"n{name}", domain=domain, **attributes)
        )
        return name

    def quantised(self, x: str, form: NumberFormat, step: float | None = None) -> str:
        scale = self.constant(form.step if step is None else step)
        if form.is_float:
            numbers = (form.exponent, form.mantissa, form.bias, form.greatest)
            given = [self.constant(float(number)) for number in numbers]
            return self.node(
                "FloatQuant",
                *(x, scale, *given),
                domain=DOMAIN,
                has_inf=0,
                has_nan=0,
                has_subnormal=1,
                rounding_mode="ROUND",
                saturation=1,
            )
        if form.bits == 1 and form.signed:
            return self.node("BipolarQuant", x, scale, domain=DOMAIN)
        given = [self.constant(0.0), self.constant(float(form.bits))]
        attributes = {"signed": int(form.signed), "narrow": int(form.narrow)}
        return self.node(
            "Quant", x, scale, *given, domain=DOMAIN, rounding_mode="ROUND", **attributes
        )

    def weights(self, inputs: int, outputs: int, form: NumberFormat) -> str:
        reals = self.random.normal(size=(inputs, outputs)) * form.reach
        if not form.signed:
            reals = np.abs(reals)
        return self.quantised(self.constant(reals), form)


def model(
    activations: NumberFormat,
    weights: NumberFormat,
    sizes: tuple[int, ...] = (64, 64),
    seed: int = 3,
) -> onnx.ModelProto:
    """Matrix products from one size to the next, with a quantiser of the activations in front of each; the last sums are the output."""
    build = _Nodes(seed)
    value = build.quantised("x", activations)
    reach = activations.reach
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        if number:
            step = reach / activations.reach * activations.step
            value = build.quantised(value, activations, float(np.exp2(np.rint(np.log2(step)))))
        value = build.node("MatMul", value, build.weights(inputs, outputs, weights))
        reach *= weights.reach * inputs**0.5
    graph = helper.make_graph(
        build.nodes,
        "formats",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, sizes[0]))],
        [helper.make_empty_tensor_value_info(value)],
        build.constants,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
    network: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return network


def samples(activations: NumberFormat, width: int, count: int = 20) -> dict[str, np.ndarray]:
    """Inputs over the whole range of the activations, and a little beyond."""
    reals = np.random.default_rng(11).normal(size=(count, width)) * 1.5 * activations.reach
    return {"x": reals.astype(np.float32)}

"""Sums and products of one quantised operand with itself or with a quantised constant, as ONNX Runtime's integer kernels compute them.

Its default session makes QLinearAdd and QLinearMul of them, whose float32 steps are not those of Dequantize, Add or Mul, and Quantize.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.add import Add, QuantisedAdd
from hlsgen.ops.multiply import Mul, kernel_products
from hlsgen.ops.op import QuantisedOutput, QuantisedValue
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import Reason
from hlsgen.ops.step_function import StepFunction, Term
from hlsgen.passes.clamps import clamp_bounds
from hlsgen.passes.islands import Island
from hlsgen.passes.positions import by_channel, channel_values
from hlsgen.requantise.cells import Combination, find_pair_form


@dataclass(frozen=True, eq=False)
class KernelCore:
    """The sum or product of two operands of one narrow type, in the order in which the kernel takes them."""

    op: Add | Mul
    operands: tuple[QuantisedValue, QuantisedValue]
    output: QuantisedOutput

    @property
    def entries(self) -> np.ndarray:
        """Every integer of the operands' type."""
        return np.arange(self.output.element.minimum, self.output.element.maximum + 1)

    def results(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The kernel's results for integers of both operands, which broadcast; int64."""
        a, b = self.operands
        if isinstance(self.op, Add):
            return QuantisedAdd.of(a, b, self.output, "chain").sums(x, y)
        scales = (a.quantisation.scale[0], b.quantisation.scale[0])
        return kernel_products(x - a.zero, y - b.zero, scales, self.output)

    def reals(self) -> tuple[np.ndarray, np.ndarray]:
        """Float64 values of every integer of both operands, of whose sum or product the results are a function but for rounding."""
        a, b = self.operands
        if isinstance(self.op, Add):
            add = QuantisedAdd.of(a, b, self.output, "chain")
            first, second = add.addends(self.entries, self.entries)
            return first.reshape(-1), second.reshape(-1)
        return (self.entries - a.zero).astype(np.float64), (self.entries - b.zero).astype(
            np.float64
        )


def kernel_core(build: GraphBuilder, island: Island, quantize: QuantizeLinear) -> KernelCore | None:
    """The sum or product that an island of one leaf is in ONNX Runtime's integer kernel.

    None where its operators stay on floats: where it is not one sum or product, or its operands and its result are not of one type of at
    most 8 bits, or a clamp changes what it gives.
    """
    chain: list[Node] = []
    core = build.producer(island.output)
    while core is not None and core.op.elementwise:
        chain.insert(0, core)
        core = build.producer(core.inputs[0])
    element = quantize.element
    if core is None or not isinstance(core.op, Add | Mul) or element.bits > 8:
        return None
    operands = [v for v in (_operand(build, value) for value in core.inputs) if v is not None]
    full = (element.minimum, element.maximum)
    if (
        len(operands) < 2
        or any(v.type.element != element for v in operands)
        or clamp_bounds(chain, quantize) != full
    ):
        return None
    a, b = operands
    rows = [v.type.shape[-1:] or (1,) for v in (a, b)]
    if isinstance(core.op, Add) and a.constant is not None and rows[0] == (1,) and rows[1] != (1,):
        a, b = b, a  # the kernel takes what is one number in a row last
    zero = quantize.quantisation.zero_point[0]
    output = QuantisedOutput(quantize.quantisation.scale[0], zero, *full, element)
    return KernelCore(core.op, (a, b), output)


def kernel_results(core: KernelCore, rank: int) -> np.ndarray:
    """The results for every integer of the operand that is not constant, of ``rank``: int64 (entries, ...), broadcast with the constant."""
    entries = core.entries.reshape(-1, *(1,) * (rank - 1))
    x, y = (entries if v.constant is None else v.constant.astype(np.int64) for v in core.operands)
    return core.results(x, y)


def stored_pair(build: GraphBuilder, core: KernelCore, axes: Sequence[int]) -> str | Reason:
    """The operand's table combined with what is stored of the constant for each channel or position, proved for all pairs that occur."""
    leaf = next(k for k, v in enumerate(core.operands) if v.constant is None)
    x, given = core.operands[leaf], core.operands[1 - leaf]
    assert given.constant is not None, "an island of one leaf has one operand that is computed"
    rank = len(x.type.shape)
    numbers = given.constant.astype(np.int64)
    numbers = numbers.reshape(*(1,) * (rank - numbers.ndim), *numbers.shape)
    present, index = np.unique(channel_values(numbers, x.type.shape, axes), return_inverse=True)
    pairs = [core.entries[:, None], present[None, :]]
    truth = core.results(pairs[leaf], pairs[1 - leaf])
    reals = core.reals()
    second = reals[1 - leaf][present - core.output.element.minimum]
    combination: Combination = "sum" if isinstance(core.op, Add) else "product"
    form = find_pair_form(truth, reals[leaf], second, combination)
    if isinstance(form, int):
        return Reason(f"{form:,} of {truth.size:,} pairs of operand and constant have no form")

    def function(value: str) -> str:
        terms: list[tuple[str | None, Term, np.ndarray]] = [
            (value, "table", form.first),
            (None, "given", form.second[index.reshape(-1)]),
        ]
        return StepFunction.add(
            build, combination, terms, form.steps, core.output.element, "integers"
        )

    return by_channel(build, x.name, axes, function)


def _operand(build: GraphBuilder, value: str) -> QuantisedValue | None:
    """What a per-tensor Dequantize reads; None for other operands."""
    node = build.producer(value)
    if node is None or not isinstance(node.op, DequantizeLinear):
        return None
    source = node.inputs[0]
    type = build.types[source]
    quantisation = node.op.resolved(type)
    constant = build.constants.get(source)
    return QuantisedValue(source, type, quantisation, constant) if quantisation.per_tensor else None

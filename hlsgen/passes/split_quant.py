"""Quantisers of QONNX become Quantize and Dequantize."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.algebra.types import BIPOLAR, ElementType, narrowest
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.qonnx import (
    LARGEST_BITS,
    BipolarQuant,
    Quant,
    QuantizeBipolar,
    QuantizeRounded,
    Trunc,
    integers_name,
    limits,
)
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reason import ELSEWHERE, Reason, unless
from hlsgen.ops.small_float import (
    LARGEST_INTEGER_BITS,
    FloatQuant,
    QuantizeSmallFloat,
    SmallFloat,
)
from hlsgen.ops.tensor_type import Quantisation
from hlsgen.passes.rewrite import Refused, rewrite, unheard


class SplitQuant:
    """1. Quant(x, scale, 0, bits)    -> Dequantize(Quantize(x))           to the nearest, of the whole range
    2. Quant(x, scale, zero, bits) -> Dequantize(QuantizeRounded(x))    any other
    3. FloatQuant(x, scale, ...)   -> Dequantize(QuantizeSmallFloat(x)) in steps of the least number
    4. BipolarQuant(x, scale)      -> Dequantize(QuantizeBipolar(x))    and a signed Quant of 1 bit
    5. Trunc(x, scale, ...)        -> Dequantize(QuantizeRounded(Dequantize(Quantize(x))))  integers, then fewer bits of them
    """

    name = "split_quant"

    def run(self, graph: Graph, refused: Refused = unheard) -> Graph:
        return rewrite(graph, _split, refused)


def _split(build: GraphBuilder, node: Node) -> str | Reason:
    if not isinstance(node.op, Quant | BipolarQuant | FloatQuant | Trunc):
        return ELSEWHERE
    parameters = [build.constants.get(value) for value in node.inputs[1:]]
    known = [p.astype(np.float64) for p in parameters if p is not None]
    if len(known) < len(parameters):
        return Reason("its scale, zero point or number of bits is computed, not constant")
    if wrong := int(np.sum(~np.isfinite(build.constants.get(node.inputs[0], np.zeros(()))))):
        return Reason(f"{wrong} of the constants that it quantises are infinite or not numbers")
    scale, zero = known[0], known[1] if isinstance(node.op, Quant | Trunc) else np.zeros(())
    quantisation = _quantisation(build.types[node.inputs[0]].shape, scale, zero)
    if isinstance(quantisation, Reason):
        return quantisation
    if isinstance(node.op, Trunc):
        return _truncated(build, node, quantisation, known[2:])
    quantize: QuantizeLinear | Reason
    if isinstance(node.op, BipolarQuant):
        quantize = QuantizeBipolar(quantisation, BIPOLAR)
    elif isinstance(node.op, FloatQuant):
        quantize = _small_float(node.op, quantisation, known[1:])
    else:
        quantize = _quantize(node.op, quantisation, known[2])
    if isinstance(quantize, Reason):
        return quantize
    name = build.fresh(integers_name(node.output))
    integers = build.node(quantize, node.inputs[:1], name)
    return build.node(DequantizeLinear(quantize.quantisation), [integers])


def _truncated(
    build: GraphBuilder, node: Node, quantisation: Quantisation, bits: list[np.ndarray]
) -> str | Reason:
    """Integers of a bit more than there are before, since nothing says whether they are signed; then in steps of those that are left."""
    assert isinstance(node.op, Trunc)
    counts = [float(number.reshape(-1)[0]) if number.size == 1 else 0.5 for number in bits]
    before, after = (int(count) for count in counts)
    failed = unless(
        (all(count == int(count) for count in counts), "its numbers of bits are not whole"),
        (
            1 <= after <= before <= LARGEST_BITS,
            f"its numbers of bits {before} and {after} are not of 1 to {LARGEST_BITS}, the second at most the first",
        ),
        (not any(quantisation.zero_point), "it has a zero point"),
    )
    if failed is not None:
        return failed
    whole, step = Quantisation((1.0,), (0,)), Quantisation((2.0 ** (before - after),), (0,))
    integers = build.node(
        QuantizeLinear(quantisation, ElementType(before + 1, True)), node.inputs[:1]
    )
    reals = build.node(DequantizeLinear(whole), [integers])
    reach = 1 << after
    fewer = QuantizeRounded(
        step, ElementType(after + 2, True), -reach, reach, node.op.rounding_mode
    )
    name = build.fresh(integers_name(node.output))
    return build.node(DequantizeLinear(quantisation), [build.node(fewer, [reals], name)])


def _quantisation(
    shape: tuple[int, ...], scale: np.ndarray, zero: np.ndarray
) -> Quantisation | Reason:
    """Scales and zero points that broadcast to ``shape``, as one for all or one for each index of an axis."""
    both = np.stack(np.broadcast_arrays(scale, zero))
    aligned = both.reshape(2, *(1,) * (len(shape) - both.ndim + 1), *both.shape[1:])
    varying = [k for k, extent in enumerate(aligned.shape[1:]) if extent > 1]
    failed = unless(
        (len(varying) <= 1, f"its scales vary along axes {varying}"),
        (bool(np.all(np.isfinite(scale) & (scale > 0))), "its scales are not positive and finite"),
        (bool(np.all(zero == np.rint(zero))), "its zero point is not a whole number"),
    )
    if failed is not None:
        return failed
    scales, zeros = aligned.reshape(2, -1)
    axis = varying[0] if varying else None
    return Quantisation(tuple(map(float, scales)), tuple(map(int, zeros)), axis)


def _quantize(op: Quant, quantisation: Quantisation, bits: np.ndarray) -> QuantizeLinear | Reason:
    count = float(bits.reshape(-1)[0]) if bits.size == 1 else 0.0
    if count != int(count) or not 1 <= count <= LARGEST_BITS:
        return Reason(f"its number of bits {bits.tolist()} is not one of 1 to {LARGEST_BITS}")
    zeros = any(quantisation.zero_point)
    if count == 1 and op.signed:
        if zeros:
            return Reason("it is bipolar and has a zero point")
        return QuantizeBipolar(quantisation, BIPOLAR)
    element = ElementType(int(count), op.signed)
    low, high = limits(int(count), op.signed, op.narrow)
    if not all(element.minimum <= zero <= element.maximum for zero in quantisation.zero_point):
        return Reason(f"its zero point is not one of {element}")
    rounded = QuantizeRounded(quantisation, element, low, high, op.rounding_mode)
    return QuantizeLinear(quantisation, element) if rounded.is_plain else rounded


def _small_float(
    op: FloatQuant, quantisation: Quantisation, numbers: list[np.ndarray]
) -> QuantizeLinear | Reason:
    """The integers of the format whose bits of exponent and mantissa, exponent bias and greatest number are given."""
    if any(number.size != 1 for number in numbers):
        return Reason("its format varies, and is not one for all elements")
    exponent, mantissa, bias, greatest = (float(number.reshape(-1)[0]) for number in numbers)
    whole = all(value == int(value) for value in (exponent, mantissa, bias))
    if not whole or not (1 <= exponent <= 8 and 0 <= mantissa <= 23) or not greatest > 0:
        return Reason(f"its format of {exponent:g} and {mantissa:g} bits is not a float format")
    form = SmallFloat(int(exponent), int(mantissa), int(bias), greatest)
    largest = int(form.maximum / form.step)
    bits = narrowest(-largest, largest)[0]
    if bits > LARGEST_INTEGER_BITS:
        return Reason(f"its numbers are integers of {bits} bits, more than {LARGEST_INTEGER_BITS}")
    element = ElementType(bits, True)
    scales = tuple(float(np.float32(s) * np.float32(form.step)) for s in quantisation.scale)
    return QuantizeSmallFloat(
        replace(quantisation, scale=scales),
        element,
        form.exponent,
        form.mantissa,
        form.bias,
        greatest,
        op.rounding_mode,
    )

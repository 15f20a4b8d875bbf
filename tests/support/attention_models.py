"""Quantised models with products of computed matrices, made node by node."""

from __future__ import annotations

import numpy as np
import onnx

from support.quantised_models import QuantisedModel

Case = tuple[onnx.ModelProto, dict[str, np.ndarray]]


def requantised(model: QuantisedModel, value: str, scale: float, zero: int, element: str) -> str:
    """Quantize and Dequantize."""
    return model.dequantize(model.quantize(value, scale, zero, element), scale, zero, element)


def projection(model: QuantisedModel, x: str, size: int, outputs: int, scale: float) -> str:
    """A product with constant weights, requantised."""
    value = model.node("MatMul", x, model.weights((size, outputs), outputs, False, 1))
    return requantised(model, value, scale, 121, "u8")


def split_heads(
    model: QuantisedModel, x: str, steps: int, heads: int, size: int, keys: bool = False
) -> str:
    """(1, steps, heads * size) as (1, heads, steps, size), or of keys as (1, heads, size, steps)."""
    shape = model.constant(np.array([1, steps, heads, size]))
    perm = [0, 2, 3, 1] if keys else [0, 2, 1, 3]
    return model.node("Transpose", model.node("Reshape", x, shape), perm=perm)


def products(steps: int = 5, heads: int = 2, size: int = 3) -> Case:
    """(q k^T) v of every head, without Softmax: both products have computed operands."""
    width = heads * size
    model = QuantisedModel((1, steps, width), "u8", seed=21)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    q, k, v = (projection(model, x, width, width, 0.03) for _ in range(3))
    q, v = (split_heads(model, value, steps, heads, size) for value in (q, v))
    k = split_heads(model, k, steps, heads, size, keys=True)
    scores = requantised(model, model.node("MatMul", q, k), 0.11, 3, "s8")
    mixed = model.node("Transpose", model.node("MatMul", scores, v), perm=[0, 2, 1, 3])
    mixed = model.node("Reshape", mixed, model.constant(np.array([1, steps, width])))
    return model.finish(model.quantize(mixed, 0.9, 117, "u8")), model.samples(20)


def qlinear_product(opset: int = 17) -> Case:
    """QLinearMatMul of the input with its own transpose."""
    model = QuantisedModel((1, 4, 6), "u8", opset, seed=22)
    own = model.parameters(model.scale, model.zero, "u8")
    turned = model.node("Transpose", "x", perm=[0, 2, 1])
    operands = ["x", *own, turned, *own]
    value = model.node("QLinearMatMul", *operands, *model.parameters(0.05, 110, "u8"))
    return model.finish(value), model.samples(20)


def integer_product() -> Case:
    """MatMulInteger of the input with its own transpose: 32-bit results."""
    model = QuantisedModel((1, 4, 6), "u8", seed=23)
    turned = model.node("Transpose", "x", perm=[0, 2, 1])
    zeros = [model.constant(np.uint8(7)), model.constant(np.uint8(9))]
    return model.finish(model.node("MatMulInteger", "x", turned, *zeros)), model.samples(20)


def split_projection(steps: int = 4, heads: int = 2, size: int = 3) -> Case:
    """One projection to queries, keys and values together, as exporters of fused attention write it."""
    width = heads * size
    model = QuantisedModel((1, steps, width), "u8", seed=24)
    x = model.dequantize("x", model.scale, model.zero, "u8")
    whole = projection(model, x, width, 3 * width, 0.04)
    shape = model.constant(np.array([1, steps, 3, heads, size]))
    apart = model.node("Transpose", model.node("Reshape", whole, shape), perm=[2, 0, 3, 1, 4])
    q, k, v = (
        model.node("Gather", apart, model.constant(np.array(number)), axis=0) for number in range(3)
    )
    k = model.node("Transpose", k, perm=[0, 1, 3, 2])
    scores = requantised(model, model.node("MatMul", q, k), 0.11, 30, "u8")
    shares = requantised(model, model.node("Softmax", scores, axis=-1), 1 / 256, 0, "u8")
    mixed = model.node("Transpose", model.node("MatMul", shares, v), perm=[0, 2, 1, 3])
    mixed = model.node("Reshape", mixed, model.constant(np.array([1, steps, width])))
    return model.finish(model.quantize(mixed, 0.03, 117, "u8")), model.samples(20)

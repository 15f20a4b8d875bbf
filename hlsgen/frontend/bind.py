"""From an ONNX node to an operator, by the operator's own binding."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.errors import HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.node_source import NodeSource
from hlsgen.frontend.tensors import element_of
from hlsgen.graph.builder import GraphBuilder
from hlsgen.ops import OPERATORS
from hlsgen.ops.dynamic_quantise import DynamicQuantizeLinear
from hlsgen.ops.float_tensors import SMALL_FLOATS, DequantizeFloat, QuantizeFloat
from hlsgen.ops.op import IntegerForm, OnnxBinding, TensorOp
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.tensor_type import F32, Element, Quantisation

OF_ONE_PROCESSOR = ("com.microsoft.nchwc", "com.ms.internal.nhwc")
"""Domains of what ONNX Runtime's optimiser writes for the machine that it runs on."""


def bind(build: GraphBuilder, source: NodeSource) -> None:
    """Adds the operator that a node stands for."""
    operator, binding = find_binding(source)
    hints = typing.get_type_hints(operator)
    several = "result" in hints
    results = {k: value for k, value in enumerate(source.node.output) if source.is_read(k)}
    if results.keys() != {0} and not several:
        raise source.unsupported(f"{len(source.node.output)} outputs")
    inputs = list(source.node.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    fields = _attribute_fields(source, binding)
    if binding.integers is not None:
        _bind_integers(build, source, make(source, operator, fields), binding.integers, inputs)
        return
    taken: set[int] = set()
    for field, position in (binding.inputs or {}).items():
        taken.add(position)
        if position < len(inputs) and inputs[position]:
            fields[field] = _plain(_constant(build, source, inputs[position]))
    if binding.quantisation is not None:
        if any(_given(inputs, position) is None for position in (0, binding.quantisation[0])):
            raise source.unsupported("a missing operand")
        taken.update(binding.quantisation)
        fields |= _quantisation_fields(build, source, operator, binding.quantisation, inputs)
        operator = _of_floats(build, source, operator, fields, inputs[0])
    operands = [value for k, value in enumerate(inputs) if k not in taken]
    low, high = binding.arity
    if not low <= len(operands) <= high:
        raise source.unsupported(f"{len(operands)} operands")
    if not all(operands):
        if "absent" not in typing.get_type_hints(operator):
            raise source.unsupported("a missing operand")
        fields["absent"] = tuple(k for k, value in enumerate(operands) if not value)
        operands = [value for value in operands if value]
    if "results" in hints:
        fields["results"] = len(source.node.output)
    for number, output in results.items():
        op = make(source, operator, fields | ({"result": number} if several else {}))
        build.node(_normalised(build, source, op, operands), operands, output, source.name)


def make(source: NodeSource, operator: type[TensorOp], fields: Mapping[str, Any]) -> TensorOp:
    """The operator with these fields; what it refuses is reported at the node."""
    hints = typing.get_type_hints(operator)
    for name, value in fields.items():
        if name in hints and not _is_of(value, hints[name]):
            raise source.unsupported(f"{name} = {value!r}")
    try:
        return operator(**fields)
    except TypeError as error:
        raise source.unsupported(f"missing or wrong attributes ({sorted(fields)})") from error


def _is_of(value: Any, hint: Any) -> bool:
    """Whether a value that a file gave is of the type that a field is declared with."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_is_of(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        each = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        return len(value) == len(each) and all(map(_is_of, value, each))
    if hint in (bool, float):  # ONNX writes flags as integers, and some exporters whole floats
        return isinstance(value, int | float)
    return not isinstance(hint, type) or isinstance(value, hint)


def _normalised(
    build: GraphBuilder, source: NodeSource, op: TensorOp, operands: Sequence[str]
) -> TensorOp:
    try:
        return op.normalised(tuple(build.types[value] for value in operands))
    except HlsgenError as error:
        raise type(error)(source.where, error.problem, error.remedy) from error


def _bind_integers(
    build: GraphBuilder, source: NodeSource, op: TensorOp, form: IntegerForm, inputs: list[str]
) -> None:
    """Adds an operator on quantised integers as Dequantize - operator - Quantize."""
    build.within(source.name)
    operands, quantisations = [], []
    for k, (value, scale, zero) in enumerate(form.placed(len(inputs))):
        name = _given(inputs, value)
        if name is None or name not in build.types:
            raise source.unsupported("a missing operand")
        axis = op.weight_axis if k == 1 else 1
        element = build.types[name].element
        name, quantisation = _positional(build, source, inputs, scale, zero, element, axis, name)
        quantisations.append(quantisation)
        operands.append(build.node(DequantizeLinear(quantisation), [name]))
    bias = None if form.bias is None else _given(inputs, form.bias)
    if bias is not None:
        factor = 1.0 if form.factor is None else float(getattr(op, form.factor))
        if factor <= 0:
            raise source.unsupported(f"{form.factor} = {factor:g} with a bias")
        steps = np.float32(factor) * quantisations[0].scales() * quantisations[1].scales()
        axis_of_bias = 0 if steps.size > 1 else None
        scales = tuple(float(s) for s in steps)
        step = Quantisation(scales, (0,) * steps.size, axis_of_bias)
        operands.append(build.node(DequantizeLinear(step), [bias]))
    op = _normalised(build, source, op, operands)
    output = source.node.output[0]
    result = form.result
    if result is not None and _given(inputs, result[0]) is None:
        build.node(op, operands, output, source.name)  # QGemm without an output scale gives floats
        return
    real = build.node(op, operands)
    zero_name = None if result is None else _given(inputs, result[1])
    first = build.types[inputs[form.placed(len(inputs))[0][0]]].element
    element = first if zero_name is None else build.types[zero_name].element
    element = ElementType(32, True) if result is None else element
    at: tuple[int | None, int | None] = result or (None, None)
    if not isinstance(element, ElementType):
        raise source.unsupported("a result that is not an integer")
    _, quantisation = _positional(build, source, inputs, at[0], at[1], element, 1)
    build.node(QuantizeLinear(quantisation, element), [real], output, source.name)


def _given(inputs: list[str], position: int) -> str | None:
    """The name at a position among a node's inputs; None where it is left out."""
    return inputs[position] if position < len(inputs) and inputs[position] else None


def _positional(
    build: GraphBuilder,
    source: NodeSource,
    inputs: list[str],
    scale: int | None,
    zero: int | None,
    element: Element,
    axis: int,
    operand: str = "",
) -> tuple[str, Quantisation]:
    """The quantisation whose constants stand at positions of a node's inputs, with its operand; scale 1 and zero point 0 where left out."""
    scale_name = None if scale is None else _given(inputs, scale)
    zero_name = None if zero is None else _given(inputs, zero)
    zeros = np.zeros((), np.int64) if zero_name is None else _constant(build, source, zero_name)
    scales = (
        np.ones(zeros.shape, np.float32)
        if scale_name is None
        else _constant(build, source, scale_name)
    )
    if not np.all(scales):
        operand, scales = without_dead(build, operand, scales, zeros, axis)
    return operand, quantisation_of(source, scales, zeros, element, axis)


def find_binding(source: NodeSource) -> tuple[type[TensorOp], OnnxBinding]:
    """The operator class and binding of a node; raises UnsupportedOp with the nearest supported names."""
    names = []
    for operator in OPERATORS:
        for binding in operator.bindings:
            names.append(binding.op_type)
            same = (binding.domain, binding.op_type) == (source.domain, source.node.op_type)
            if same and binding.since <= source.opset <= binding.until:
                return operator, binding
    near = difflib.get_close_matches(source.node.op_type, sorted(set(names)), 3, 0.5)
    domain = f"{source.domain}." if source.domain else ""
    raise UnsupportedOp(
        source.where,
        f"expected a supported operator, found {domain}{source.node.op_type} of opset {source.opset}"
        + (f"; the nearest are {', '.join(near)}" if near else ""),
        "Save the optimised model again at level extended, without the layouts of one processor."
        if source.domain in OF_ONE_PROCESSOR
        else "See `hlsgen ops` for the supported operators; rewrite or remove this node.",
    )


def _attribute_fields(source: NodeSource, binding: OnnxBinding) -> dict[str, Any]:
    fields: dict[str, Any] = dict(binding.fixed or {})
    mapped, ignored = binding.attributes or {}, binding.ignored or {}
    elements = binding.elements or {}
    for name, value in source.attributes().items():
        if name in elements:
            fields[elements[name]] = element_of(value, f"{source.where}, attribute {name}")
        elif name in mapped:
            fields[mapped[name]] = value
        elif name not in ignored or ignored[name] not in (None, value):
            raise source.unsupported(f"attribute {name} = {value!r}")
    return fields


def _constant(build: GraphBuilder, source: NodeSource, name: str) -> np.ndarray:
    array = build.known(name)
    if array is None:
        raise _not_constant(build, source, name)
    return array


def _not_constant(build: GraphBuilder, source: NodeSource, name: str) -> UnsupportedOp:
    """What is computed where the hardware needs a constant; what a sample decides can be fixed by quantising with samples."""
    producer = build.producer(name)
    if producer is None or not isinstance(producer.op, DynamicQuantizeLinear):
        return source.unsupported(f"operand {name} that is not a constant")
    return UnsupportedOp(
        source.where,
        f"expected scales and zero points that are constants, found {name}, which {producer.name} (DynamicQuantizeLinear) takes from each sample",
        "Quantise the model statically, with samples (onnxruntime.quantization.quantize_static).",
    )


def _plain(array: np.ndarray) -> Any:
    """A constant as the value of a field: a number, or a tuple of numbers; an empty one is not a bound at all."""
    return array.item() if array.ndim == 0 else tuple(array.tolist())


def _quantisation_fields(
    build: GraphBuilder,
    source: NodeSource,
    operator: type[TensorOp],
    positions: tuple[int, int],
    inputs: list[str],
) -> dict[str, Any]:
    """Scale, zero point and axis; for QuantizeLinear also the element type, which is the zero point's."""
    scale = _constant(build, source, inputs[positions[0]])
    given = positions[1] < len(inputs) and inputs[positions[1]]
    zero = _constant(build, source, inputs[positions[1]]) if given else np.zeros_like(scale, int)
    quantises = "element" in typing.get_type_hints(operator)
    operand = build.types[inputs[0]].element
    absent = _asked(source) if quantises else operand
    element = build.types[inputs[positions[1]]].element if given else absent
    if not quantises and given and element != operand:
        raise TypeMismatch(
            source.where,
            f"expected a zero point of the operand's type {operand}, found {element}",
            "Repair the model: both have the same type.",
        )
    axis = source.attributes().get("axis", 1)
    if not isinstance(axis, int):
        raise source.unsupported(f"attribute axis = {axis!r}")
    if not quantises and not np.all(scale):
        inputs[0], scale = without_dead(build, inputs[0], scale, zero, axis)
    fields: dict[str, Any] = {"quantisation": quantisation_of(source, scale, zero, element, axis)}
    if quantises:
        fields["element"] = element
    return fields


def _of_floats(
    build: GraphBuilder,
    source: NodeSource,
    operator: type[TensorOp],
    fields: dict[str, Any],
    operand: str,
) -> type[TensorOp]:
    """The operator that is as ``operator`` on floats of few bits where the type is one of theirs; ``fields`` gets what it asks besides."""
    if operator is DequantizeLinear and build.types[operand].element in SMALL_FLOATS:
        if (scale := build.types[source.node.input[1]].element) != F32:
            raise source.unsupported(
                f"floats of few bits whose scale, and so the result, is {scale}"
            )
        return DequantizeFloat
    if operator is QuantizeLinear and fields["element"] in SMALL_FLOATS:
        fields["saturate"] = bool(source.attributes().get("saturate", 1))
        return QuantizeFloat
    return operator


def _asked(source: NodeSource) -> Element:
    """The element type that a QuantizeLinear without zero point asks for (opset 21); u8 where it does not."""
    number = source.attributes().get("output_dtype", 0)
    return element_of(number, f"{source.where}, attribute output_dtype") if number else U8


DEAD_SCALE = 2.0**-100
"""Stands for a scale of 0: so small that no bias is taken for a multiple of its steps."""


def without_dead(
    build: GraphBuilder, name: str, scale: np.ndarray, zero: np.ndarray, axis: int
) -> tuple[str, np.ndarray]:
    """Constant integers and their scales where a scale of 0 says that a channel is zero: the same reals, with integers that say so.

    Other operands keep their scales.
    """
    array = build.constants.get(name)
    if (
        array is None
        or scale.ndim > 1
        or (scale.ndim == 1 and not -array.ndim <= axis < array.ndim)
    ):
        return name, scale
    shape = [1] * array.ndim
    if scale.size > 1:
        shape[axis] = -1
    if scale.size not in (1, array.shape[axis]) or zero.size not in (1, scale.size):
        return name, scale
    dead = (scale == 0).reshape(shape)
    zeros = np.broadcast_to(zero, scale.shape).reshape(shape)
    integers = np.where(dead, zeros, array).astype(array.dtype)
    live = build.constant(build.fresh(f"{name}_live"), integers, build.types[name].element)
    return live, np.where(scale == 0, np.float32(DEAD_SCALE), scale).astype(scale.dtype)


def quantisation_of(
    source: NodeSource, scale: np.ndarray, zero: np.ndarray, element: Element, axis: int
) -> Quantisation:
    """A checked quantisation: scales positive and finite, zero points within their type, as many as there are scales."""
    if element in SMALL_FLOATS:
        if np.any(zero):
            raise source.unsupported(f"a zero point of {element} that is not 0")
        element, zero = S8, zero.astype(np.int64)
    if not isinstance(element, ElementType):
        raise source.unsupported(f"quantised numbers of type {element}")
    if scale.ndim > 1 or scale.size == 0 or scale.dtype != np.float32:
        raise source.unsupported(f"scales of shape {list(scale.shape)} and type {scale.dtype}")
    bad = [float(s) for s in scale.reshape(-1) if not (np.isfinite(s) and s > 0)]
    if bad:
        raise TypeMismatch(
            source.where,
            f"expected positive finite scales, found {bad[:4]}",
            "Quantise the model again; look for channels that are always zero.",
        )
    zeros = [int(z) for z in zero.reshape(-1)]
    if len(zeros) == 1:
        zeros = zeros * scale.size
    outside = [z for z in zeros if not element.minimum <= z <= element.maximum]
    if outside or len(zeros) != scale.size:
        raise TypeMismatch(
            source.where,
            f"expected {scale.size} zero points within {element}, found {zeros[:8]}",
            "Quantise the model again.",
        )
    scales = tuple(float(s) for s in scale.reshape(-1))
    return Quantisation(scales, tuple(zeros), axis if scale.ndim == 1 and scale.size > 1 else None)

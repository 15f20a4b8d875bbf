"""QONNX models in ONNX's own operators, so that ONNX Runtime is their reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.frontend.float_integers import with_float_integers
from hlsgen.ops.qonnx import DOMAINS, BipolarQuant, Quant, Trunc, integers_name, limits
from hlsgen.ops.small_float import FloatQuant, SmallFloat

if TYPE_CHECKING:
    import onnx

_QUANTISERS = {
    b.op_type for operator in (Quant, BipolarQuant, FloatQuant, Trunc) for b in operator.bindings
}
_OPSET = 13
"""Has Round and every operator that is used here, but for a Cast to 8-bit floats."""
_FLOAT8_OPSET = 19
_FLOAT8 = {(4, 3, 7, 448.0): "FLOAT8E4M3FN", (5, 2, 15, 57344.0): "FLOAT8E5M2"}
"""Bits of exponent and mantissa, exponent bias and greatest number of the formats that ONNX has."""


def in_standard_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same reals with quantisers as divisions, roundings and products; the same object where there are none.

    The integers of a quantiser are the value ``integers_name(its result)``, as in hlsgen's graph. One whose number of bits is not constant
    stays, and ONNX Runtime refuses it.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = with_float_integers(model)
    if not any(_is_quantiser(node) for node in model.graph.node):
        return model
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    constants = {t.name: numpy_helper.to_array(t) for t in changed.graph.initializer}
    constants |= {
        node.output[0]: numpy_helper.to_array(value.t)
        for node in changed.graph.node
        for value in _value_of(node)
    }
    quantisers = {}
    for node in changed.graph.node:
        if _is_quantiser(node):
            original = onnx.NodeProto()
            original.CopyFrom(node)
            quantisers[node.output[0]] = original
            # a stand-in while the model is brought to an opset that has Round
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output, node.name))
    kept = [entry for entry in changed.opset_import if entry.domain in ("", "ai.onnx")]
    del changed.opset_import[:]
    changed.opset_import.extend(kept)
    floats = any(node.op_type == "FloatQuant" for node in quantisers.values())
    opset = _FLOAT8_OPSET if floats else _OPSET
    if max((entry.version for entry in kept), default=1) < opset:
        changed = onnx.version_converter.convert_version(changed, opset)
    nodes = list(changed.graph.node)
    del changed.graph.node[:]
    for node in nodes:
        quantiser = quantisers.get(node.output[0] if node.output else "")
        written = [node] if quantiser is None else _Written(quantiser, constants).nodes()
        changed.graph.node.extend(written)
    return changed


def _is_quantiser(node: onnx.NodeProto) -> bool:
    return node.domain in DOMAINS and node.op_type in _QUANTISERS


def _value_of(node: onnx.NodeProto) -> Iterator[onnx.AttributeProto]:
    if node.op_type == "Constant":
        yield from (a for a in node.attribute if a.name == "value")


class _Written:
    """One quantiser written out; every value's name begins with the quantiser's result."""

    def __init__(self, node: onnx.NodeProto, constants: Mapping[str, np.ndarray]) -> None:
        self.node, self.constants = node, constants
        self.written: list[onnx.NodeProto] = []

    def nodes(self) -> list[onnx.NodeProto]:
        """The nodes; the quantiser itself where its number of bits is not known."""
        from onnx import helper

        x, scale = self.node.input[:2]
        if self.node.op_type == "BipolarQuant":
            self._sign(x)
            self._add("Mul", [integers_name(self.node.output[0]), scale], self.node.output[0])
            return self.written
        if self.node.op_type == "FloatQuant":
            return self._cast_to_float8(x, scale)
        values = {a.name: helper.get_attribute_value(a) for a in self.node.attribute}
        if self.node.op_type == "Trunc":
            return self._truncated(x, scale, values.get("rounding_mode", b"FLOOR").decode())
        zero, bits = self.node.input[2], self.constants.get(self.node.input[3])
        if bits is None or bits.size != 1:
            return [self.node]
        zero = self._cast(zero)
        count, signed = int(bits.reshape(())), bool(values.get("signed", 1))
        scaled = self._add("Add", [self._add("Div", [x, scale], "scaled"), zero], "shifted")
        if count == 1 and signed:
            self._sign(scaled)
        else:
            low, high = limits(count, signed, bool(values.get("narrow", 0)))
            bounds = [self._number(low, "low"), self._number(high, "high")]
            clipped = self._add("Clip", [scaled, *bounds], "clipped")
            self._round(clipped, values.get("rounding_mode", b"ROUND").decode().upper())
        moved = self._add("Sub", [integers_name(self.node.output[0]), zero], "moved")
        self._add("Mul", [moved, scale], self.node.output[0])
        return self.written

    def _cast_to_float8(self, x: str, scale: str) -> list[onnx.NodeProto]:
        """A Cast to one of ONNX's 8-bit floats and back; the quantiser itself where its format is another one."""
        from onnx import TensorProto, helper

        numbers = [self.constants.get(name) for name in self.node.input[2:]]
        if any(number is None or number.size != 1 for number in numbers):
            return [self.node]
        exponent, mantissa, bias, greatest = (
            float(number.reshape(())) for number in numbers if number is not None
        )
        key = (int(exponent), int(mantissa), int(bias), greatest)
        if key not in _FLOAT8:
            return [self.node]
        kind = getattr(TensorProto, _FLOAT8[key])
        scaled = self._add("Div", [x, scale], "scaled")
        narrow, wide = self._name("float8"), self._name("float32")
        self.written.append(helper.make_node("Cast", [scaled], [narrow], to=kind))
        self.written.append(helper.make_node("Cast", [narrow], [wide], to=TensorProto.FLOAT))
        step = self._number(1.0 / SmallFloat(*key).step, "steps")
        self._add("Mul", [wide, step], integers_name(self.node.output[0]))
        self._add("Mul", [wide, scale], self.node.output[0])
        return self.written

    def _truncated(self, x: str, scale: str, mode: str) -> list[onnx.NodeProto]:
        """Integers, and what is left of them without some low bits; the node itself where their number is not known."""
        before, after = (self.constants.get(name) for name in self.node.input[3:5])
        if before is None or after is None or before.size != 1 or after.size != 1:
            return [self.node]
        zero = self._cast(self.node.input[2])
        shifted = self._add("Add", [self._add("Div", [x, scale], "scaled"), zero], "shifted")
        step = self._number(2.0 ** float((before - after).reshape(())), "step")
        fewer = self._add("Div", [self._add("Round", [shifted], "integral"), step], "fewer")
        self._round(fewer, mode.upper())
        moved = self._add("Sub", [integers_name(self.node.output[0]), zero], "moved")
        self._add("Mul", [moved, scale], self.node.output[0])
        return self.written

    def _sign(self, x: str) -> None:
        """1 where x is 0 or more, else -1."""
        from onnx import TensorProto, helper

        below = self._add("Less", [x, self._number(0, "zero")], "below")
        node = helper.make_node("Cast", [below], [self._name("negative")], to=TensorProto.FLOAT)
        self.written.append(node)
        twice = self._add("Mul", [node.output[0], self._number(-2, "minus_two")], "twice")
        self._add("Add", [twice, self._number(1, "one")], integers_name(self.node.output[0]))

    def _round(self, x: str, mode: str) -> None:
        """``ops.qonnx.rounded``, with the same name for the result."""
        result = integers_name(self.node.output[0])
        plain = {"ROUND": "Round", "HALF_EVEN": "Round", "CEIL": "Ceil", "FLOOR": "Floor"}
        if mode in plain:
            self._add(plain[mode], [x], result)
            return
        size = self._add("Abs", [x], "size")
        if mode in ("HALF_UP", "HALF_DOWN"):
            half = self._number(0.5 if mode == "HALF_UP" else -0.5, "half")
            size = self._add("Add", [size, half], "moved_size")
        whole = self._add("Ceil" if mode in ("UP", "HALF_DOWN") else "Floor", [size], "whole")
        self._add("Mul", [self._add("Sign", [x], "sign"), whole], result)

    def _cast(self, value: str) -> str:
        """A zero point in floats, which some exporters write in integers."""
        from onnx import TensorProto, helper

        name = self._name("zero_point")
        self.written.append(helper.make_node("Cast", [value], [name], to=TensorProto.FLOAT))
        return name

    def _number(self, value: float, suffix: str) -> str:
        from onnx import helper

        name = self._name(suffix)
        self.written.append(helper.make_node("Constant", [], [name], value_float=float(value)))
        return name

    def _add(self, op_type: str, inputs: list[str], output: str) -> str:
        from onnx import helper

        names = (self.node.output[0], integers_name(self.node.output[0]))
        output = output if output in names else self._name(output)
        self.written.append(helper.make_node(op_type, inputs, [output], name=output))
        return output

    def _name(self, suffix: str) -> str:
        return f"{self.node.output[0]}_{suffix}"

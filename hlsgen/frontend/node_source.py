"""A node of an ONNX file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import UnsupportedOp
from hlsgen.frontend.tensors import read_tensor
from hlsgen.ops.tensor_type import Element

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class NodeSource:
    """A node of a file and what is needed to read it."""

    node: onnx.NodeProto
    file: str
    folder: Path | None
    opsets: Mapping[str, int]
    read: Collection[str] | None = None
    """The values that the model reads; None where that is not known."""

    @property
    def name(self) -> str:
        """The node's name, or its first output's where it has none."""
        return self.node.name or next(filter(None, self.node.output), "")

    @property
    def where(self) -> str:
        return f"{self.file}, node {self.name} ({self.node.op_type})"

    @property
    def domain(self) -> str:
        return "" if self.node.domain == "ai.onnx" else self.node.domain

    @property
    def opset(self) -> int:
        return self.opsets.get(self.domain, 1)

    def is_read(self, number: int) -> bool:
        """Whether a result is named and, but for the first, somebody reads it."""
        value = self.node.output[number]
        return bool(value) and (number == 0 or self.read is None or value in self.read)

    def attributes(self) -> dict[str, Any]:
        """Attributes as plain Python values, a tensor as its element type's text and its elements; raises UnsupportedOp for graphs."""
        import onnx

        attributes: dict[str, Any] = {}
        for attribute in self.node.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            if isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            elif isinstance(value, list) or type(value).__name__.startswith("Repeated"):
                value = tuple(
                    v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in value
                )
            elif isinstance(value, onnx.TensorProto):
                array, element = read_tensor(value, self.folder, self.where)
                value = (str(element), *array.reshape(-1).tolist())
            if not isinstance(value, int | float | str | tuple):
                raise self.unsupported(f"attribute {attribute.name} of kind {attribute.type}")
            attributes[attribute.name] = value
        return attributes

    def constant_node(self) -> tuple[np.ndarray, Element]:
        """The value of a Constant node."""
        for attribute in self.node.attribute:
            if attribute.name == "value":
                return read_tensor(attribute.t, self.folder, self.where)
            if attribute.name in ("value_float", "value_floats"):
                values = attribute.f if attribute.name == "value_float" else list(attribute.floats)
                return np.array(values, np.float32), "f32"
            if attribute.name in ("value_int", "value_ints"):
                numbers = attribute.i if attribute.name == "value_int" else list(attribute.ints)
                return np.array(numbers, np.int64), ElementType(64, True)
        raise self.unsupported("a Constant that is not a number or a tensor")

    def unsupported(self, feature: str) -> UnsupportedOp:
        """An error for something about this node that hlsgen does not have."""
        return UnsupportedOp(
            self.where,
            f"expected an operator form that hlsgen supports, found {feature}",
            "See `hlsgen ops` for what is supported; change the model or its export.",
        )

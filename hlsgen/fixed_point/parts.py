"""The graph that is built where an operator is taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Node
from hlsgen.ops.op import TensorOp
from hlsgen.ops.tensor_type import F32


class Parts:
    """The graph being built, with operators as functions of values' names; all reals."""

    def __init__(self, build: GraphBuilder, node: Node) -> None:
        self.build, self.node = build, node

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value."""
        return self.build.types[value].shape

    def __call__(self, op: TensorOp, *values: str | float | np.ndarray) -> str:
        """The result of an operator; numbers and arrays are constants."""
        names = [v if isinstance(v, str) else self.constant(v) for v in values]
        op = op.normalised(tuple(self.build.types[name] for name in names))
        return self.build.node(op, names)

    def constant(self, value: Any) -> str:
        """A constant of reals."""
        array = np.asarray(value, np.float32)
        return self.build.constant(self.build.fresh(f"{self.node.name}_constant"), array, F32)

"""Which of ONNX Runtime's kernels gives each quantised value of a model: read off the graph that a session runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from hlsgen.artefact.declared import Session
from hlsgen.frontend.sessions import open_session

if TYPE_CHECKING:
    import onnx

KernelKind: TypeAlias = Literal["integers", "floats", "rounded", "removed"]
"""``integers``: an integer kernel makes the value; ``floats``: a QuantizeLinear behind float kernels; ``rounded``: one behind a MatMulNBits, which
the optimiser makes of products with dequantised weights, and which rounds its operand to 8 bits; ``removed``: the session has no such value, its
optimiser has rewritten what lies around it."""

_MOVES = {"Flatten", "Identity", "MaxPool", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
_MOVES |= {"DepthToSpace", "Expand", "Gather", "Pad", "Resize", "Slice", "SpaceToDepth", "Split"}
_MOVES |= {"Tile", "Upsample"}
_INTEGER = {"ConvInteger", "MatMulInteger", "QGemm"}


def kernels_of(
    model: onnx.ModelProto, values: Sequence[str], exposed: Sequence[str], session: Session
) -> dict[str, KernelKind]:
    """The kernel of each of ``values``, with the values ``exposed`` made outputs as ``reference.run_session`` does. Raises NoSession."""
    if session == "unoptimised":
        open_session(model, exposed, session)
        graph = model.graph
    else:
        graph = _optimised(model, exposed, session).graph
    producers = {output: node for node in graph.node for output in node.output}
    kernels: dict[str, KernelKind] = {}
    for value in values:
        node = producers.get(value)
        while node is not None and node.op_type in _MOVES:
            node = producers.get(node.input[0])
        if node is None:
            kernels[value] = "removed"
        elif node.op_type.startswith("QLinear") or node.op_type in _INTEGER:
            kernels[value] = "integers"
        else:
            kernels[value] = "rounded" if _rounds(producers, node) else "floats"
    return kernels


def _rounds(producers: Mapping[str, onnx.NodeProto], node: onnx.NodeProto) -> bool:
    """Whether a MatMulNBits is among the float operators that compute a node's result, back to the nearest quantised values."""
    waiting, seen = [node], {id(node)}
    while waiting:
        one = waiting.pop()
        if one.op_type == "MatMulNBits":
            return True
        if one.op_type == "DequantizeLinear":
            continue
        before = [producers[name] for name in one.input if name in producers]
        waiting += [other for other in before if id(other) not in seen]
        seen.update(id(other) for other in before)
    return False


def _optimised(model: onnx.ModelProto, exposed: Sequence[str], session: Session) -> onnx.ModelProto:
    """The graph after the optimisations that choose integer kernels."""
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "optimised.onnx")
        open_session(model, exposed, session, path)
        return onnx.load(str(path))

"""States whose first axis is not that of samples, such as those of all layers of a recurrent network: [layers, 1, features]."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.frontend.model_file import domain_of, load_whole

if TYPE_CHECKING:
    import onnx

_SHAPE_IS_OPERAND = 5
"""The opset from which Reshape is told its shape by an operand."""


def with_states_of_one_sample(
    model: str | os.PathLike[str] | onnx.ModelProto, states: Mapping[str, str]
) -> str | os.PathLike[str] | onnx.ModelProto:
    """The model, each of whose ``states`` (output -> input) has the axis of samples, of extent 1, in front and no other axis of extent 1.

    The model itself gets them by Reshapes in the shape that it had; the same object where that is so already. Axes without an extent
    are taken as 1. Raises BadFile, UnsupportedOp.
    """
    import onnx

    if not states:
        return model
    proto = load_whole(model)
    opset = max((e.version for e in proto.opset_import if not domain_of(e.domain)), default=0)
    extents = {value.name: _extents(value) for value in proto.graph.input}
    pairs = {o: i for o, i in states.items() if _samples_are_behind(extents.get(i, (1,)))}
    outputs = {value.name: value for value in proto.graph.output}
    if not pairs or opset < _SHAPE_IS_OPERAND or any(o not in outputs for o in pairs):
        return model
    changed = onnx.ModelProto()
    changed.CopyFrom(proto)
    for output, input in pairs.items():
        whole = extents[input]
        if _extents(outputs[output]) != whole:
            return model  # the check of states says so
        _reshaped(changed.graph, output, input, whole, (1, *(n for n in whole if n != 1)))
    del changed.graph.value_info[:]
    return changed


def _extents(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Those of a tensor; of one without axes (1,)."""
    return tuple(d.dim_value or 1 for d in value.type.tensor_type.shape.dim) or (1,)


def _samples_are_behind(extents: tuple[int, ...]) -> bool:
    """Whether the axis of samples is not the first: a first axis alone may be of several samples, which is refused later."""
    return extents[0] != 1 and 1 in extents


def _reshaped(
    graph: onnx.GraphProto,
    output: str,
    input: str,
    whole: tuple[int, ...],
    sample: tuple[int, ...],
) -> None:
    """``input`` and ``output`` in the shape ``sample``, behind and before Reshapes; changes ``graph`` in place."""
    from onnx import helper, numpy_helper

    names = {name for node in graph.node for name in (node.name, *node.input, *node.output)}
    names |= {tensor.name for tensor in graph.initializer} | {v.name for v in graph.input}

    def fresh(hint: str) -> str:
        while hint in names:
            hint += "_"
        names.add(hint)
        return hint

    def shape(hint: str, extents: tuple[int, ...]) -> str:
        tensor = numpy_helper.from_array(np.array(extents, np.int64), fresh(f"{hint}_shape"))
        graph.initializer.append(tensor)
        return str(tensor.name)

    inside, written = fresh(f"{input}_whole"), fresh(f"{output}_whole")
    for node in graph.node:
        for ports, old, new in ((node.input, input, inside), (node.input, output, written)):
            ports[:] = [new if name == old else name for name in ports]
        node.output[:] = [written if name == output else name for name in node.output]
    first = helper.make_node("Reshape", [input, shape(input, whole)], [inside], fresh("state_in"))
    last = helper.make_node(
        "Reshape", [written, shape(output, sample)], [output], fresh("state_out")
    )
    graph.node.insert(0, first)
    graph.node.append(last)
    for value in (*graph.input, *graph.output):
        if value.name in (input, output):
            element = value.type.tensor_type.elem_type
            value.CopyFrom(helper.make_tensor_value_info(value.name, element, sample))

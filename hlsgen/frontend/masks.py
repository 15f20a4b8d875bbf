"""A float model before it is quantised: what masks scores in front of a Softmax by minus infinity does so by as much as suffices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.frontend.sessions import open_session

if TYPE_CHECKING:
    import onnx

MASKED = -1000.0
"""Addends below are those of masks (exporters write -10000, -1e9, the least float32 or minus infinity)."""
BELOW = 7.0
"""How far masked scores stay below the least that is not masked: a share of exp(-7) is less than a quarter of 1/255."""


def with_bounded_masks(
    model: onnx.ModelProto, samples: Iterable[Mapping[str, Any]]
) -> onnx.ModelProto:
    """The model, changed in place, whose Add of a constant mask, or Where of a constant condition and such a number, before a Softmax adds
    numbers within the range of the scores.

    An 8-bit quantisation of scores to which -10000 was added has no step left for the others.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    masks = {k: _mask(node, constants) for k, node in enumerate(model.graph.node)}
    read = [node for node in model.graph.node if node.op_type != "Softmax"]
    elsewhere = {name for node in read for name in node.input}
    elsewhere |= {value.name for value in model.graph.output}
    softmax = {n for node in model.graph.node if node.op_type == "Softmax" for n in node.input}
    nodes = {
        k: mask
        for k, mask in masks.items()
        if mask is not None and model.graph.node[k].output[0] in softmax - elsewhere
    }
    if not nodes:
        return model
    ranges = _ranges(model, {scores for scores, _ in nodes.values()}, samples)
    for k, (scores, added) in nodes.items():
        low, high = ranges[scores]
        _add_bounded(model, model.graph.node[k], scores, added, high - low)
    unread = constants.keys() - {name for node in model.graph.node for name in node.input}
    unread -= {value.name for value in model.graph.output}
    for name in sorted(unread):
        model.graph.initializer.remove(constants[name])
    return model


def _mask(
    node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]
) -> tuple[str, np.ndarray] | None:
    """The scores of a node that masks them, and what it adds to them; None for another."""
    from onnx import numpy_helper

    known = {n: numpy_helper.to_array(constants[n]) for n in node.input if n in constants}
    computed = [name for name in node.input if name not in known]
    if len(computed) != 1 or node.domain not in ("", "ai.onnx"):
        return None
    mask = None
    if node.op_type == "Add":
        (mask,) = known.values()
    elif node.op_type == "Where" and computed[0] != node.input[0]:
        condition, *values = (known.get(name, np.float32(0)) for name in node.input)
        mask = np.where(condition, *values)
    if mask is None or mask.dtype.kind != "f" or not (mask < MASKED).any() or np.isnan(mask).any():
        return None
    return computed[0], mask.astype(np.float32)


def _ranges(
    model: onnx.ModelProto, values: set[str], samples: Iterable[Mapping[str, Any]]
) -> dict[str, tuple[float, float]]:
    """The least and the greatest element of values over the samples."""
    names = sorted(values)
    session = open_session(model, names, "default")
    taken = {value.name for value in session.get_inputs()}
    ends: dict[str, tuple[float, float]] = {}
    for sample in samples:
        feed = {name: array for name, array in sample.items() if name in taken}
        for name, array in zip(names, session.run(names, feed), strict=True):
            low, high = ends.get(name, (np.inf, -np.inf))
            ends[name] = min(low, float(array.min())), max(high, float(array.max()))
    return ends


def _add_bounded(
    model: onnx.ModelProto, node: onnx.NodeProto, scores: str, mask: np.ndarray, span: float
) -> None:
    """The node as an Add of a mask that puts scores of a range of ``span`` below the others."""
    from onnx import numpy_helper

    kept = mask[mask >= MASKED]
    spread = float(np.ptp(kept)) if kept.size else 0.0
    least = float(kept.min()) if kept.size else 0.0
    bounded = np.where(mask < MASKED, least - spread - span - BELOW, mask).astype(np.float32)
    name = f"{node.output[0]}_mask"
    model.graph.initializer.append(numpy_helper.from_array(bounded, name))
    node.op_type = "Add"
    del node.input[:], node.attribute[:]
    node.input.extend([scores, name])

"""Scales of means in a model that hlsgen quantises itself: such that ONNX Runtime's float additions cannot decide a result."""

from __future__ import annotations

import numpy as np

from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.pool import AveragePool
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.ops.reduce import ReduceMean
from hlsgen.requantise.tie_free import Means

QUANTISED = "_QuantizeLinear_Output"
"""What onnxruntime.quantization appends to the name of a tensor for its integers."""


def tie_free_scales(graph: Graph) -> dict[str, tuple[float, int]]:
    """Scale and zero point, by name of the tensor, for each mean of ``graph`` (as read) that has sums near a half, where there is a
    quantisation without (``requantise.tie_free``).

    Means over a whole map are left out: ONNX Runtime adds their integers. The scales of means that follow one another depend on each
    other, so ask again with those that are given here in place, until there are none.
    """
    scales: dict[str, tuple[float, int]] = {}
    for node in graph.nodes:
        means, output = _means(graph, node), _quantize(graph, node.output)
        if means is None or output is None or not isinstance(output.op, QuantizeLinear):
            continue
        quantisation = output.op.quantisation
        before = quantisation.scale[0], quantisation.zero_point[0]
        if means.near_halves(*before) == 0:
            continue
        after = means.tie_free(*before)
        if after is not None:
            scales[output.output.removesuffix(QUANTISED)] = after
    return scales


def _means(graph: Graph, node: Node) -> Means | None:
    """The means that a node takes of dequantised elements, if ONNX Runtime takes them on floats."""
    dequantize = graph.producers.get(node.inputs[0]) if node.inputs else None
    if dequantize is None or not isinstance(dequantize.op, DequantizeLinear):
        return None
    shape = graph.types[node.inputs[0]].shape
    if isinstance(node.op, AveragePool):
        counts = {int(count) for count in np.unique(node.op.counts((1, 1, *shape[2:])))} - {0}
    elif isinstance(node.op, ReduceMean) and not node.op.spatial:
        counts = {int(np.prod([shape[axis] for axis in node.op.axes]))}
    else:
        return None
    quantisation = dequantize.op.quantisation
    element = graph.types[dequantize.inputs[0]].integer
    zero = quantisation.zero_point[0]
    ends = element.minimum - zero, element.maximum - zero
    return Means(quantisation.scale[0], counts, *ends, element.minimum, element.maximum)


def _quantize(graph: Graph, value: str) -> Node | None:
    """The QuantizeLinear of a real value, behind activations that it goes through; None where there is not one."""
    readers = graph.consumers.get(value, ())
    while len(readers) == 1 and readers[0].op.elementwise:
        readers = graph.consumers.get(readers[0].output, ())
    return readers[0] if len(readers) == 1 and isinstance(readers[0].op, QuantizeLinear) else None

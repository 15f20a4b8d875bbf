"""LSTM, GRU and RNN before a float model is quantised: every element of the sequence in operators of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hlsgen.fixed_point.parts import Parts
from hlsgen.fixed_point.traced import Namespace, NotTraced, named, traced
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.onnx_writer import written
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.recurrent import Recurrent
from hlsgen.passes.dead_code import RemoveDead
from hlsgen.passes.fold_constants import FoldConstants
from hlsgen.passes.fold_into_weights import FoldIntoWeights
from hlsgen.passes.merge_equal import MergeEqual
from hlsgen.passes.pipeline import GraphPasses
from hlsgen.passes.rewrite import rename

if TYPE_CHECKING:
    import onnx

MOST_STEPS = 256
"""Elements of a sequence, each of which gets a circuit of its own."""
CELLS = ("LSTM", "GRU", "RNN")
_PASSES = (FoldConstants(), FoldIntoWeights(), MergeEqual(), FoldConstants(), RemoveDead())


def with_unrolled_cells(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in which each cell is written out by its meaning, for as many steps as its sequence has; the same object where there is none.

    A cell stays that has more than ``MOST_STEPS`` steps, or takes what its meaning cannot be written out for (lengths that are computed).
    The products with the weights of the sequence are made in one node for all steps.
    """
    import onnx

    if not any(node.op_type in CELLS for node in model.graph.node):
        return model
    graph = read_model(model)
    opset = max(e.version for e in model.opset_import if e.domain in ("", "ai.onnx"))
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    nodes = list(changed.graph.node)
    del changed.graph.node[:]
    for node in nodes:
        whole = _unrolled(graph, list(node.output)) if node.op_type in CELLS else None
        if whole is None:
            changed.graph.node.append(node)
            continue
        steps, constants = written(whole, opset)
        changed.graph.node.extend(steps)
        changed.graph.initializer.extend(t for t in constants if t.name not in graph.types)
    del changed.graph.value_info[:]
    read = {name for node in changed.graph.node for name in node.input}
    weights = {n for node in nodes if node.op_type in CELLS for n in node.input} - read
    tensors = [t for t in changed.graph.initializer if t.name not in weights]
    del changed.graph.initializer[:]
    changed.graph.initializer.extend(tensors)
    return changed


def _unrolled(graph: Graph, results: list[str]) -> Graph | None:
    """The graph of one cell, with the cell's results as outputs; None where it is to stay."""
    cells = [graph.producers[name] for name in results if name in graph.producers]
    if not cells or not isinstance(cells[0].op, Recurrent):
        return None
    x = graph.types[cells[0].inputs[0]]
    if x.shape[1 if cells[0].op.layout else 0] > MOST_STEPS:
        return None
    try:
        return _of_meaning(graph, cells, cells[0].op)
    except NotTraced:
        return None


def _of_meaning(graph: Graph, cells: list[Node], op: Recurrent) -> Graph:
    first = cells[0]
    build = GraphBuilder(first.name)
    build.reserve(tuple(graph.types))
    for name in first.inputs:
        if name in graph.constants:
            build.take(graph, name)
        else:
            build.input(name, graph.types[name])
    build.within(first.name)
    parts = Parts(build, first)
    results: list[Any] = list(op.results(Namespace(), *traced(parts, first.inputs)))
    kept = [named(results[_number(cell)]) for cell in cells]
    whole = GraphPasses(_PASSES).run(build.finish(kept))
    return _named(whole, [cell.output for cell in cells])


def _number(cell: Node) -> int:
    assert isinstance(cell.op, Recurrent), "results of one cell are of cells"
    return cell.op.result


def _named(graph: Graph, names: list[str]) -> Graph:
    """The graph with its outputs called as the cell's results."""
    return rename(graph, dict(zip(graph.outputs, names, strict=True)))

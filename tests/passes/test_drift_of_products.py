"""How far a product of computed matrices moves where both factors do: never further than is declared."""

from __future__ import annotations

import numpy as np

from hlsgen.algebra.types import S8, U8
from hlsgen.graph.builder import GraphBuilder
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.matrix_product import MatrixProduct
from hlsgen.ops.tensor_type import TensorType
from hlsgen.passes.drift import drifts


def test_a_product_of_moved_factors_stays_within_its_drift_and_reaches_a_half_of_it() -> None:
    build = GraphBuilder("product")
    build.input("a", TensorType((1, 2, 3), U8))
    build.input("b", TensorType((1, 3, 2), S8))
    build.node(MatrixProduct((0, 0)), ["a", "b"], "y")
    graph = build.finish(["y"])
    (bound,) = drifts(graph, "a", 2).values()
    a, b = np.full((1, 2, 3), 253, np.uint8), np.full((1, 3, 2), 126, np.int8)
    before = evaluate(graph, {"a": a, "b": b})["y"]
    alone = np.abs(evaluate(graph, {"a": a + np.uint8(2), "b": b})["y"] - before).max()
    assert bound / 4 <= alone <= bound

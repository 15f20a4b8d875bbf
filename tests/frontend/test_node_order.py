"""Nodes of a file in an order in which operands come first."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import cast

import onnx
import pytest
from support.quantised_models import conv_model

from hlsgen.frontend.node_order import ordered


@pytest.mark.parametrize("count", [100, 1000])
def test_operands_are_looked_at_once_however_the_nodes_lie(count: int) -> None:
    looks = 0

    class Counted(list[str]):
        def __iter__(self) -> Iterator[str]:
            nonlocal looks
            for value in super().__iter__():
                looks += 1
                yield value

    nodes = [
        SimpleNamespace(
            name=f"n{k}",
            op_type="Add",
            input=Counted([f"v{k}", f"v{k // 2}"]),
            output=[f"v{k + 1}"],
            attribute=[],
        )
        for k in range(count)
    ]
    for order in (nodes, nodes[::-1], Random(5).sample(nodes, count)):
        looks = 0
        graph = cast("onnx.GraphProto", SimpleNamespace(node=order))
        assert [n.name for n in ordered(graph, {"v0"}, "net")] == [n.name for n in nodes]
        assert looks == 2 * 2 * count  # once for what is undefined, once for the order


def test_nodes_in_order_keep_the_order_of_the_file() -> None:
    model = conv_model("u8", False)[0]
    names = [n.output[0] for n in model.graph.node]
    defined = {t.name for t in model.graph.initializer} | {v.name for v in model.graph.input}
    assert [n.output[0] for n in ordered(model.graph, defined, "net")] == names

"""Passes and the pipeline that runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hlsgen.errors import HlsgenError
from hlsgen.graph.check import check
from hlsgen.graph.ir import Graph
from hlsgen.passes.rewrite import Refused, unheard


class GraphPass(Protocol):
    """A function of graphs with a name. It returns the same object where it changed nothing."""

    @property
    def name(self) -> str: ...

    def run(self, graph: Graph, refused: Refused = ...) -> Graph: ...


@dataclass(frozen=True)
class GraphPasses:
    """Passes in order; ``observe`` is called with each pass's name and result, e.g. to dump it; ``refused`` with what rules leave."""

    passes: tuple[GraphPass, ...]
    observe: Callable[[str, Graph], None] | None = None
    refused: Refused = unheard

    def run(self, graph: Graph) -> Graph:
        """The result of all passes. Every intermediate graph is checked; errors name the pass."""
        for step in self.passes:
            try:
                graph = step.run(graph, self.refused)
                check(graph)
            except HlsgenError as error:
                where = f"{error.where} (pass {step.name})"
                raise type(error)(where, error.problem, error.remedy) from error
            if self.observe is not None:
                self.observe(step.name, graph)
        return graph

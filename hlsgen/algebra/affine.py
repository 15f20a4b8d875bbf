"""Affine forms of loop counters: indices of tensors and addresses of memories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Affine:
    """``offset + sum(coefficient * loop)``; terms with coefficient 0 are not kept."""

    offset: int = 0
    terms: tuple[tuple[str, int], ...] = ()

    def coefficient(self, loop: str) -> int:
        return dict(self.terms).get(loop, 0)

    def at(self, position: Mapping[str, int]) -> int:
        return self.offset + sum(c * position[name] for name, c in self.terms)

"""What reading leaves of a function: loops with trip counts, and statements as Python parsed them.

Loop counters are bound by statements of their own, so that schedules can rewrite loops without touching expressions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from hlsgen.algebra.affine import Affine


@dataclass(frozen=True)
class Bind:
    """From here on the variable is ``value``, an affine function of loop trips."""

    variable: str
    value: Affine


@dataclass(frozen=True, eq=False)
class Loop:
    """``extent`` trips, numbered from 0, of ``body``; ``line`` of the source."""

    name: str
    extent: int
    body: tuple[Item, ...]
    line: int


Item: TypeAlias = Loop | Bind | ast.stmt


@dataclass(frozen=True, eq=False)
class Nest:
    """A top-level loop; ``constants``: scalar variables that have a value before it. ``where``: kernel and file, for messages."""

    loop: Loop
    constants: Mapping[str, int]
    where: str

    @property
    def loops(self) -> tuple[Loop, ...]:
        """Every loop, outer before inner ones."""
        return tuple(_loops(self.loop))


def _loops(loop: Loop) -> Iterator[Loop]:
    yield loop
    for item in loop.body:
        if isinstance(item, Loop):
            yield from _loops(item)


def substituted(item: Item, loop: str, value: Affine) -> Item:
    """The item with the trips of a loop replaced by an affine function of other loops."""
    if isinstance(item, Bind):
        return Bind(item.variable, item.value.substitute(loop, value))
    if isinstance(item, Loop):
        return replace(item, body=tuple(substituted(part, loop, value) for part in item.body))
    return item

"""The loop graph: one perfect nest of counted loops whose body is a data-flow graph on words.

Grammar (text form, see text.py)::

    graph     ::= name, word type, loop*, array*, operation*, order*
    loop      ::= name, extent                                     outermost first; an iteration is numbered over the whole nest
    array     ::= name, size, element type, role, values?          one-dimensional; role: input | output | inout | constant | scratch
    operation ::= name, operator, operand*, predicate?, clear?, array?, address?, when?, wrap_bits?, partial?
    operand   ::= constant | value
    value     ::= operation, distance, carried?                    the value of that operation `distance` iterations ago
    carried   ::= start, level                                     `start` in the first `distance` iterations of loops level, level + 1, ...
    mark      ::= first | last, level                              loops level, level + 1, ... are all at their first / last trip
    address   ::= affine over loops (``algebra.affine.Affine``), linear in the array
    order     ::= before, after, distance, delay                   `after` of iteration n + distance starts >= delay cycles after `before` of n

Operators are the names of ``hlsgen.algebra.word.WORD_OPERATORS`` and those of memory tiles:

* ``load``: the array's element at ``address`` (no operand), or at ``address.offset`` + operand (indexed; where
  ``wrap_bits`` is given the operand is taken modulo 2**wrap_bits first);
* ``store``: operands (data) or (data, index); writes where ``predicate`` is true and ``when`` holds;
* a ``partial`` access leaves its array in some iterations: a load gives any word there, which nothing may depend on, and a store's
  predicate is false there;
* ``affine``: the value of ``address`` itself, for a loop index used as data;
* accumulating operators start anew (from 0, or from the first operand for the maximum) where ``clear`` holds; where their predicate is
  false they give 0 and keep what they hold, even if ``clear`` holds.

A word operator with a predicate (other than ``select``) gives 0 where the predicate's lowest bit is 0. Words wrap; see ``word.py``.
Elements narrower than a word are extended when loaded, and cut to their width when stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import ElementType

Role = Literal["input", "output", "inout", "constant", "scratch"]


@dataclass(frozen=True)
class CountedLoop:
    """A loop of ``extent`` trips."""

    name: str
    extent: int


@dataclass(frozen=True)
class Array:
    """``shape`` is the user's; elements are numbered row-major. ``values`` (row-major) of constants only."""

    name: str
    shape: tuple[int, ...]
    element: ElementType
    role: Role
    values: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        total = 1
        for extent in self.shape:
            total *= extent
        return total


@dataclass(frozen=True)
class Constant:
    """The same word in every iteration."""

    value: int


@dataclass(frozen=True)
class Value:
    """``start`` and ``level`` are given if and only if ``distance`` is above 0."""

    operation: str
    distance: int = 0
    start: int | None = None
    level: int = 0


ConstantOrValue: TypeAlias = Constant | Value
Predicate: TypeAlias = Value | Mark


@dataclass(frozen=True)
class Operation:
    """One operation of an iteration; its operands in the order of the operator."""

    name: str
    operator: str
    operands: tuple[ConstantOrValue, ...] = ()
    predicate: Predicate | None = None
    clear: Mark | None = None
    array: str | None = None
    address: Affine | None = None
    when: Mark | None = None
    wrap_bits: int | None = None
    partial: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value that this operation reads, predicate included."""
        read = (*self.operands, *(() if self.predicate is None else (self.predicate,)))
        return tuple(operand for operand in read if isinstance(operand, Value))


@dataclass(frozen=True)
class Order:
    """``after`` in iteration n + distance starts at least ``delay`` cycles after ``before`` in n; in a graph, a dependence through memory."""

    before: str
    after: str
    distance: int
    delay: int


@dataclass(frozen=True)
class LoopGraph:
    """``word``: the type on which it computes; ``loops`` outermost first."""

    name: str
    word: ElementType
    loops: tuple[CountedLoop, ...]
    arrays: tuple[Array, ...]
    operations: tuple[Operation, ...]
    orders: tuple[Order, ...] = ()

    @property
    def iterations(self) -> int:
        total = 1
        for loop in self.loops:
            total *= loop.extent
        return total

    def operation(self, name: str) -> Operation:
        return next(operation for operation in self.operations if operation.name == name)

    def array(self, name: str) -> Array:
        return next(array for array in self.arrays if array.name == name)


@dataclass(frozen=True)
class Kernel:
    """Loop graphs that run one after the other on the same arrays (which keep their contents in between).

    ``source`` is where it came from ("file.py:12" or a path), for messages.
    """

    name: str
    graphs: tuple[LoopGraph, ...]
    source: str

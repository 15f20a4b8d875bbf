"""Scalars between the nests of a kernel: what a nest leaves to those that follow it.

Numbers that are known stay known. A word that is the element of an array that nobody writes is read there again. Every other word is
stored in the last iteration into an array of one element, which the nests that follow load.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.algebra.mark import Mark
from hlsgen.loops.ir import Array, Constant, Operation
from hlsgen.loops.python.body import Body
from hlsgen.loops.python.builder import Guard
from hlsgen.loops.python.kinds import Kind
from hlsgen.loops.python.nest import Nest
from hlsgen.loops.python.refusals import unsupported
from hlsgen.loops.python.symbols import (
    ArrayElement,
    Carried,
    Index,
    Several,
    Symbol,
    Word,
    constant,
)


@dataclass(frozen=True)
class Environment:
    """``variables``: numbers and constant words; an ``Element`` with all its indices is a word to be loaded from there.

    ``arrays``: those that are not parameters (tables, and elements that hold variables), ``kinds`` of their elements.
    """

    variables: Mapping[str, Symbol]
    arrays: Mapping[str, Array]
    kinds: Mapping[str, Kind]


def entered(body: Body, environment: Environment, changed: frozenset[str]) -> None:
    """Give the variables of the environment to a body at the start of its nest; ``changed``: those that the nest assigns."""
    body.builder.arrays.update(environment.arrays)
    body.elements.kinds.update(environment.kinds)
    variables = body.variables
    for name, symbol in environment.variables.items():
        variables.values[name] = _loaded(body, symbol)
    starts = {name: variables.values.get(name) for name in sorted(changed)}
    for name, start in starts.items():
        value = start.constant if isinstance(start, Index) else None
        variables.values[name] = variables.carry(Carried(name, value, 0))
    before = dict(variables.values)
    variables.values |= {
        name: symbol
        for name, symbol in starts.items()
        if symbol is not None and not isinstance(symbol, Index)
    }
    variables.merge(Mark("first", 0), before, changed)


def _loaded(body: Body, symbol: Symbol) -> Symbol:
    if isinstance(symbol, Several):
        return Several(tuple(_loaded(body, part) for part in symbol.items), symbol.changes)
    if not isinstance(symbol, ArrayElement) or len(symbol.indices) < len(
        body.elements.shape(symbol.array)
    ):
        return symbol
    return body.elements.load(symbol)


def left(body: Body, nest: Nest, environment: Environment, changed: frozenset[str]) -> Environment:
    """The environment after a nest whose body was executed; adds the stores of what is live to the body."""
    variables: dict[str, Symbol] = {}
    for name, symbol in body.variables.values.items():
        before = environment.variables.get(name)
        if name in nest.live:
            kept = _Keeper(body, nest).kept(name, symbol, before) if name in changed else before
            variables |= {} if kept is None else {name: kept}
    return Environment(variables, dict(body.builder.arrays), dict(body.elements.kinds))


class _Keeper:
    def __init__(self, body: Body, nest: Nest) -> None:
        self.body, self.nest = body, nest

    def kept(self, name: str, symbol: Symbol, before: Symbol | None) -> Symbol | None:
        """The symbol as the nests that follow know it, None where the nest gave the variable no value; ``before`` the nest."""
        match symbol:
            case Index():
                return self._last(symbol)
            case Word(operand=Constant()):
                return symbol
            case Word():
                placeholder = self.body.variables.placeholder(name, symbol)
                if placeholder is not None and placeholder.start is None:
                    return None
                return self._element_read(symbol) or self._stored(name, symbol, before)
            case ArrayElement(array, indices):
                return ArrayElement(array, tuple(self._fixed(name, index) for index in indices))
            case Several(symbols, changes):
                known = before.items if isinstance(before, Several) else ()
                pairs = itertools.zip_longest(symbols, known[: len(symbols)])
                parts = [self.kept(f"{name}_{k}", *pair) for k, pair in enumerate(pairs)]
                return Several(tuple(part for part in parts if part is not None), changes)

    def _last(self, index: Index) -> Index:
        """What a function of loop counters is after the loops."""
        extents = {loop.name: loop.extent for loop in self.body.loops}
        terms = index.affine.terms
        return constant(index.affine.offset + sum(c * (extents[name] - 1) for name, c in terms))

    def _fixed(self, name: str, index: Index | Word) -> Index:
        if isinstance(index, Index):
            return self._last(index)
        raise unsupported(
            self.body.where,
            self.nest.loop.line,
            "rows of arrays at indices that are known, where a loop follows",
            f"one at a computed index in {name}",
            "Index the array where the row is used.",
        )

    def _element_read(self, word: Word) -> ArrayElement | None:
        """The element that a word was loaded from, if that cannot change."""
        if isinstance(word.operand, Constant):
            return None
        operation = self.body.builder.operations.get(word.operand.operation)
        if operation is None or not _is_fixed_load(operation):
            return None
        array = str(operation.array)
        parameter, own = self.body.elements.arrays.get(array), self.body.builder.arrays.get(array)
        role = own.role if own is not None else parameter.role if parameter is not None else ""
        if role not in ("input", "constant"):
            return None
        shape = self.body.elements.shape(array)
        assert operation.address is not None
        place, indices = operation.address.offset, []
        for axis in range(len(shape)):
            inner = math.prod(shape[axis + 1 :])
            indices.append(constant(place // inner))
            place %= inner
        return ArrayElement(array, tuple(indices))

    def _stored(self, name: str, word: Word, before: Symbol | None) -> ArrayElement:
        builder = self.body.builder
        array = before.array if isinstance(before, ArrayElement) else ""
        if array not in builder.arrays or builder.arrays[array].role != "scratch":
            array = self.body.elements.unused(name)
            builder.arrays[array] = Array(array, (1,), builder.word, "scratch")
        self.body.elements.kinds[array] = word.kind
        builder.line = self.nest.loop.line
        builder.store(array, constant(0), word, Guard(Mark("last", 0)))
        return ArrayElement(array, (constant(0),))


def _is_fixed_load(operation: Operation) -> bool:
    address = operation.address
    return (
        operation.operator == "load"
        and not operation.operands
        and address is not None
        and not address.terms
    )

"""The operations of a loop graph while they are made: names, marks, guards, loads and stores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import ElementType, wrap
from hlsgen.loops.ir import (
    Array,
    Constant,
    ConstantOrValue,
    CountedLoop,
    Operation,
    Predicate,
    Value,
)
from hlsgen.loops.python.kinds import TRUTH, integer
from hlsgen.loops.python.symbols import Index, Word


@dataclass(frozen=True)
class Guard:
    """Statements are executed where ``mark`` and every one of ``conditions`` hold."""

    mark: Mark | None = None
    conditions: tuple[Word, ...] = ()

    def under(self, condition: Word) -> Guard:
        return replace(self, conditions=(*self.conditions, condition))

    @property
    def always(self) -> bool:
        return self.mark is None and not self.conditions


class Builder:
    """Operations in program order. ``lines``: operation -> line of the source; ``copies``: -> values of the counters there, which tell
    the copies of an unrolled loop apart; ``ranges`` of the words that are elements narrower than a word; ``arrays``: those that are not parameters of the kernel."""

    def __init__(self, word: ElementType, loops: Sequence[CountedLoop]) -> None:
        self.word, self.loops = word, tuple(loops)
        self.depth = {loop.name: k + 1 for k, loop in enumerate(loops)}
        self.operations: dict[str, Operation] = {}
        self.varies: dict[str, int] = {}
        self.ranges: dict[str, tuple[int, int]] = {}
        self.lines: dict[str, int] = {}
        self.copy: Mapping[str, Affine] = {}
        self.copies: dict[str, Mapping[str, Affine]] = {}
        self.arrays: dict[str, Array] = {}
        self.line = 0

    # operations

    def emit(
        self, operator: str, *operands: Word, hint: str = "", predicate: Predicate | None = None
    ) -> Word:
        """A word operator on words; varies with all that its operands and predicate vary with."""
        varies = max((operand.varies for operand in operands), default=0)
        if isinstance(predicate, Mark):
            varies = len(self.loops)
        elif predicate is not None:
            varies = max(varies, self.varies.get(predicate.operation, len(self.loops)))
        operation = Operation(
            self._name(hint or operator), operator, tuple(o.operand for o in operands), predicate
        )
        return Word(self._add(operation, varies), varies)

    def select(self, condition: Word | Mark, yes: Word, no: Word, hint: str = "") -> Word:
        """``yes`` where the condition holds, else ``no``."""
        if isinstance(condition, Mark):
            chosen = self.emit("select", yes, no, hint=hint, predicate=condition)
            return replace(chosen, kind=yes.kind.joined(no.kind))
        if isinstance(condition.operand, Constant):
            return yes if condition.operand.value & 1 else no
        if yes == no:
            return yes
        chosen = self.emit("select", yes, no, hint=hint, predicate=condition.operand)
        return replace(chosen, kind=yes.kind.joined(no.kind))

    def word_of(self, symbol: Index | Word) -> Word:
        """An index as a word."""
        if isinstance(symbol, Word):
            return symbol
        if symbol.constant is not None:
            value = wrap(symbol.constant, self.word.bits)
            return Word(Constant(value), 0, integer(symbol.low, symbol.high))
        varies = max(self.depth[name] for name, _ in symbol.affine.terms)
        hint = "_".join(name for name, _ in symbol.affine.terms) + "_index"
        for name, operation in self.operations.items():
            if operation.operator == "affine" and operation.address == symbol.affine:
                return Word(Value(name), varies, integer(symbol.low, symbol.high))
        operation = Operation(self._name(hint), "affine", address=symbol.affine)
        return Word(self._add(operation, varies), varies, integer(symbol.low, symbol.high))

    def both(self, a: Word, b: Word) -> Word:
        """Where two truths hold."""
        if isinstance(a.operand, Constant):
            return b if a.operand.value & 1 else a
        if isinstance(b.operand, Constant):
            return a if b.operand.value & 1 else b
        return replace(self.emit("and", a, b, hint="both"), kind=TRUTH)

    def inverse(self, a: Word) -> Word:
        """Where a truth does not hold."""
        if isinstance(a.operand, Constant):
            return Word(Constant(1 - (a.operand.value & 1)), 0, TRUTH)
        one = Word(Constant(1), 0)
        return replace(self.emit("xor", a, one, hint="not"), kind=TRUTH)

    def within(self, index: Index, low: int | None, high: int | None) -> Word:
        """Whether ``low`` <= ``index`` <= ``high``, as a truth."""
        low = None if low is None or low <= index.low else low
        high = None if high is None or high >= index.high else high
        outside = (low is not None and low > index.high) or (high is not None and high < index.low)
        truth = Word(Constant(int(not outside)), 0, TRUTH)
        if outside or (low is None and high is None):
            return truth
        number = self.word_of(index)
        if low == high and low is not None:
            same = self.emit("equal", number, Word(Constant(low), 0), hint="at")
            return replace(same, kind=TRUTH)
        if low is not None:
            above = self.emit("less", Word(Constant(low - 1), 0), number, hint="from")
            truth = self.both(truth, replace(above, kind=TRUTH))
        if high is not None:
            below = self.emit("less", number, Word(Constant(high + 1), 0), hint="to")
            truth = self.both(truth, replace(below, kind=TRUTH))
        return truth

    def holds(self, guard: Guard) -> Word:
        """A guard as a truth."""
        truth = Word(Constant(1), 0, TRUTH)
        for condition in guard.conditions:
            truth = self.both(truth, condition)
        if guard.mark is not None:
            truth = self.select(guard.mark, truth, Word(Constant(0), 0, TRUTH), hint="guard")
        return truth

    # memory

    def load(self, array: str, index: Index | Word, written: bool, partial: bool = False) -> Word:
        """The element at a linear index; ``partial``: it is outside the array where nothing depends on the element."""
        if isinstance(index, Index):
            varies = max((self.depth[name] for name, _ in index.affine.terms), default=0)
            operation = Operation(
                self._name(array), "load", array=array, address=index.affine, partial=partial
            )
        else:
            varies = index.varies
            operation = Operation(
                self._name(array), "load", (index.operand,), array=array, address=Affine()
            )
        varies = len(self.loops) if written else varies
        return Word(self._add(operation, varies), varies)

    def store(
        self, array: str, index: Index | Word, data: Word, guard: Guard, partial: bool = False
    ) -> None:
        """Write the element at a linear index where the guard holds; ``partial``: the index is outside the array elsewhere."""
        mark, when = guard.mark, None
        if isinstance(index, Index) and mark is not None and mark.edge == "last":
            mark, when = None, mark
        predicate: Predicate | None = mark
        if guard.conditions:
            truth = self.holds(replace(guard, mark=mark))
            if isinstance(truth.operand, Constant):
                if not truth.operand.value:
                    return
                predicate = mark
            else:
                predicate = truth.operand
        name = self._name(f"{array}_store")
        if isinstance(index, Index):
            operation = Operation(
                name,
                "store",
                (data.operand,),
                predicate,
                array=array,
                address=index.affine,
                when=when,
                partial=partial,
            )
        else:
            operands: tuple[ConstantOrValue, ...] = (data.operand, index.operand)
            operation = Operation(name, "store", operands, predicate, array=array, address=Affine())
        self._add(operation, len(self.loops))

    # names

    def _add(self, operation: Operation, varies: int) -> Value:
        self.operations[operation.name] = operation
        self.varies[operation.name] = varies
        self.lines[operation.name] = self.line
        self.copies[operation.name] = self.copy
        return Value(operation.name)

    def _name(self, hint: str) -> str:
        stem = re.sub(r"\W", "_", hint, flags=re.ASCII)
        if stem not in self.operations:
            return stem
        k = 1
        while f"{stem}{k}" in self.operations:
            k += 1
        return f"{stem}{k}"

"""The variables of a kernel at the present point of its execution, and what becomes of them under marks and conditions.

What is assigned under a mark is merged with what was there before by a select. Values that cannot change in the inner loops are computed
in every iteration instead, which needs neither a select nor a recurrence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hlsgen.algebra.mark import Mark
from hlsgen.loops.ir import Constant, Value
from hlsgen.loops.python.builder import Builder
from hlsgen.loops.python.kinds import Kind, integer
from hlsgen.loops.python.refusals import unsupported
from hlsgen.loops.python.symbols import Carried, Index, Several, Symbol, Word


class Variables:
    """``values``: what every name stands for; ``kinds`` of carried values by the names of their placeholders; ``carried``: the
    placeholders."""

    def __init__(self, builder: Builder, where: str, kinds: Mapping[str, Kind]) -> None:
        self.builder, self.where, self.kinds = builder, where, kinds
        self.values: dict[str, Symbol] = {}
        self.carried: dict[str, Carried] = {}

    # lists

    def owned(self, symbol: Symbol, changes: bool) -> Symbol:
        """What is assigned; ``changes``: a list whose items can be assigned afterwards."""
        if not isinstance(symbol, Several):
            return symbol
        return Several(tuple(map(self.shared, symbol.items)), changes)

    def shared(self, symbol: Symbol) -> Symbol:
        """A list that is known under another name from here on, as one that cannot change; and so under its present name."""
        if not isinstance(symbol, Several):
            return symbol
        fixed = Several(tuple(map(self.shared, symbol.items)))
        for name, value in self.values.items():
            if value is symbol:
                self.values[name] = fixed
        return fixed

    # values of the iteration before

    def carry(self, placeholder: Carried) -> Word:
        """A variable as what it was at the end of the iteration before."""
        self.carried[placeholder.operation] = placeholder
        known = self.kinds.get(placeholder.operation, placeholder.kind)
        return Word(Value(placeholder.operation), len(self.builder.loops), known)

    def placeholder(self, name: str, symbol: Symbol | None) -> Carried | None:
        """The placeholder that a variable still is."""
        if not (isinstance(symbol, Word) and isinstance(symbol.operand, Value)):
            return None
        placeholder = self.carried.get(symbol.operand.operation)
        if placeholder is None or placeholder.variable != name:
            return None
        return placeholder

    # merging

    def merge(self, mark: Mark, before: Mapping[str, Symbol], changed: frozenset[str]) -> None:
        """After statements under a mark: what they assigned holds where the mark does. ``changed``: variables that the loops inside
        assign."""
        for name, new in self.values.items():
            old = before.get(name)
            if new == old:
                continue
            stays = mark.edge == "first" and name not in changed
            if stays and self._stays(new, mark.level):
                continue
            if mark.edge == "first" and isinstance(new, Several) and name in changed:
                self.values[name] = self._carried_list(name, new, mark)
                continue
            placeholder = _from_constant(name, new, mark.level) if mark.edge == "first" else None
            if placeholder is not None and self.placeholder(name, old) is not None:
                self.values[name] = self.carry(placeholder)
                continue
            self.values[name] = self._chosen(name, mark, new, old)

    def join(
        self, condition: Word, yes: Mapping[str, Symbol], no: Mapping[str, Symbol]
    ) -> dict[str, Symbol]:
        """The variables after both branches of a condition."""
        return {
            name: self._chosen(name, condition, yes.get(name), no.get(name))
            for name in {**no, **yes}
        }

    def _carried_list(self, name: str, new: Several, mark: Mark) -> Several:
        """A list that the inner loops change: its items are carried one by one."""
        carried: list[Symbol] = []
        for k, symbol in enumerate(new.items):
            variable = f"{name}.{k}"
            placeholder = _from_constant(variable, symbol, mark.level)
            if placeholder is not None:
                carried.append(self.carry(placeholder))
                continue
            if not isinstance(symbol, Index | Word):
                raise unsupported(
                    self.where,
                    self.builder.line,
                    f"numbers in list {name} before the loop that changes it",
                    "other values",
                    "Use variables of their own.",
                )
            before = self.carry(Carried(variable, None, mark.level))
            carried.append(self._chosen(variable, mark, symbol, before))
        return Several(tuple(carried), new.changes)

    def _stays(self, symbol: Symbol, level: int) -> bool:
        """Whether the symbol cannot change while loops ``level``, ... run, except for constants that are changed there."""
        match symbol:
            case Index():
                return bool(symbol.affine.terms)
            case Word():
                return symbol.varies <= level and not isinstance(symbol.operand, Constant)
            case Several(symbols):
                return all(self._stays(part, level) for part in symbols)
        return True

    def _chosen(
        self, name: str, condition: Word | Mark, new: Symbol | None, old: Symbol | None
    ) -> Symbol:
        """``new`` where the condition holds, else ``old``; where one is missing the other."""
        if new is None or old is None or new == old:
            only = new if new is not None else old
            assert only is not None
            return only
        if (
            isinstance(new, Several)
            and isinstance(old, Several)
            and len(new.items) == len(old.items)
        ):
            pairs = zip(new.items, old.items, strict=True)
            chosen = tuple(self._chosen(name, condition, a, b) for a, b in pairs)
            return Several(chosen, new.changes and old.changes)
        if not (isinstance(new, Index | Word) and isinstance(old, Index | Word)):
            return new
        yes, no = self.builder.word_of(new), self.builder.word_of(old)
        summed = self._conditional_sum(name, condition, yes, no)
        if summed is None and isinstance(condition, Word) and self._term(no, yes) is not None:
            summed = self._conditional_sum(name, self.builder.inverse(condition), no, yes)
        if summed is not None:
            return replace(summed, kind=yes.kind.joined(no.kind))
        return self.builder.select(condition, yes, no, hint=name)

    def _conditional_sum(
        self, name: str, condition: Word | Mark, new: Word, old: Word
    ) -> Word | None:
        """``old + (term if condition else 0)`` for a sum of ``old`` and a term: the recurrence stays one addition."""
        term = self._term(new, old)
        if term is None:
            return None
        nothing = Word(Constant(0), 0)
        product = self.builder.operations.get(term.operation) if isinstance(term, Value) else None
        if product is not None and product.operator == "multiply":
            a, b = (Word(factor, self._varies(factor)) for factor in product.operands)
            kept = self.builder.emit("multiply", self.builder.select(condition, a, nothing), b)
        else:
            word = Word(term, self._varies(term))
            kept = self.builder.select(condition, word, nothing)
        return self.builder.emit("add", old, kept, hint=name)

    def _term(self, new: Word, old: Word) -> Constant | Value | None:
        """What was added to ``old`` to make ``new``; None where that is not how it was made."""
        if not (isinstance(new.operand, Value) and isinstance(old.operand, Value)):
            return None
        total = self.builder.operations.get(new.operand.operation)
        if total is None or total.operator != "add" or old.operand not in total.operands:
            return None
        terms = [operand for operand in total.operands if operand != old.operand]
        return terms[0] if len(terms) == 1 else None

    def _varies(self, operand: Constant | Value) -> int:
        if isinstance(operand, Constant):
            return 0
        return self.builder.varies.get(operand.operation, len(self.builder.loops))


def _from_constant(variable: str, symbol: Symbol, level: int) -> Carried | None:
    """The placeholder of a variable that starts from a constant; None for other symbols."""
    match symbol:
        case Index(constant=int(start)):
            return Carried(variable, start, level)
        case Word(operand=Constant(value=start), kind=kind):
            return Carried(variable, start, level, None if kind == integer(start, start) else kind)
    return None

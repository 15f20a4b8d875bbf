"""Expressions of a kernel: Python integers stay affine functions of loop trips as long as they can, everything else becomes words."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from hlsgen.loops.ir import Constant
from hlsgen.loops.python.arithmetic import Arithmetic
from hlsgen.loops.python.builder import Builder, Guard
from hlsgen.loops.python.constants import OPERATORS, decided_comparison
from hlsgen.loops.python.kinds import TRUTH
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.symbols import (
    ArrayElement,
    Index,
    Several,
    Symbol,
    Word,
    constant,
    index_of,
)

LONGEST_LIST = 1024
MOST_BITS = 64
"""The greatest exponent and left shift of constants."""

Inline: TypeAlias = Callable[[ast.Call, Callable[..., Any], tuple[Symbol, ...], Guard], Symbol]


class Expressions:
    """Evaluates expressions; ``lookup`` gives the symbol of a name, ``callee`` the function that an expression in front of parentheses
    is (None: none), ``inline`` what a call of one gives, ``element`` an array element under a guard."""

    def __init__(
        self,
        builder: Builder,
        where: str,
        lookup: Callable[[ast.Name], Symbol],
        callee: Callable[[ast.expr], Any],
        inline: Inline,
        element: Callable[[ast.expr, ArrayElement, Guard], Word],
        shape: Callable[[str], tuple[int, ...]],
    ) -> None:
        self.builder, self.where = builder, where
        self.arithmetic = Arithmetic(builder, where)
        self.lookup, self.callee, self.inline = lookup, callee, inline
        self.element, self.shape = element, shape

    def refuse(self, node: ast.AST, expected: str, advice: str) -> Exception:
        return unsupported(self.where, node, expected, shown(node), advice)

    # entry points

    def symbol(self, node: ast.expr, guard: Guard) -> Symbol:
        """Any expression; ``guard``: where it is evaluated (elements outside their array are not read elsewhere)."""
        match node:
            case ast.Constant(value=value) if type(value) is int:
                return constant(value)
            case ast.Constant(value=bool(value)):
                return Word(Constant(int(value)), 0, TRUTH)
            case ast.Name():
                return self.lookup(node)
            case ast.BinOp():
                return self._binary(node, guard)
            case ast.UnaryOp():
                return self._unary(node, guard)
            case ast.Compare():
                return self._comparison(node, guard)
            case ast.BoolOp():
                return self._boolean(node, guard, self._operand_of_boolean)
            case ast.IfExp():
                return self._ternary(node, guard)
            case ast.Subscript():
                return self._subscript(node, guard)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                symbols = tuple(self.symbol(element, guard) for element in elements)
                return Several(symbols, isinstance(node, ast.List))
            case ast.Call():
                return self._call(node, guard)
        raise self.refuse(
            node, "integers, arrays, arithmetic, comparisons and conditions", "Rewrite it."
        )

    def scalar(self, node: ast.expr, guard: Guard) -> Index | Word:
        """An expression that must be a number or a truth."""
        symbol = self.symbol(node, guard)
        if isinstance(symbol, ArrayElement):
            raise self.refuse(
                node, f"{len(self.shape(symbol.array))} indices", "Index the array fully."
            )
        if isinstance(symbol, Several):
            raise self.refuse(node, "a number", "Index the list.")
        return symbol

    def word(self, node: ast.expr, guard: Guard) -> Word:
        """An expression as a word."""
        return self.arithmetic.as_word(node, self.scalar(node, guard))

    def truth(self, node: ast.expr, guard: Guard) -> Word:
        """A condition: a truth, or whether a number is not 0."""
        if isinstance(node, ast.BoolOp):
            return self._boolean(node, guard, self.truth)
        number = self.scalar(node, guard)
        if isinstance(number, Index) and number.constant is not None:
            return Word(Constant(int(number.constant != 0)), 0, TRUTH)
        return self.arithmetic.truth(node, number)

    # operators

    def _binary(self, node: ast.BinOp, guard: Guard) -> Symbol:
        a, b = self.symbol(node.left, guard), self.symbol(node.right, guard)
        if isinstance(a, Several) and isinstance(node.op, ast.Mult):
            count = b.constant if isinstance(b, Index) else None
            if count is None or not 0 < count * len(a.items) <= LONGEST_LIST:
                raise self.refuse(
                    node,
                    f"a constant number of copies that gives 1 to {LONGEST_LIST} items",
                    "Write the number of items.",
                )
            return Several(a.items * count, a.changes)
        a, b = self.scalar_of(node.left, a), self.scalar_of(node.right, b)
        if isinstance(a, Index) and isinstance(b, Index):
            affine = self._affine(node, a, b)
            if affine is not None:
                return affine
        return self.arithmetic.binary(node, node.op, (node.left, a), (node.right, b))

    def scalar_of(self, node: ast.expr, symbol: Symbol) -> Index | Word:
        """The symbol where it is a number."""
        if isinstance(symbol, ArrayElement | Several):
            raise self.refuse(node, "a number", "Index the array or list fully.")
        return symbol

    def _affine(self, node: ast.BinOp, a: Index, b: Index) -> Index | None:
        """Arithmetic on Python integers that stays affine; None where it does not."""
        if a.constant is not None and b.constant is not None:
            operator = OPERATORS.get(type(node.op))
            if operator is None:
                return None
            if isinstance(node.op, ast.Pow | ast.LShift) and not 0 <= b.constant <= MOST_BITS:
                raise self.refuse(
                    node, f"an exponent or shift from 0 to {MOST_BITS}", "Correct it."
                )
            try:
                return constant(operator(a.constant, b.constant))
            except (ArithmeticError, ValueError) as error:
                raise illegal(self.where, node, "a number", str(error), "Correct it.") from None
        match node.op:
            case ast.Add():
                return self._sum(a, b, 1)
            case ast.Sub():
                return self._sum(a, b, -1)
            case ast.Mult() if b.constant is not None:
                return self._sum(constant(0), a, b.constant)
            case ast.Mult() if a.constant is not None:
                return self._sum(constant(0), b, a.constant)
            case ast.LShift() if b.constant is not None and 0 <= b.constant < 32:
                return self._sum(constant(0), a, 1 << b.constant)
        return None

    def _sum(self, a: Index, b: Index, factor: int) -> Index:
        return index_of(a.affine.plus(b.affine, factor), self.builder.loops)

    def _unary(self, node: ast.UnaryOp, guard: Guard) -> Symbol:
        if isinstance(node.op, ast.Not):
            return self.builder.inverse(self.truth(node.operand, guard))
        number = self.scalar(node.operand, guard)
        if isinstance(number, Word) and number.kind.truth:
            raise self.refuse(node, "a number", "Use 'not' for truths.")
        match node.op:
            case ast.UAdd():
                return number
            case ast.USub() if isinstance(number, Index):
                return self._sum(constant(0), number, -1)
            case ast.USub():
                assert isinstance(number, Word)
                return self.arithmetic.negative(number)
            case ast.Invert() if isinstance(number, Index):
                return self._sum(constant(-1), number, -1)
        return self.arithmetic.inverted(self.builder.word_of(number))

    # conditions

    def _comparison(self, node: ast.Compare, guard: Guard) -> Word:
        truth: Word | None = None
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            one = self._compare(node, operator, left, right, guard)
            truth = one if truth is None else self.builder.both(truth, one)
            left = right
        assert truth is not None
        return truth

    def _compare(
        self, node: ast.Compare, operator: ast.cmpop, left: ast.expr, right: ast.expr, guard: Guard
    ) -> Word:
        a, b = self.scalar(left, guard), self.scalar(right, guard)
        if isinstance(a, Index) and isinstance(b, Index):
            difference = self._sum(a, b, -1)
            decided = decided_comparison(operator, difference.low, difference.high)
            if decided is not None:
                return Word(Constant(int(decided)), 0, TRUTH)
        return self.arithmetic.comparison(node, operator, (left, a), (right, b))

    def _boolean(
        self, node: ast.BoolOp, guard: Guard, operand: Callable[[ast.expr, Guard], Word]
    ) -> Word:
        """``and``, ``or`` of truths: the second is evaluated where the first decides nothing. ``operand``: a value as a truth; where only
        the truth of the whole is asked, numbers are."""
        truth = operand(node.values[0], guard)
        for value in node.values[1:]:
            is_and = isinstance(node.op, ast.And)
            reached = truth if is_and else self.builder.inverse(truth)
            next_one = operand(value, guard.under(reached))
            if is_and:
                truth = self.builder.both(truth, next_one)
            elif isinstance(truth.operand, Constant):
                truth = truth if truth.operand.value else next_one
            else:
                truth = replace(self.builder.emit("or", truth, next_one), kind=TRUTH)
        return truth

    def _operand_of_boolean(self, node: ast.expr, guard: Guard) -> Word:
        truth = self.scalar(node, guard)
        if isinstance(truth, Word) and truth.kind.only_truth:
            return truth
        raise self.refuse(node, "a truth beside 'and' and 'or'", "Compare the number with 0.")

    def _ternary(self, node: ast.IfExp, guard: Guard) -> Symbol:
        condition = self.truth(node.test, guard)
        if isinstance(condition.operand, Constant):
            return self.symbol(node.body if condition.operand.value else node.orelse, guard)
        yes = self.word(node.body, guard.under(condition))
        no = self.word(node.orelse, guard.under(self.builder.inverse(condition)))
        return self.builder.select(condition, yes, no)

    # elements and calls

    def _subscript(self, node: ast.Subscript, guard: Guard) -> Symbol:
        base = self.symbol(node.value, guard)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(part, ast.Slice) for part in parts):
            raise self.refuse(node, "an index", "Loop over the elements of a slice.")
        if isinstance(base, Several):
            place = self.scalar(node.slice, guard)
            fixed = place.constant if isinstance(place, Index) else None
            if fixed is None or not -len(base.items) <= fixed < len(base.items):
                raise self.refuse(
                    node,
                    f"a constant index of a list of {len(base.items)} items",
                    "Unroll the loop over the list: for k in hlsgen.unroll(range(n)).",
                )
            return base.items[fixed]
        if not isinstance(base, ArrayElement):
            raise self.refuse(node, "an array or list", "Index arrays only.")
        element = ArrayElement(
            base.array, (*base.indices, *(self.scalar(part, guard) for part in parts))
        )
        if len(element.indices) < len(self.shape(element.array)):
            return element
        return self.element(node, element, guard)

    def _call(self, node: ast.Call, guard: Guard) -> Symbol:
        function = self.callee(node.func)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.refuse(node, "arguments by position only", "Write it out.")
        if function is len:
            return self._length(node, guard)
        arguments = tuple(self.symbol(argument, guard) for argument in node.args)
        if function in (min, max, abs):
            return self._extreme(node, function.__name__, arguments)
        if function is self.builder.word.native.type and len(arguments) == 1:
            number = self.scalar_of(node.args[0], arguments[0])
            return self.arithmetic.converted(node.args[0], number)
        if not inspect.isfunction(function):
            raise self.refuse(
                node,
                f"min, max, abs, len, np.{self.builder.word.native} or a plain function",
                "Write it out.",
            )
        return self.inline(node, function, arguments, guard)

    def _length(self, node: ast.Call, guard: Guard) -> Symbol:
        collection = self.symbol(node.args[0], guard) if len(node.args) == 1 else None
        if isinstance(collection, Several):
            return constant(len(collection.items))
        if isinstance(collection, ArrayElement) and len(collection.indices) < len(
            self.shape(collection.array)
        ):
            return constant(self.shape(collection.array)[len(collection.indices)])
        raise self.refuse(node, "the length of a list or array", "Write the number.")

    def _extreme(self, node: ast.Call, name: str, arguments: tuple[Symbol, ...]) -> Symbol:
        numbers = [
            self.scalar_of(argument, symbol)
            for argument, symbol in zip(node.args, arguments, strict=True)
        ]
        if len(numbers) < 2 if name != "abs" else len(numbers) != 1:
            raise self.refuse(node, "abs of one number, min or max of several", "Rewrite it.")
        fixed = [number.constant if isinstance(number, Index) else None for number in numbers]
        known = [value for value in fixed if value is not None]
        if len(known) == len(numbers):
            return constant(
                abs(known[0]) if name == "abs" else {"min": min, "max": max}[name](known)
            )
        words = [
            self.arithmetic.as_word(argument, number)
            for argument, number in zip(node.args, numbers, strict=True)
        ]
        if name == "abs":
            return self.arithmetic.absolute(node, words[0])
        return self.arithmetic.extreme(node, name, words)

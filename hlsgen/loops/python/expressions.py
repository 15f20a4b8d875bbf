"""Expressions of a kernel: Python integers stay affine functions of loop trips as long as they can, everything else becomes words."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hlsgen.dataflow.ir import Affine
from hlsgen.loops.ir import Constant
from hlsgen.loops.python.builder import Builder, Guard
from hlsgen.loops.python.constants import OPERATORS, decided_comparison
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.symbols import (
    Element,
    Index,
    Several,
    Symbol,
    Word,
    constant,
    index_of,
)

WORD_BINARY: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.LShift: "shift_left",
}
LOGICAL = (ast.BitAnd, ast.BitOr, ast.BitXor)


class Expressions:
    """Evaluates expressions; ``lookup`` gives the symbol of a name, ``element`` that of an array element under a guard."""

    def __init__(
        self,
        builder: Builder,
        where: str,
        lookup: Callable[[ast.Name], Symbol | Callable[..., Any]],
        element: Callable[[ast.expr, Element, Guard], Word],
        shape: Callable[[str], tuple[int, ...]],
    ) -> None:
        self.builder, self.where = builder, where
        self.lookup, self.element, self.shape = lookup, element, shape
        self.call: Callable[[ast.Call, Callable[..., Any], tuple[Symbol, ...], Guard], Symbol]

    def refuse(self, node: ast.AST, expected: str, advice: str) -> Exception:
        return unsupported(self.where, node, expected, shown(node), advice)

    # entry points

    def symbol(self, node: ast.expr, guard: Guard) -> Symbol:
        """Any expression; ``guard``: where it is evaluated (elements outside their array are not read elsewhere)."""
        match node:
            case ast.Constant(value=value) if type(value) is int:
                return constant(value)
            case ast.Constant(value=bool(value)):
                return Word(Constant(int(value)), 0, truth=True)
            case ast.Name():
                found = self.lookup(node)
                if callable(found):
                    raise self.refuse(node, "a value", "Call the function.")
                return found
            case ast.BinOp():
                return self._binary(node, guard)
            case ast.UnaryOp():
                return self._unary(node, guard)
            case ast.Compare():
                return self._comparison(node, guard)
            case ast.BoolOp():
                return self._boolean(node, guard)
            case ast.IfExp():
                return self._ternary(node, guard)
            case ast.Subscript():
                return self._subscript(node, guard)
            case ast.Tuple() | ast.List():
                return Several(tuple(self.symbol(item, guard) for item in node.elts))
            case ast.Call():
                return self._call(node, guard)
        raise self.refuse(
            node, "integers, arrays, arithmetic, comparisons and conditions", "Rewrite it."
        )

    def scalar(self, node: ast.expr, guard: Guard) -> Index | Word:
        """An expression that must be a number or a truth."""
        found = self.symbol(node, guard)
        if isinstance(found, Element):
            raise self.refuse(
                node, f"{len(self.shape(found.array))} indices", "Index the array fully."
            )
        if isinstance(found, Several):
            raise self.refuse(node, "a number", "Index the list.")
        return found

    def word(self, node: ast.expr, guard: Guard) -> Word:
        """An expression as a word."""
        return self.as_word(node, self.scalar(node, guard))

    def as_word(self, node: ast.expr, found: Index | Word) -> Word:
        """A symbol as a word; a Python integer must be one that fits its bits."""
        bits = self.builder.word.bits
        return self._fitting(node, found, -(1 << (bits - 1)), self.builder.word.maximum)

    def _pair(
        self, left: tuple[ast.expr, Index | Word], right: tuple[ast.expr, Index | Word]
    ) -> tuple[Word, Word]:
        """Two operands as words; beside a word of an array a Python integer must be one of its type, as NumPy demands."""
        words = []
        for (node, found), (_, other) in ((left, right), (right, left)):
            beside = isinstance(other, Word) and not other.integer
            low = self.builder.word.minimum if beside else -(1 << (self.builder.word.bits - 1))
            words.append(self._fitting(node, found, low, self.builder.word.maximum))
        return words[0], words[1]

    def _fitting(self, node: ast.expr, found: Index | Word, low: int, high: int) -> Word:
        if isinstance(found, Index) and not low <= found.low <= found.high <= high:
            raise illegal(
                self.where,
                node,
                f"integers from {low} to {high}, which words of {self.builder.word} hold",
                f"{shown(node)}, from {found.low} to {found.high}",
                "Use a wider word, or write the constant as a word of this type.",
            )
        return self.builder.word_of(found)

    def truth(self, node: ast.expr, guard: Guard) -> Word:
        """A condition: a truth, or whether a number is not 0."""
        found = self.scalar(node, guard)
        if isinstance(found, Index) and found.constant is not None:
            return Word(Constant(int(found.constant != 0)), 0, truth=True)
        word = self.builder.word_of(found)
        if word.truth:
            return word
        nothing = Word(Constant(0), 0)
        return replace(self.builder.emit("not_equal", word, nothing), truth=True)

    # operators

    def _binary(self, node: ast.BinOp, guard: Guard) -> Symbol:
        a, b = self.symbol(node.left, guard), self.symbol(node.right, guard)
        if isinstance(a, Several) and isinstance(b, Index) and isinstance(node.op, ast.Mult):
            return Several(a.items * (b.constant or 0))
        a, b = self.scalar_of(node.left, a), self.scalar_of(node.right, b)
        if isinstance(a, Index) and isinstance(b, Index):
            found = self._affine(node, a, b)
            if found is not None:
                return found
        return self.operate(node, node.op, (node.left, a), (node.right, b))

    def scalar_of(self, node: ast.expr, found: Symbol) -> Index | Word:
        """The symbol where it is a number."""
        if isinstance(found, Element | Several):
            raise self.refuse(node, "a number", "Index the array or list fully.")
        return found

    def _affine(self, node: ast.BinOp, a: Index, b: Index) -> Index | None:
        """Arithmetic on Python integers that stays affine; None where it does not."""
        if a.constant is not None and b.constant is not None:
            operator = OPERATORS.get(type(node.op))
            if operator is None:
                return None
            try:
                return constant(int(operator(a.constant, b.constant)))
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
        terms = dict(a.affine.terms)
        for name, coefficient in b.affine.terms:
            terms[name] = terms.get(name, 0) + factor * coefficient
        kept = tuple((name, value) for name, value in terms.items() if value)
        offset = a.affine.offset + factor * b.affine.offset
        return index_of(Affine(offset, kept), self.builder.loops)

    def operate(
        self,
        node: ast.AST,
        operator: ast.operator,
        left: tuple[ast.expr, Index | Word],
        right: tuple[ast.expr, Index | Word],
    ) -> Word:
        """A binary operator on words."""
        a, b = self._pair(left, right)
        logical = isinstance(operator, LOGICAL)
        if a.truth and b.truth and logical:
            return replace(self.builder.emit(WORD_BINARY[type(operator)], a, b), truth=True)
        for word, other in ((a, b), (b, a)):
            if word.truth and (other.truth or other.integer):
                raise self.refuse(
                    node,
                    "truths in arithmetic only beside words of arrays",
                    "Write '1 if ... else 0'.",
                )
        integer = a.integer and b.integer
        if type(operator) in WORD_BINARY:
            if a.truth and isinstance(operator, ast.LShift):
                raise self.refuse(node, "a number to shift", "Write '1 if ... else 0'.")
            return replace(self.builder.emit(WORD_BINARY[type(operator)], a, b), integer=integer)
        signed = self.builder.word.signed or integer
        shift = "shift_right" if signed else "shift_right_logical"
        if isinstance(operator, ast.RShift):
            return replace(self.builder.emit(shift, a, b), integer=integer)
        if isinstance(operator, ast.FloorDiv | ast.Mod):
            power = b.operand.value if isinstance(b.operand, Constant) else 0
            if power > 0 and power & (power - 1) == 0:
                if isinstance(operator, ast.Mod):
                    mask = Word(Constant(power - 1), 0)
                    return replace(self.builder.emit("and", a, mask), integer=integer)
                amount = Word(Constant(power.bit_length() - 1), 0)
                return replace(self.builder.emit(shift, a, amount), integer=integer)
            raise self.refuse(
                node,
                "a division by a constant power of two",
                "Multiply by a reciprocal and shift, or read a table.",
            )
        raise self.refuse(node, "+ - * // % & | ^ << >>", "Write it with these operators.")

    def _unary(self, node: ast.UnaryOp, guard: Guard) -> Symbol:
        if isinstance(node.op, ast.Not):
            return self.builder.inverse(self.truth(node.operand, guard))
        found = self.scalar(node.operand, guard)
        if isinstance(found, Word) and found.truth:
            raise self.refuse(node, "a number", "Use 'not' for truths.")
        match node.op:
            case ast.UAdd():
                return found
            case ast.USub() if isinstance(found, Index):
                return self._sum(constant(0), found, -1)
            case ast.USub():
                nothing = Word(Constant(0), 0)
                assert isinstance(found, Word)
                return replace(self.builder.emit("subtract", nothing, found), integer=found.integer)
            case ast.Invert() if isinstance(found, Index):
                return self._sum(constant(-1), found, -1)
        ones = Word(Constant(-1), 0)
        word = self.builder.word_of(found)
        return replace(self.builder.emit("xor", word, ones), integer=word.integer)

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
                return Word(Constant(int(decided)), 0, truth=True)
        x, y = self._pair((left, a), (right, b))
        signed = self.builder.word.signed or (x.integer and y.integer)
        less = "less" if signed else "less_unsigned"
        emit, inverse = self.builder.emit, self.builder.inverse
        match operator:
            case ast.Eq():
                return replace(emit("equal", x, y), truth=True)
            case ast.NotEq():
                return replace(emit("not_equal", x, y), truth=True)
            case ast.Lt():
                return replace(emit(less, x, y), truth=True)
            case ast.Gt():
                return replace(emit(less, y, x), truth=True)
            case ast.LtE() if signed:
                return replace(emit("less_equal", x, y), truth=True)
            case ast.GtE() if signed:
                return replace(emit("less_equal", y, x), truth=True)
            case ast.LtE():
                return inverse(replace(emit(less, y, x), truth=True))
            case ast.GtE():
                return inverse(replace(emit(less, x, y), truth=True))
        raise self.refuse(node, "a comparison of numbers", "Compare with == != < <= > >=.")

    def _boolean(self, node: ast.BoolOp, guard: Guard) -> Word:
        """``and``, ``or`` of truths: the second is evaluated where the first decides nothing."""
        truth = self._operand_of_boolean(node.values[0], guard)
        for value in node.values[1:]:
            is_and = isinstance(node.op, ast.And)
            reached = truth if is_and else self.builder.inverse(truth)
            next_one = self._operand_of_boolean(value, guard.under(reached))
            if is_and:
                truth = self.builder.both(truth, next_one)
            elif isinstance(truth.operand, Constant):
                truth = truth if truth.operand.value else next_one
            else:
                truth = replace(self.builder.emit("or", truth, next_one), truth=True)
        return truth

    def _operand_of_boolean(self, node: ast.expr, guard: Guard) -> Word:
        found = self.scalar(node, guard)
        if isinstance(found, Word) and found.truth:
            return found
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
        if not isinstance(base, Element):
            raise self.refuse(node, "an array or list", "Index arrays only.")
        found = Element(base.array, (*base.indices, *(self.scalar(part, guard) for part in parts)))
        if len(found.indices) < len(self.shape(found.array)):
            return found
        return self.element(node, found, guard)

    def _call(self, node: ast.Call, guard: Guard) -> Symbol:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name is None or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.refuse(node, "min, max, abs or a function of this file", "Write it out.")
        arguments = tuple(self.symbol(argument, guard) for argument in node.args)
        if name in ("min", "max", "abs", "len"):
            return self._builtin(node, name, arguments)
        assert isinstance(node.func, ast.Name)
        function = self.lookup(node.func)
        if not callable(function):
            raise self.refuse(node, "a function", "Call a function of this file.")
        return self.call(node, function, arguments, guard)

    def _builtin(self, node: ast.Call, name: str, arguments: tuple[Symbol, ...]) -> Symbol:
        if name == "len" and len(arguments) == 1:
            (only,) = arguments
            if isinstance(only, Several):
                return constant(len(only.items))
            raise self.refuse(node, "the length of a list", "Write the number.")
        words = [
            self.as_word(argument, self.scalar_of(argument, symbol))
            for argument, symbol in zip(node.args, arguments, strict=True)
        ]
        fixed = [s.constant if isinstance(s, Index) else None for s in arguments]
        known = [value for value in fixed if value is not None]
        signed = self.builder.word.signed or all(word.integer for word in words)
        if name == "abs" and len(words) == 1:
            if known:
                return constant(abs(known[0]))
            nothing = Word(Constant(0), 0)
            negative = self.builder.emit("subtract", nothing, words[0])
            return self.builder.emit("maximum", words[0], negative) if signed else words[0]
        if name == "abs" or len(words) < 2:
            raise self.refuse(node, "abs of one number, min or max of several", "Rewrite it.")
        if len(known) == len(words):
            return constant((min if name == "min" else max)(known))
        result = words[0]
        for word in words[1:]:
            if signed:
                result = self.builder.emit(f"{name}imum", result, word)
            else:
                below = replace(self.builder.emit("less_unsigned", word, result), truth=True)
                ordered = (word, result) if name == "min" else (result, word)
                result = self.builder.select(below, *ordered)
        return replace(result, integer=all(word.integer for word in words))

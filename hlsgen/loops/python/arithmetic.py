"""Operators on words, checked so that they give what the function gives: words wrap, Python integers do not (see ``kinds.py``)."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hlsgen.loops.ir import Constant, Value
from hlsgen.loops.python.builder import Builder
from hlsgen.loops.python.division import quotient
from hlsgen.loops.python.kinds import TRUTH, UNBOUNDED, WORD, Kind, computed, integer
from hlsgen.loops.python.refusals import illegal, shown, unsupported
from hlsgen.loops.python.symbols import Index, Word

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

TypedExpression: TypeAlias = tuple[ast.expr, Index | Word]
"""A number, and the expression that it comes from."""


class Arithmetic:
    """Operations made by ``builder``. Raises UnsupportedOp and IllegalGraph with the line of ``node``."""

    def __init__(self, builder: Builder, where: str) -> None:
        self.builder, self.where, self.word = builder, where, builder.word

    def refuse(self, node: ast.AST, expected: str, advice: str) -> Exception:
        return unsupported(self.where, node, expected, shown(node), advice)

    # numbers as words

    def as_word(self, node: ast.expr, number: Index | Word) -> Word:
        """A symbol as a word; a loop index or constant must be one that fits its bits."""
        return self._fitting(node, number, -(1 << (self.word.bits - 1)))

    def converted(self, node: ast.expr, number: Index | Word) -> Word:
        """A number as a word of the kernel's type, from here on (``np.int32(...)``)."""
        return replace(self._fitting(node, number, self.word.minimum), kind=WORD)

    def _pair(self, left: TypedExpression, right: TypedExpression) -> tuple[Word, Word]:
        """Two operands as words; beside a word of an array a Python integer must be one of its type, as NumPy demands."""
        words = []
        for (node, number), (_, other) in ((left, right), (right, left)):
            beside = isinstance(other, Word) and other.kind.word
            low = self.word.minimum if beside else -(1 << (self.word.bits - 1))
            words.append(self._fitting(node, number, low))
        return words[0], words[1]

    def _fitting(self, node: ast.expr, number: Index | Word, low: int) -> Word:
        high = self.word.maximum
        if isinstance(number, Index) and not low <= number.low <= number.high <= high:
            raise illegal(
                self.where,
                node,
                f"integers from {low} to {high}, which words of {self.word} hold",
                f"{shown(node)}, from {_number(number.low)} to {_number(number.high)}",
                "Use a wider word, or write the constant as a word of this type.",
            )
        return self.builder.word_of(number)

    def _signed(self, node: ast.AST, *words: Word) -> bool:
        """Whether to read operands as signed numbers; raises IllegalGraph where a Python integer may be out of range for that."""
        bits = self.word.bits
        readings = (self.word.signed,) if any(w.kind.word for w in words) else (True, False)
        ranges = [word.kind.integer for word in words if word.kind.integer is not None]
        for signed in readings:
            least, greatest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
            least, greatest = (least, greatest) if signed else (0, (1 << bits) - 1)
            if all(least <= low and high <= greatest for low, high in ranges):
                return signed
        low, high = min(bounds[0] for bounds in ranges), max(bounds[1] for bounds in ranges)
        raise illegal(
            self.where,
            node,
            f"Python integers from {least} to {greatest} in it, since words of {self.word} wrap and Python integers do not",
            f"{shown(node)}, with integers from {_number(low)} to {_number(high)}",
            f"Start the variable from a word: np.{'' if self.word.signed else 'u'}int{bits}(0).",
        )

    # operators

    def binary(
        self, node: ast.AST, operator: ast.operator, left: TypedExpression, right: TypedExpression
    ) -> Word:
        """A binary operator."""
        a, b = self._pair(left, right)
        name = WORD_BINARY.get(type(operator))
        if name and a.kind.only_truth and b.kind.only_truth and isinstance(operator, LOGICAL):
            return replace(self.builder.emit(name, a, b), kind=TRUTH)
        for word, other in ((a, b), (b, a)):
            if word.kind.truth and (other.kind.truth or other.kind.integer):
                raise self.refuse(
                    node,
                    "truths in arithmetic only beside words of arrays",
                    "Write '1 if ... else 0'.",
                )
        if name:
            if a.kind.truth and isinstance(operator, ast.LShift):
                raise self.refuse(node, "a number to shift", "Write '1 if ... else 0'.")
            return self._emit(name, a, b)
        if isinstance(operator, ast.RShift):
            return self._shifted(node, a, b)
        if isinstance(operator, ast.FloorDiv | ast.Mod):
            power = b.operand.value if isinstance(b.operand, Constant) else 0
            if power > 0 and power & (power - 1) == 0:
                if isinstance(operator, ast.Mod):
                    return self._emit("and", a, _constant(power - 1))
                return self._shifted(node, a, _constant(power.bit_length() - 1))
            if power > 2:
                return self._divided(node, operator, a, power)
            raise self.refuse(
                node,
                "a division by a positive constant",
                "Multiply by a reciprocal and shift, or read a table.",
            )
        raise self.refuse(node, "+ - * // % & | ^ << >>", "Write it with these operators.")

    def _emit(self, name: str, a: Word, b: Word) -> Word:
        return replace(self.builder.emit(name, a, b), kind=computed(name, a.kind, b.kind))

    def _divided(self, node: ast.AST, operator: ast.operator, a: Word, divisor: int) -> Word:
        """``a // divisor`` or ``a % divisor``."""
        signed = self._signed(node, a)
        low, high = self._bounds(a)
        bits = self.word.bits
        result = quotient(self.builder.emit, bits, signed, a, divisor, low, high)
        whole = a.kind.integer
        exact = None if whole is None else (whole[0] // divisor, whole[1] // divisor)
        if isinstance(operator, ast.Mod):
            multiple = self.builder.emit("multiply", result, _constant(divisor))
            result = self.builder.emit("subtract", a, multiple)
            exact = None if whole is None else (0, divisor - 1)
        return replace(result, kind=replace(a.kind, integer=exact))

    def _bounds(self, word: Word) -> tuple[int, int]:
        """Between what values a word is."""
        if not word.kind.word and word.kind.integer is not None:
            return word.kind.integer
        if isinstance(word.operand, Value):
            operation = self.builder.operations.get(word.operand.operation)
            known = self.builder.ranges.get(word.operand.operation)
            if operation is not None and operation.operator == "and":
                masks = [part.value for part in operation.operands if isinstance(part, Constant)]
                known = (0, masks[0]) if masks and masks[0] >= 0 else known
            if known is not None:
                return known
        return self.word.minimum, self.word.maximum

    def _shifted(self, node: ast.AST, a: Word, b: Word) -> Word:
        return self._emit("shift_right" if self._signed(node, a) else "shift_right_logical", a, b)

    def negative(self, word: Word) -> Word:
        """``-word``."""
        return self._emit("subtract", _constant(0), word)

    def inverted(self, word: Word) -> Word:
        """``~word``."""
        ones = Word(Constant(-1), 0)
        kind = computed("subtract", integer(-1, -1), word.kind)  # ~x is -1 - x
        return replace(self.builder.emit("xor", word, ones), kind=kind)

    def truth(self, node: ast.AST, condition: Index | Word) -> Word:
        """A truth, or whether a number is not 0."""
        word = self.builder.word_of(condition)
        if word.kind.only_truth:
            return word
        self._signed(node, word)
        return replace(self.builder.emit("not_equal", word, Word(Constant(0), 0)), kind=TRUTH)

    def comparison(
        self, node: ast.AST, operator: ast.cmpop, left: TypedExpression, right: TypedExpression
    ) -> Word:
        """A comparison of two numbers."""
        x, y = self._pair(left, right)
        signed = self._signed(node, x, y)
        less = "less" if signed else "less_unsigned"

        def emit(name: str, a: Word, b: Word) -> Word:
            return replace(self.builder.emit(name, a, b), kind=TRUTH)

        match operator:
            case ast.Eq():
                return emit("equal", x, y)
            case ast.NotEq():
                return emit("not_equal", x, y)
            case ast.Lt():
                return emit(less, x, y)
            case ast.Gt():
                return emit(less, y, x)
            case ast.LtE() if signed:
                return emit("less_equal", x, y)
            case ast.GtE() if signed:
                return emit("less_equal", y, x)
            case ast.LtE():
                return self.builder.inverse(emit(less, y, x))
            case ast.GtE():
                return self.builder.inverse(emit(less, x, y))
        raise self.refuse(node, "a comparison of numbers", "Compare with == != < <= > >=.")

    def absolute(self, node: ast.AST, word: Word) -> Word:
        """``abs(word)``."""
        if word.kind.truth:
            raise self.refuse(node, "abs of a number", "Write '1 if ... else 0'.")
        if not self._signed(node, word):
            return word
        negative = self.negative(word)
        kind = word.kind
        if kind.integer is not None:
            low, high = kind.integer
            least = 0 if low <= 0 <= high else min(abs(low), abs(high))
            kind = replace(integer(least, max(abs(low), abs(high))), word=kind.word)
        return replace(self.builder.emit("maximum", word, negative), kind=kind)

    def extreme(self, node: ast.AST, name: str, words: Sequence[Word]) -> Word:
        """``min`` or ``max`` (``name``) of words."""
        result, *others = words
        signed = self._signed(node, *words)
        for word in others:
            if signed:
                result = self.builder.emit(f"{name}imum", result, word)
            else:
                below = replace(self.builder.emit("less_unsigned", word, result), kind=TRUTH)
                ordered = (word, result) if name == "min" else (result, word)
                result = self.builder.select(below, *ordered)
        return replace(result, kind=_of_extreme(name, [word.kind for word in words]))


def _of_extreme(name: str, kinds: Sequence[Kind]) -> Kind:
    """One of the operands; an integer among them is no less (no greater) than those that are always integers."""
    total = Kind()
    for kind in kinds:
        total = total.joined(kind)
    always = [kind.integer for kind in kinds if kind.only_integer and kind.integer is not None]
    if total.integer is None or not always:
        return total
    low, high = total.integer
    if name == "max":
        low = max(low, *(bounds[0] for bounds in always))
    else:
        high = min(high, *(bounds[1] for bounds in always))
    return replace(total, integer=(low, high))


def _constant(value: int) -> Word:
    return Word(Constant(value), 0, integer(value, value))


def _number(value: int) -> str:
    """An integer for people; those that no word comes near are not written out."""
    return str(value) if abs(value) < UNBOUNDED else f"{'-' if value < 0 else ''}infinity"

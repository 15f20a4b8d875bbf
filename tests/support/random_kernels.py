"""Sources of random kernels in Python, and arrays to run them on."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

ELEMENTS = {"s32": ("s8", "u8", "s16", "u16", "s32"), "u32": ("s8", "u8", "s16", "u16", "u32")}
CONSTANTS = (0, 1, 1, 2, 3, 5, 7, 12, 100, 1000, 70000)
SIZE = 16
"""Elements of arrays that are indexed by values, always in range: ``t[a & 15]``."""


def random_kernel(seed: int, small: bool = False) -> str:
    """A kernel named ``tried`` on x (4, 6), z (16), t (inout, 16), w (inout, 12) and one output per innermost loop.

    ``small``: with short expressions and at most two loops inside one another, for circuits and fabrics.
    """
    return _Source(random.Random(seed), small).text()


@dataclass
class _Scope:
    """``counters``: name -> greatest value (the least is 0 or above); ``scalars``: variables that have a value; ``past``: counters of
    loops that have run; ``items``: of the list ``q``."""

    counters: dict[str, int] = field(default_factory=dict)
    scalars: list[str] = field(default_factory=list)
    past: list[str] = field(default_factory=list)
    items: int = 0
    guarded: bool = False

    def inner(self, **counters: int) -> _Scope:
        return replace(
            self, counters={**self.counters, **counters}, scalars=list(self.scalars), past=[]
        )


class _Source:
    def __init__(self, draw: random.Random, small: bool) -> None:
        self.draw, self.small = draw, small
        self.word = draw.choice(("s32", "s32", "s32", "u32"))
        self.elements = {
            name: draw.choice(ELEMENTS[self.word]) for name in ("x", "z", "t", "w", "v0", "v1")
        }
        self.lines: list[str] = []
        self.outputs: dict[str, tuple[int, ...]] = {}
        self.used: set[str] = set()

    # statements

    def text(self) -> str:
        scope = _Scope()
        for _ in range(1 if self.small else self.draw.choice((1, 1, 2))):
            for name in self.draw.sample(("a", "b", "c", "d"), self.draw.randint(1, 4)):
                self.lines.append(f"    {name} = {self.draw.choice((0, 0, 1, 3, 9))}")
                scope.scalars += [] if name in scope.scalars else [name]
            self._straight(scope)
            depth = self.draw.choice((1, 2) if self.small else (1, 2, 2, 3))
            self._loop(depth, scope, 1, "ijk"[:depth])
        self._straight(scope)
        most = min(2, len(scope.scalars))
        for name in self.draw.sample(scope.scalars, self.draw.randint(0, most)):
            number = sum(key.startswith("v") for key in self.outputs)
            self.outputs[f"v{number}"] = (1,)
            self.lines.append(f"    v{number}[0] = {name}")
        shapes = {"x": (4, 6), "z": (SIZE,), "t": (SIZE,), "w": (12,), **self.outputs}
        parameters = []
        for name, shape in shapes.items():
            role = "In" if name in "xz" else "Out" if name[0] in "yv" else "InOut"
            if role == "InOut" and name not in self.used:
                role = "In"
            extents = ", ".join(map(str, shape))
            parameters.append(f"{name}: {role}[{self.elements[name]}, {extents}]")
        word = f"@hlsgen.kernel(word={self.word})"
        head = f"{word}\ndef tried({', '.join(parameters)}) -> None:"
        return "\n".join([head, *self.lines, ""])

    def _straight(self, scope: _Scope) -> None:
        """Statements of the function itself, none in half of all cases."""
        if self.draw.random() < 0.5:
            return
        if self.draw.random() < 0.2:
            self.lines.append(f"    q = [{self.expression(scope, 1)}, {self.expression(scope, 1)}]")
            scope.items = 2
        for _ in range(self.draw.randint(1, 1 if self.small else 3)):
            self._statement(scope, 1)

    def _loop(self, depth: int, scope: _Scope, level: int, names: str) -> None:
        """A loop of some depth, in a fifth of all cases inside a condition."""
        if self.draw.random() > 0.2:
            self._counted(depth, scope, level, names)
            return
        self.lines.append(f"{'    ' * level}if {self.truth(scope, 1)}:")
        inside = scope.inner()
        inside.guarded = True
        if self.draw.random() < 0.5:
            self._statement(inside, level + 1)
        self._counted(depth, inside, level + 1, names)
        if self.draw.random() < 0.4:
            self.lines.append(f"{'    ' * level}else:")
            self._statement(inside, level + 1)

    def _counted(self, depth: int, scope: _Scope, level: int, names: str) -> None:
        name, pad = names[0], "    " * level
        form, greatest, always = self._range(scope)
        self.lines.append(f"{pad}for {name} in range({form}):")
        inner = scope.inner(**{name: greatest})
        inner.guarded = scope.guarded or not always
        if depth == 1:
            self._innermost(inner, level + 1)
        else:
            for _ in range(self.draw.randint(0, 2)):
                self._statement(inner, level + 1)
            self._loop(depth - 1, inner, level + 1, names[1:])
            for _ in range(self.draw.choice((0, 0, 1, 2))):
                self._statement(inner, level + 1)
            while self.draw.random() < 0.3:  # more loops inside this one
                again = self.draw.randint(1, depth - 1)
                self._loop(again, inner, level + 1, self.draw.choice((names[1:], "lmn")))
                for _ in range(self.draw.choice((0, 0, 1, 2))):
                    self._statement(inner, level + 1)
        if not inner.guarded:  # every loop has a trip
            scope.scalars = list(inner.scalars)
            scope.past = list(dict.fromkeys([*scope.past, *inner.past, name]))

    def _range(self, scope: _Scope) -> tuple[str, int, bool]:
        """Bounds, the greatest value of the counter, and whether the loop always has a trip."""
        if scope.counters and self.draw.random() < 0.15:
            outer = self.draw.choice(list(scope.counters))
            most = scope.counters[outer]
            return self.draw.choice(
                (
                    (f"{outer} + 1", most, True),
                    (f"{outer}, {most + 1}", most, True),
                    (f"1, {outer} + 2", most + 1, True),
                    (f"{outer}", max(most - 1, 0), False) if most else ("2", 1, True),
                    (f"{most + 1} - {outer}, 0, -1", most + 1, True),
                )
            )
        first, trips, step = self.draw.choice(
            ((0, 4, 1), (0, 3, 1), (1, 3, 1), (3, 4, -1), (0, 2, 2))
        )
        stop = first + step * trips
        form = {1: f"{first}, {stop}" if first else f"{stop}"}.get(step, f"{first}, {stop}, {step}")
        return form, max(first, first + step * (trips - 1)), True

    def _innermost(self, scope: _Scope, level: int) -> None:
        pad = "    " * level
        for _ in range(self.draw.randint(0, 1 if self.small else 3)):
            self._statement(scope, level)
        if self.draw.random() < 0.2:
            self.lines.append(f"{pad}for u in hlsgen.unroll(range({self.draw.randint(2, 3)})):")
            unrolled = scope.inner(u=2)
            for _ in range(self.draw.randint(1, 2)):
                self._statement(unrolled, level + 1)
        names = list(scope.counters)
        output = f"y{sum(key.startswith('y') for key in self.outputs)}"
        self.elements[output] = self.draw.choice(ELEMENTS[self.word])
        if self.draw.random() < 0.15 and len(names) > 1:
            names.pop()  # a sum over the innermost loop
            operator = "+="
        else:
            operator = self.draw.choice(("=", "=", "+="))
        self.outputs[output] = tuple(scope.counters[name] + 1 for name in names)
        self.lines.append(
            f"{pad}{output}[{', '.join(names)}] {operator} {self.expression(scope, 3)}"
        )

    def _statement(self, scope: _Scope, level: int) -> None:
        pad = "    " * level
        kind = self.draw.random()
        if scope.items and kind > 0.9:
            place = self.draw.randrange(scope.items)
            self.lines.append(f"{pad}q[{place}] = {self.expression(scope, 2)}")
        elif kind < 0.45:
            self._assignment(scope, pad)
        elif kind < 0.55 and len(scope.scalars) > 1:
            a, b = self.draw.sample(scope.scalars, 2)
            self.lines.append(f"{pad}{a}, {b} = {b}, {self.expression(scope, 2)}")
        elif kind < 0.75:
            self._memory(scope, pad)
        else:
            self._condition(scope, level)

    def _assignment(self, scope: _Scope, pad: str) -> None:
        if scope.scalars and self.draw.random() < 0.4:
            operator = self.draw.choice(("+=", "-=", "+=", "*=", "^=", "|=", "&=", ">>="))
            amount = (
                self.expression(scope, 2) if operator != ">>=" else str(self.draw.randint(0, 9))
            )
            self.lines.append(f"{pad}{self.draw.choice(scope.scalars)} {operator} {amount}")
            return
        name = self.draw.choice("abcdefg")
        if name in scope.scalars or not scope.guarded:
            self.lines.append(f"{pad}{name} = {self.expression(scope, 3)}")
            if name not in scope.scalars:
                scope.scalars.append(name)
        else:
            self.lines.append(f"{pad}pass")

    def _memory(self, scope: _Scope, pad: str) -> None:
        array = self.draw.choice("tw")
        index = self._computed(scope, 1) if array == "t" else self._affine(scope, 12)
        operator = self.draw.choice(("+=", "+=", "=", "-=", "^="))
        self.used.add(array)
        self.lines.append(f"{pad}{array}[{index}] {operator} {self.expression(scope, 2)}")

    def _condition(self, scope: _Scope, level: int) -> None:
        pad = "    " * level
        inside = scope.inner()
        inside.guarded = True
        self.lines.append(f"{pad}if {self.truth(scope, 2)}:")
        for _ in range(self.draw.randint(1, 2)):
            self._statement(inside, level + 1)
        if self.draw.random() < 0.3:
            self.lines.append(f"{pad}elif {self.truth(scope, 1)}:")
            self._statement(inside, level + 1)
        if self.draw.random() < 0.5:
            self.lines.append(f"{pad}else:")
            self._statement(inside, level + 1)

    # expressions

    def expression(self, scope: _Scope, depth: int) -> str:
        depth = min(depth, 1) if self.small else depth
        if depth == 0 or self.draw.random() < 0.15:
            return self._leaf(scope)
        make: Callable[[], str] = self.draw.choices(
            (
                lambda: self._binary(scope, depth),
                lambda: self._shifted(scope, depth),
                lambda: self._call(scope, depth),
                lambda: self._ternary(scope, depth),
                lambda: self._gather(scope, depth),
                lambda: f"{self.draw.choice('-~')}{self._operand(scope, depth)}",
            ),
            (8, 2, 2, 2, 2, 1),
        )[0]
        return make()

    def _operand(self, scope: _Scope, depth: int) -> str:
        text = self.expression(scope, depth - 1)
        return text if text.isidentifier() or text.isdigit() else f"({text})"

    def _binary(self, scope: _Scope, depth: int) -> str:
        operator = self.draw.choice("+-*+-*&|^")
        return f"{self._operand(scope, depth)} {operator} {self._operand(scope, depth)}"

    def _shifted(self, scope: _Scope, depth: int) -> str:
        operator, amounts = self.draw.choice(
            ((">>", (1, 3, 8)), ("<<", (1, 4)), ("//", (2, 8)), ("%", (4, 16)))
        )
        return f"{self._operand(scope, depth)} {operator} {self.draw.choice(amounts)}"

    def _call(self, scope: _Scope, depth: int) -> str:
        name = self.draw.choice(("min", "max", "abs"))
        count = 1 if name == "abs" else self.draw.choice((2, 2, 3))
        return f"{name}({', '.join(self.expression(scope, depth - 1) for _ in range(count))})"

    def _ternary(self, scope: _Scope, depth: int) -> str:
        yes, no = self._operand(scope, depth), self._operand(scope, depth)
        return f"{yes} if {self.truth(scope, 1)} else {no}"

    def _gather(self, scope: _Scope, depth: int) -> str:
        return f"{self.draw.choice('zt')}[{self._computed(scope, depth - 1)}]"

    def _computed(self, scope: _Scope, depth: int) -> str:
        return f"({self.expression(scope, depth)}) & {SIZE - 1}"

    def _leaf(self, scope: _Scope) -> str:
        kind = self.draw.random()
        if kind < 0.2:
            return str(self.draw.choice(CONSTANTS))
        if kind < 0.3 and (scope.past or scope.items):
            places = [f"q[{place}]" for place in range(scope.items)]
            return self.draw.choice([*scope.past, *places])
        if kind < 0.5 and scope.scalars:
            return self.draw.choice(scope.scalars)
        if kind < 0.65 and scope.counters:
            return self.draw.choice(list(scope.counters))
        if kind < 0.8:
            return f"w[{self._affine(scope, 12)}]"
        return f"x[{self._affine(scope, 4)}, {self._affine(scope, 6)}]"

    def _affine(self, scope: _Scope, extent: int) -> str:
        """An affine index from 0 to extent - 1."""
        terms, room = [], extent - 1
        for name in self.draw.sample(list(scope.counters), len(scope.counters)):
            greatest = scope.counters[name]
            most = room // greatest if greatest else 2
            factor = self.draw.randint(0, min(most, 3))
            if factor:
                terms.append(name if factor == 1 else f"{factor} * {name}")
                room -= factor * greatest
        if room and self.draw.random() < 0.5:
            terms.append(str(self.draw.randint(0, room)))
        text = " + ".join(terms) or "0"
        return f"{extent - 1} - ({text})" if self.draw.random() < 0.2 else text

    def truth(self, scope: _Scope, depth: int) -> str:
        kind = self.draw.random()
        if depth and kind < 0.3:
            word = self.draw.choice(("and", "or"))
            return f"({self.truth(scope, depth - 1)}) {word} ({self.truth(scope, depth - 1)})"
        if depth and kind < 0.4:
            return f"not ({self.truth(scope, depth - 1)})"
        operator = self.draw.choice(("<", "<=", ">", ">=", "==", "!="))
        left, right = self._operand(scope, 1), self._operand(scope, 1)
        if kind > 0.95:
            return f"{left} {operator} {right} {operator} {self._operand(scope, 1)}"
        return f"{left} {operator} {right}"

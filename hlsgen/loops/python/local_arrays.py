"""Arrays of a kernel's own: NumPy arrays that it makes, and lists that it indexes by what it computes.

They are memories that nobody outside sees. What they hold at first is stored where the function makes them; a list of constants that is
never changed is a table, as one from outside the function is. Lists whose indices are constants or counters stay variables
(``variables.py``), which may all be read in one cycle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.loops.python.annotations import ArrayType
from hlsgen.loops.python.constants import integer_of
from hlsgen.loops.python.facts import values_given
from hlsgen.loops.python.functions import names_of
from hlsgen.loops.python.nest import base_of
from hlsgen.loops.python.ranges import located
from hlsgen.loops.python.refusals import shown, unsupported
from hlsgen.loops.python.signature import Signature

MOST_ADDED = 255
"""What one statement may add to an item of a list that is not a word yet: in as many iterations as are taken, it stays within a word."""


@dataclass(frozen=True)
class Prepared:
    """A kernel whose own arrays are among the parameters of its signature, with the role ``scratch``, and that fills them itself."""

    signature: Signature
    function: ast.FunctionDef


def with_local_arrays(signature: Signature, function: ast.FunctionDef) -> Prepared:
    """Raises UnsupportedOp for arrays of other elements than words, and for lists of which an item may leave the word."""
    reader = _Reader(signature, function)
    shapes = {**reader.numpy_arrays(), **reader.lists()}
    if not shapes:
        return Prepared(signature, function)
    arrays = {name: ArrayType("scratch", signature.word, shape) for name, shape in shapes.items()}
    filled = _Filled(shapes, reader).visit(function)
    whole = replace(signature, parameters={**signature.parameters, **arrays})
    return Prepared(whole, ast.fix_missing_locations(filled))


@dataclass(frozen=True)
class _Making:
    """``shape`` of what an expression makes, and the constants it is filled with: one for all, or one for each element."""

    shape: tuple[int, ...]
    values: tuple[int, ...]


class _Reader:
    def __init__(self, signature: Signature, function: ast.FunctionDef) -> None:
        self.signature, self.function = signature, function
        self.names: dict[str, Any] = {**names_of(signature.function), **signature.constants}
        self.counters = {
            node.target.id
            for node in ast.walk(function)
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
        }

    def numpy_arrays(self) -> dict[str, tuple[int, ...]]:
        """Names that hold NumPy arrays, with their shapes."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, value in _assigned(self.function):
            making = self.numpy_array(value)
            if making is not None:
                shapes.setdefault(name, making.shape)
        return shapes

    def lists(self) -> dict[str, tuple[int, ...]]:
        """Names of lists of constants of which an index is computed, with their lengths."""
        indexed = {
            str(base_of(node))
            for node in ast.walk(self.function)
            if isinstance(node, ast.Subscript) and self._is_computed(node.slice)
        }
        lengths: dict[str, tuple[int, ...]] = {}
        for name, value in _assigned(self.function):
            making = self.list_of_constants(value)
            if name in indexed and making is not None:
                lengths.setdefault(name, making.shape)
        self._refuse_growth(lengths.keys())
        return lengths

    def _is_computed(self, index: ast.expr) -> bool:
        """Whether an index is more than constants and counters of loops."""
        for node in ast.walk(index):
            if isinstance(node, ast.Subscript | ast.Call | ast.IfExp):
                return True
            is_counter = isinstance(node, ast.Name) and node.id in self.counters
            if isinstance(node, ast.Name) and not is_counter and self._integer(node) is None:
                return True
        return False

    def numpy_array(self, value: ast.expr) -> _Making | None:
        """What ``np.zeros(8, np.int32)`` and the like make."""
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
            return None
        module = value.func.value
        if not isinstance(module, ast.Name) or self.names.get(module.id) is not np:
            return None
        name = value.func.attr
        if name not in ("zeros", "ones", "empty", "full"):
            return None
        given = list(value.args)
        keywords = {keyword.arg: keyword.value for keyword in value.keywords}
        shape = self._shape(given.pop(0) if given else keywords.get("shape"))
        fill: int | None = int(name == "ones")
        if name == "full":
            filled = given.pop(0) if given else keywords.get("fill_value")
            fill = None if filled is None else self._integer(filled)
        kind = given.pop(0) if given else keywords.get("dtype")
        word = self.signature.word.native
        if shape is None or fill is None or kind is None or self._type(kind) != word:
            raise self.refuse(
                value,
                f"an array of a constant shape and of words: np.zeros(8, np.{word})",
                shown(value),
                "Make it so; elements of a kernel's own arrays are as wide as its words.",
            )
        return _Making(shape, (fill,))

    def list_of_constants(self, value: ast.expr) -> _Making | None:
        """What ``[0] * 8`` and ``[3, 1, 4]`` make."""
        times = 1
        match value:
            case ast.BinOp(left=ast.List() as items, op=ast.Mult(), right=count):
                times, value = self._integer(count) or 0, items
            case ast.BinOp(left=count, op=ast.Mult(), right=ast.List() as items):
                times, value = self._integer(count) or 0, items
        if not isinstance(value, ast.List) or times < 1:
            return None
        values = [self._integer(part) for part in value.elts]
        known = tuple(n for n in values if n is not None)
        word = self.signature.word
        if not known or len(known) < len(values):
            return None
        if not all(word.minimum <= n <= word.maximum for n in known):
            return None
        return _Making((len(known) * times,), known if len(known) == 1 else known * times)

    def _refuse_growth(self, names: Set[str]) -> None:
        """Raise where an item that is a Python integer could leave the word, in which it wraps: what is stored is computed from items, with
        no element of an array, which is a word, in it; except for copies, and small constants that are added."""
        words = (self.signature.parameters.keys() | self.numpy_arrays().keys()) - names
        derived = self._derived(names, words)
        for node in ast.walk(self.function):
            match node:
                case ast.AugAssign(target=ast.Subscript() as target, op=op, value=value):
                    step = self._integer(value)
                    fine = isinstance(op, ast.Add | ast.Sub) and step is not None
                    fine = fine and abs(step or 0) <= MOST_ADDED
                    unsafe = not fine and not _has_element(value, words)
                case ast.Assign(targets=[ast.Subscript() as target], value=value):
                    copied = isinstance(value, ast.Name | ast.Subscript)
                    unsafe = not copied and _is_derived(value, derived, words)
                case _:
                    continue
            if base_of(target) in names and unsafe:
                raise self.refuse(
                    node,
                    f"words in {base_of(target)}, or small constants that are added to its items",
                    f"Python integers, which never wrap, in {shown(node)}",
                    f"Make it an array of words: {base_of(target)} = np.zeros(n, np.{self.signature.word.native}).",
                )

    def _derived(self, names: Set[str], words: Set[str]) -> frozenset[str]:
        """The lists, and variables that are computed from their items without an element of an array."""
        derived = frozenset(names)
        while True:
            more = {
                name
                for statement in ast.walk(self.function)
                if isinstance(statement, ast.stmt)
                for name, value in values_given(statement)
                if _is_derived(value, derived, words)
            }
            if more <= derived:
                return derived
            derived |= more

    def _shape(self, node: ast.expr | None) -> tuple[int, ...] | None:
        if node is None:
            return None
        parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
        extents = [self._integer(part) or 0 for part in parts]
        return tuple(extents) if extents and min(extents) > 0 else None

    def _type(self, node: ast.expr) -> Any:
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return None
        kind = getattr(np, node.attr, None) if self.names.get(node.value.id) is np else None
        return np.dtype(kind) if isinstance(kind, type) else None

    def _integer(self, node: ast.expr) -> int | None:
        return integer_of(node, self.names, self.signature.parameters)

    def refuse(self, node: ast.AST, expected: str, found: str, advice: str) -> Exception:
        where = f"{self.signature.path}, kernel {self.signature.name}"
        return unsupported(where, node, expected, found, advice)


def _assigned(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """Every assignment to one name."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _has_element(value: ast.expr, arrays: Set[str]) -> bool:
    """Whether an element of one of the arrays is in an expression."""
    return any(
        isinstance(node, ast.Subscript) and base_of(node) in arrays for node in ast.walk(value)
    )


def _is_derived(value: ast.expr, derived: Set[str], words: Set[str]) -> bool:
    names = frozenset(node.id for node in ast.walk(value) if isinstance(node, ast.Name))
    return bool(names & derived) and not _has_element(value, words)


class _Filled(ast.NodeTransformer):
    """Assignments that make an array become those of its elements."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], reader: _Reader) -> None:
        self.shapes, self.reader = shapes, reader

    def visit_Assign(self, node: ast.Assign) -> Any:
        return self._elements(node, node.targets[0], node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return node if node.value is None else self._elements(node, node.target, node.value)

    def _elements(self, node: ast.stmt, target: ast.expr, value: ast.expr) -> Any:
        if not isinstance(target, ast.Name) or target.id not in self.shapes:
            return node
        making = self.reader.numpy_array(value) or self.reader.list_of_constants(value)
        if making is None or making.shape != self.shapes[target.id]:
            raise self.reader.refuse(
                node,
                f"{target.id} to stay an array of shape {self.shapes[target.id]}",
                shown(node),
                "Use a variable of another name.",
            )
        if len(making.values) > 1:
            return [
                _store(target.id, (ast.Constant(k),), n, node) for k, n in enumerate(making.values)
            ]
        names = [f"{target.id}_{axis}" for axis in range(len(making.shape))]
        index = tuple(ast.Name(name, ast.Load()) for name in names)
        body = _store(target.id, index, making.values[0], node)
        for name, extent in zip(reversed(names), reversed(making.shape), strict=True):
            over = ast.Call(ast.Name("range", ast.Load()), [ast.Constant(extent)], [])
            body = located(ast.For(ast.Name(name, ast.Store()), over, [body], []), node)
        return body


def _store(name: str, index: Sequence[ast.expr], value: int, at: ast.stmt) -> ast.stmt:
    place: ast.expr = index[0] if len(index) == 1 else ast.Tuple(list(index), ast.Load())
    target = ast.Subscript(ast.Name(name, ast.Load()), place, ast.Store())
    return located(ast.Assign([target], ast.Constant(value)), at)

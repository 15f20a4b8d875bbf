"""Names say what a thing is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from support.source_tree import CHECKED, ROOT, sources

NAMES_OF_ANYTHING = ("found", "item", "made", "wanted")


def local_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) of each parameter of a function and of each variable that it or a comprehension binds."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.MatchAs(name=str(name)):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno


def says_what_was_found(function: ast.AST) -> bool:
    """Whether it makes an error of what was ``expected`` and what was ``found`` instead."""
    arguments = function.args.args if isinstance(function, ast.FunctionDef) else []
    return {"expected", "found"} <= {argument.arg for argument in arguments}


def test_local_names_say_what_a_thing_is() -> None:
    wrong = []
    for path in sources(*CHECKED):
        tree = ast.parse(path.read_text("utf-8"))
        told = {
            argument.lineno
            for function in ast.walk(tree)
            if says_what_was_found(function)
            for argument in ast.walk(function)
            if isinstance(argument, ast.arg) and argument.arg == "found"
        }
        fields = {
            field.target.lineno
            for owner in ast.walk(tree)
            if isinstance(owner, ast.ClassDef)
            for field in owner.body
            if isinstance(field, ast.AnnAssign)
        }
        wrong += [
            f"{path.relative_to(ROOT)}:{line} {name}"
            for name, line in local_names(tree)
            if name in NAMES_OF_ANYTHING and line not in told | fields
        ]
    assert not wrong, "name the thing:\n" + "\n".join(wrong)

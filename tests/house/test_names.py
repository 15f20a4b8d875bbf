"""Names say what a thing is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from support.source_tree import CHECKED, PACKAGES, ROOT, sources

from hlsgen.algebra.scalar import SCALAR_OPS

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


OPERATORS = {operator.__name__ for operator in SCALAR_OPS}
"""A scalar operator, its circuit, and the tensor operator that is lowered to it share a name."""
SHARED_NAMES = {
    "Finish": "what a process does with its sums, and the circuit that does it",
    "MemoryTile": "a tile of a fabric, and its circuit",
    "Placed": "what operators see of a placed tensor, and what lowering has of it",
    "Range": "ONNX's operator, and the integers of a loop's index",
    "Reorder": "a step of a kernel's schedule, called as the method is; and a unit",
    "Split": "ONNX's operator, and a step of a kernel's schedule, called as the method is",
    "Unroll": "a step of a kernel's schedule, called as the method is; and the factors of a PE array",
}
"""Names of two classes each, and what they stand for."""


def names_of_types(tree: ast.Module) -> Iterator[str]:
    """Public classes and aliases of types that a module defines."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias")):
                yield name
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Subscript(value=ast.Name(id="Literal" | "Callable")),
            ):
                yield name


def test_a_class_name_has_one_meaning() -> None:
    places: dict[str, list[str]] = {}
    for path in sources(*PACKAGES):
        for name in names_of_types(ast.parse(path.read_text("utf-8"))):
            if not name.startswith("_"):
                places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    several = {name: files for name, files in places.items() if len(files) > 1}
    for name in (*OPERATORS, *SHARED_NAMES):
        several.pop(name, None)
    assert not several, f"give each its own name: {several}"
    assert SHARED_NAMES.keys() <= places.keys()


OTHER_WORDS = {"processing" + r" elements?": "PE", "32-" + r"bit words?": "load word"}
"""What the glossary of docs/architecture.md has another term for."""
LOOP_SCHEDULES = ("hlsgen/schedule/grid_kernel", "hlsgen/schedule/stream_kernel")


def test_texts_use_the_terms_of_the_glossary() -> None:
    wrong = []
    for pattern, term in OTHER_WORDS.items():
        for path in (*sources(*CHECKED), *sorted((ROOT / "docs").glob("*.md"))):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                explained = path.suffix == ".md" and term in line
                if re.search(pattern, line, re.IGNORECASE) and not explained:
                    wrong.append(f"{path.relative_to(ROOT)}:{number}: say {term}")
    assert not wrong, "\n".join(wrong)


def test_an_interval_of_a_loop_is_called_ii() -> None:
    """``interval`` is from sample to sample or from execution to execution; a configuration is told one for its only loop nest."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources(*LOOP_SCHEDULES)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Name) and node.id == "interval")
        or (isinstance(node, ast.Attribute) and node.attr == "interval")
        or (isinstance(node, ast.arg) and node.arg == "interval")
    ]
    assert not wrong, "\n".join(wrong)

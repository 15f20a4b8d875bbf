"""The source files of the project and what each of them imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("hlsgen", "rtl_templates", "sim", "boards", "fabrics")
CHECKED = (*PACKAGES, "tests", "examples", "benchmarks")
"""The folders to which the rules of the house apply."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path, top_only: bool = False) -> Iterator[tuple[str, int]]:
    """(module, line) of every import; ``from a import b`` gives ``a`` and ``a.b``.

    With ``top_only`` only what runs when the module is loaded: not inside functions nor under TYPE_CHECKING.
    """
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        deferred = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        )
        if not (top_only and deferred):
            pending.extend(ast.iter_child_nodes(node))


@cache
def modules() -> dict[str, Path]:
    """Every module of the packages by the name under which it is imported."""
    named = {}
    for path in sources(*PACKAGES):
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts if parts[0] == "hlsgen" else ("hlsgen", *parts)
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports_between_modules() -> dict[str, set[str]]:
    """For every module the other modules that it imports anywhere: in functions and under TYPE_CHECKING too."""
    known = modules()

    def module_of(name: str) -> str:
        while name not in known:
            name = name.rpartition(".")[0]
        return name

    return {
        module: {module_of(name) for name, _ in imported(path) if name.split(".")[0] == "hlsgen"}
        - {module, "hlsgen"}
        for module, path in known.items()
    }


def package_of(module: str) -> str:
    """The folder of a module. A module directly in ``hlsgen`` stands for itself."""
    if modules()[module].name == "__init__.py" or module.count(".") == 1:
        return module
    return module.rpartition(".")[0]

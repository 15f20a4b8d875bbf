"""No circle of imports: not between modules, not between packages."""

from __future__ import annotations

from collections.abc import Mapping

from support.source_tree import imports_between_modules, package_of


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """Every largest set of nodes that reach each other, sorted; nodes that only reach themselves are left out."""
    reached = {node: _reached(edges, node) for node in edges}
    sets = {
        tuple(sorted(other for other in reach if node in reached.get(other, ())))
        for node, reach in reached.items()
        if node in reach
    }
    return sorted(list(names) for names in sets)


def _reached(edges: Mapping[str, set[str]], start: str) -> set[str]:
    """The nodes at the ends of all paths of one edge or more."""
    reached: set[str] = set()
    pending = list(edges[start])
    while pending:
        node = pending.pop()
        if node not in reached:
            reached.add(node)
            pending += edges.get(node, ())
    return reached


def test_circles_are_told_from_diamonds() -> None:
    diamond = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}
    assert circles(diamond) == []
    assert circles({**diamond, "d": {"b"}}) == [["b", "d"]]
    assert circles({"a": {"b"}, "b": {"a"}, "c": {"d", "a"}, "d": {"c"}}) == [
        ["a", "b"],
        ["c", "d"],
    ]


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    edges = imports_between_modules()
    assert len(edges) > 200
    assert circles(edges) == []


def test_packages_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for module, targets in imports_between_modules().items():
        package = package_of(module)
        edges.setdefault(package, set()).update(map(package_of, targets))
    without_own = {package: targets - {package} for package, targets in edges.items()}
    assert circles(without_own) == []

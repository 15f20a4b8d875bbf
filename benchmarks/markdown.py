"""Numbers and tables as the README files show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def number(value: Any, digits: int = 0) -> str:
    """``12,345``; a dash for what was not measured."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share as ``12.3 %``; a dash for what was not measured."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def table(columns: str, rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; ``columns`` are separated by ``|``, numbers stand right."""
    names = [name.strip() for name in columns.split("|")]
    lines = [
        "| " + " | ".join(names) + " |",
        "|---" + "|---:" * (len(names) - 1) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    if len(lines) == 2:
        return "Not measured yet."
    return "\n".join(lines)

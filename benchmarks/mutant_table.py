"""The tables of mutants: how many the tests kill, and which survive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.markdown import number, percent, table
from benchmarks.mutant_draw import changed_of
from benchmarks.mutants import RESULT

Row = dict[str, Any]


def _verdicts() -> list[Row]:
    if not RESULT.exists():
        return []
    rows: list[Row] = json.loads(RESULT.read_text("utf-8"))["verdicts"]
    return rows


def _share(killed: int, of: int) -> str:
    return percent(killed / of) if of else "–"


def _counts(name: str, rows: list[Row]) -> tuple[str, ...]:
    killed = sum(row["killed"] for row in rows)
    equivalent = sum(row["equivalent"] is not None for row in rows)
    return (
        name,
        number(len(rows)),
        number(killed),
        number(equivalent),
        _share(killed, len(rows)),
        _share(killed, len(rows) - equivalent),
    )


def _killed() -> str:
    rows = _verdicts()
    folders: dict[str, list[Row]] = {}
    for row in rows:
        folders.setdefault(row["mutant"]["module"].rpartition("/")[0], []).append(row)

    def cells() -> Iterator[tuple[str, ...]]:
        for folder, part in folders.items():
            yield _counts(f"`{folder}`", part)
        if rows:
            yield _counts("all", rows)

    return table(
        "Modules in | Mutants | Killed | Survive and do the same | Killed of all | of those that do not do the same",
        cells(),
    )


def _survivors() -> str:
    def cells(row: Row) -> tuple[str, ...]:
        before, after = (text.replace("|", "\\|") for text in changed_of(row["diff"]))
        return (
            f"`{row['mutant']['module']}`",
            f"`{before}`",
            f"`{after}`",
            row["equivalent"] or "not seen by any test",
        )

    survivors = [row for row in _verdicts() if not row["killed"]]
    return table("Module | Text | Mutant | Why it survives", map(cells, survivors))


SECTIONS: dict[str, Callable[[], str]] = {"mutants": _killed, "mutant-survivors": _survivors}

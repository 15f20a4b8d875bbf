"""Progress of long steps: what runs, how far it is, how long it has run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeAlias

Progress: TypeAlias = Callable[[str, float | None], None]
"""``progress(what, fraction)``: ``fraction`` in [0, 1], or None where the end is not known."""


def silent(what: str, fraction: float | None = None) -> None:
    """The progress of a caller who wants none."""


def lines(seconds: float = 5.0, file: TextIO | None = None) -> Progress:
    """Progress for logs and notebooks: a line for each step, and one every so many seconds while it lasts. ``file``: standard error if None."""
    last: dict[str, float] = {}

    def show(what: str, fraction: float | None = None) -> None:
        now = time.monotonic()
        if what in last and now - last[what] < seconds:
            return
        last[what] = now
        share = "" if fraction is None else f" {fraction:.0%}"
        print(f"hlsgen: {what}{share}", file=file or sys.stderr, flush=True)

    return show


@contextmanager
def terminal(quiet: bool) -> Iterator[Progress]:
    """Progress lines on standard error that show each step, its share and its time; none where that is not a terminal."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, fraction: float | None = None) -> None:
            if what not in tasks:
                for earlier in tasks.values():
                    bar.update(earlier, total=1, completed=1)
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], total=None if fraction is None else 1, completed=fraction or 0)

        yield show
        for task in tasks.values():
            bar.update(task, total=1, completed=1)

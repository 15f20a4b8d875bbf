"""Progress of long steps: what runs, how far it is, how long it has run."""

from __future__ import annotations

import sys
import threading
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
def spaced_lines(seconds: float = 5.0, file: TextIO | None = None) -> Iterator[Progress]:
    """Progress for logs: what runs, its share and how long all has run, first after ``seconds``, later every so many or every tenth of that time.

    A step that says nothing of itself is named all the same; what is over sooner writes nothing. ``file``: standard error if None.
    """
    begun, over, now = time.monotonic(), threading.Event(), [""]

    def write() -> None:
        pause = seconds
        while not over.wait(pause):
            elapsed = time.monotonic() - begun
            pause = max(seconds, elapsed / 10)
            if not now[0]:
                continue
            try:
                print(f"hlsgen: {now[0]} ({elapsed:.0f} s)", file=file or sys.stderr, flush=True)
            except (OSError, ValueError):  # nobody reads it any more
                return

    def show(what: str, fraction: float | None = None) -> None:
        now[0] = what if fraction is None else f"{what} {fraction:.0%}"

    writer = threading.Thread(target=write, name="hlsgen progress", daemon=True)
    writer.start()
    try:
        yield show
    finally:
        over.set()
        writer.join()


@contextmanager
def terminal(quiet: bool) -> Iterator[Progress]:
    """Progress lines on standard error that show each step, its share and its time; where that is not a terminal (a log, a notebook), ``spaced_lines``."""
    if quiet:
        yield silent
        return
    if not sys.stderr.isatty():
        with spaced_lines() as spaced:
            yield spaced
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

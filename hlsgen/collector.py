"""Python's garbage collector while a design is made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No collection in the block.

    A design is millions of small objects that all live to its end; to look through them again and again took a third of the time of a
    compilation. What has no references is freed all the same.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()

"""Programs that hlsgen starts. Each is the head of a process group, and the whole group ends with the step that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any


class Running:
    """The programs that several threads run: an interrupt reaches only the main thread, which ends them from here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[Any]] = set()
        self._branches: list[Running] = []
        self._stopped = False

    def branch(self) -> Running:
        """Programs that end with these, and that may end alone."""
        branch = Running()
        with self._lock:
            self._branches.append(branch)
            if self._stopped:
                branch.stop()
        return branch

    def add(self, program: subprocess.Popen[Any]) -> None:
        """A program has started; it is killed at once where all are to end."""
        with self._lock:
            self._programs.add(program)
            if self._stopped:
                _kill(program)

    def remove(self, program: subprocess.Popen[Any]) -> None:
        """A program has ended."""
        with self._lock:
            self._programs.discard(program)

    @property
    def stopped(self) -> bool:
        """Whether all were told to end."""
        return self._stopped

    def stop(self) -> None:
        """Kill every program, and those that are yet to start."""
        with self._lock:
            self._stopped = True
            for program in self._programs:
                _kill(program)
            for branch in self._branches:
                branch.stop()


@contextmanager
def started(
    command: Sequence[str], running: Running | None = None, **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """A running program; ``options`` are those of ``subprocess.Popen``, ``running`` hears of it.

    Where the block is left while the program runs (an error, an interrupt, a signal), it and what it has started are killed:
    make would else leave its compilers, and a simulator would run on for ever.
    """
    process = subprocess.Popen(command, start_new_session=True, **options)
    if running is not None:
        running.add(process)
    try:
        yield process
    finally:
        if running is not None:
            running.remove(process)
        if process.poll() is None:
            _kill(process)
            process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _kill(process: subprocess.Popen[Any]) -> None:
    """End a program and all that it has started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run(
    command: Sequence[str], timeout: float | None = None, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Like ``subprocess.run`` without ``check``; raises subprocess.TimeoutExpired and OSError as that does."""
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started(command, **options) as process:
        output, errors = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

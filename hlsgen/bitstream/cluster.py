"""Steps on the machines of a ``dask.distributed`` cluster: files go there and come back, so that no disk is shared.

A step is known to the scheduler by the hash of all that it follows from: two who ask for the same share it, and a worker that dies leaves it to
another one. It is published there until its outputs are in the folder, so that a client that was killed finds it again, running or done.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hlsgen import errors
from hlsgen.bitstream.steps import (
    BuildStep,
    Done,
    LocalCores,
    StepPool,
    Workplace,
    forget,
    key_of,
    known,
    program,
    recorded,
)
from hlsgen.errors import BadOption, HlsgenError, ToolFailed
from hlsgen.processes import Running
from hlsgen.progress import Progress

CONNECT_SECONDS = 10
WATCH_SECONDS = 2.0
"""A worker asks so often whether its step is still wanted, and a client whether there are workers."""
GRACE_SECONDS = 20.0
"""A step that is not published is begun all the same, and goes on for so long: its client may be about to publish it."""
PLACE = "FOLDER_OF_THE_STEP"
"""Stands in errors for the folder of a worker."""
Contents = Mapping[str, bytes]
"""Name -> content of a file, compressed."""


@dataclass(frozen=True)
class Outcome:
    """Of a step on a worker: its new files, and (class, where, problem, remedy) of the error that it ended with, if any."""

    files: Contents
    seconds: float
    error: tuple[str, str, str, str] | None = None


class Cluster:
    """A cluster, as a pool. ``client``: of dask.distributed."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.running = Running()

    @property
    def width(self) -> int:
        """See ``StepPool``: the threads of all workers that there are now."""
        return max(1, sum(self.client.nthreads().values()))

    def run(self, steps: Sequence[BuildStep], place: Workplace) -> tuple[Done, ...]:
        """See ``StepPool``. Raises ToolFailed where the cluster is lost."""
        keys = [key_of(step, place.folder) for step in steps]
        done = {
            k: known(step, place.folder, key)
            for k, (step, key) in enumerate(zip(steps, keys, strict=True))
        }
        waiting: dict[int, Any] = {}
        try:
            for k, step in enumerate(steps):
                if done[k] is None:
                    forget(step, place.folder)
                    waiting[k] = self._submitted(step, place, keys[k])
            for k, future in waiting.items():
                done[k] = self._received(steps[k], place, keys[k], future)
        except BaseException:
            for k, future in waiting.items():
                self._give_up(keys[k], future)
            raise
        return tuple(one for one in done.values() if one is not None)

    def _submitted(self, step: BuildStep, place: Workplace, key: str) -> Any:
        """The future of a step: the one that is published, of a client that is gone, or a new one."""
        name = _name(key)

        def show(event: tuple[float, Mapping[str, Any]]) -> None:
            place.progress(event[1]["what"], event[1]["fraction"])

        with _cluster_errors(step.name):
            self.client.subscribe_topic(name, show)
            with contextlib.suppress(KeyError):
                return self.client.get_dataset(name)
            read = ((file, (place.folder / file).read_bytes()) for file in step.inputs)
            contents = {file: zlib.compress(content, 1) for file, content in read}
            future = self.client.submit(run_on_worker, step, contents, program(), key, key=name)
            with contextlib.suppress(KeyError):  # another client was faster: it is the same task
                self.client.publish_dataset(future, name=name)
            return future

    def _received(self, step: BuildStep, place: Workplace, key: str, future: Any) -> Done:
        """Wait for a step and write its files."""
        outcome = self._outcome(step, place, future)
        for file, content in outcome.files.items():
            (place.folder / file).write_bytes(zlib.decompress(content))
        if outcome.error is not None:
            kind, where, problem, remedy = outcome.error
            raise getattr(errors, kind)(where.replace(PLACE, str(place.folder)), problem, remedy)
        self._withdraw(key)
        return recorded(step, place.folder, key, outcome.seconds)

    def _outcome(self, step: BuildStep, place: Workplace, future: Any) -> Outcome:
        with _cluster_errors(step.name):
            while True:
                try:
                    outcome: Outcome = future.result(timeout=WATCH_SECONDS)
                    return outcome
                except TimeoutError:
                    if place.running.stopped:
                        raise KeyboardInterrupt from None
                    if not self.client.nthreads():
                        place.progress("waiting for a worker of the cluster", None)

    def _withdraw(self, key: str) -> None:
        with contextlib.suppress(KeyError, OSError):
            self.client.unsubscribe_topic(_name(key))
            self.client.unpublish_dataset(_name(key))

    def _give_up(self, key: str, future: Any) -> None:
        """End a step that nobody waits for any more: its worker sees that it is not published."""
        self._withdraw(key)
        with contextlib.suppress(OSError):
            future.cancel()


def run_on_worker(step: BuildStep, contents: Contents, asked: str, key: str) -> Outcome:
    """Do a step in a folder of its own, with these files of it; ``asked``: the program of the client (``steps.program``)."""
    if program() != asked:
        problem = "expected the same hlsgen on every worker as here, found another"
        return Outcome({}, 0.0, ("ToolFailed", "--cluster", problem, "Install the same version."))
    running, error = Running(), None
    with TemporaryDirectory(prefix="hlsgen_step_") as name, _watched(key, running) as tell:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(zlib.decompress(content))
        began = time.monotonic()
        try:
            step.work(Workplace(folder, tell, running))
        except HlsgenError as failed:
            where = failed.where.replace(name, PLACE)
            error = (type(failed).__name__, where, failed.problem, failed.remedy)
        seconds = round(time.monotonic() - began, 1)
        new = (path for path in sorted(folder.iterdir()) if path.is_file())
        files = {p.name: zlib.compress(p.read_bytes(), 1) for p in new if p.name not in contents}
        return Outcome(files, seconds, error)


@contextlib.contextmanager
def _watched(key: str, running: Running) -> Iterator[Progress]:
    """The progress of a step for its client; its programs end where nobody waits for it any more."""
    from distributed import get_client, get_worker

    worker, client, over = get_worker(), get_client(), threading.Event()
    last = [0.0]

    def tell(what: str, fraction: float | None = None) -> None:
        if time.monotonic() - last[0] > WATCH_SECONDS / 2:
            last[0] = time.monotonic()
            worker.log_event(_name(key), {"what": what, "fraction": fraction})

    def watch() -> None:
        last_asked = time.monotonic()
        while not over.wait(WATCH_SECONDS):
            with contextlib.suppress(OSError):
                if _name(key) in client.list_datasets():
                    last_asked = time.monotonic()
                elif time.monotonic() - last_asked > GRACE_SECONDS:
                    running.stop()

    watcher = threading.Thread(target=watch, name=_name(key), daemon=True)
    watcher.start()
    try:
        yield tell
    finally:
        over.set()
        watcher.join()


@contextlib.contextmanager
def pool_of(asked: Any) -> Iterator[StepPool]:
    """The cluster of an address (tcp://...), a Client, or a cluster object such as dask_jobqueue's; for None this machine. Raises ToolFailed, BadOption."""
    if asked is None:
        yield LocalCores()
        return
    if importlib.util.find_spec("distributed") is None:
        raise ToolFailed(
            "--cluster",
            "expected the Python package distributed, found none",
            "Install it: pip install 'hlsgen[cluster]'",
        )
    from distributed import Client

    if isinstance(asked, Client):
        yield Cluster(asked)
        return
    try:
        client = Client(asked, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise BadOption(
            "--cluster",
            f"expected the address of a scheduler of dask.distributed, or a cluster of it, found {asked!r:.80} ({error})",
            "Start one with 'dask scheduler' and 'dask worker', and give the address that it prints: --cluster tcp://HOST:8786.",
        ) from None
    try:
        yield Cluster(client)
    finally:
        client.close()


@contextlib.contextmanager
def _cluster_errors(step: str) -> Iterator[None]:
    from concurrent.futures import CancelledError

    from distributed.scheduler import KilledWorker

    try:
        yield
    except (KilledWorker, CancelledError, OSError) as error:
        raise ToolFailed(
            f"--cluster, step {step}",
            f"expected workers that live until it is done, found {type(error).__name__}: {str(error)[:200]}",
            "Look at the logs of the workers (memory?); then run the same command again, which goes on.",
        ) from None


def _name(key: str) -> str:
    """Of a step on the scheduler."""
    return f"hlsgen-{key}"

"""Built simulators, kept in a folder of the user's and shared by all designs of the same Verilog.

The folder is ``$HLSGEN_CACHE``, else ``$XDG_CACHE_HOME/hlsgen``, else ``~/.cache/hlsgen``. One folder in ``simulators`` is one
program, or what all programs of a compiler have in common, named by a key of all that determines it. Those that were used longest ago are deleted where they are more than
``$HLSGEN_CACHE_MB`` together (default 1000). Deleting any of it, or all, is safe while no simulation runs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hlsgen.errors import BadFile, BadOption

WHOLE = "whole.json"
"""Written last: a folder that has it is complete. Its time is that of the last use."""
FOLDER, SIZE = "HLSGEN_CACHE", "HLSGEN_CACHE_MB"
DEFAULT_MEGABYTES = 1000
IN_USE_SECONDS = 600
"""What was used so recently may be about to start, or to be linked: it is not deleted."""
ABANDONED_SECONDS = 24 * 3600
"""A folder that has been unfinished for so long belongs to a process that was killed."""


def cache_folder() -> Path:
    """The folder of the simulators; not created here."""
    if named := os.environ.get(FOLDER):
        return Path(named).absolute() / "simulators"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home).absolute() / "hlsgen" / "simulators"


def cached_file(key: str, name: str, build: Callable[[Path], str]) -> Path:
    """The file of a key; where there is none, ``build`` puts it as ``name`` into the folder given to it.

    ``build`` returns the content of ``whole.json``; what else it leaves there is deleted, and a log ``unfinished_<key>.log`` beside the
    folder stays for a day. Processes that need the same file at the same time build it once. Raises BadFile where the folder cannot be written, BadOption for a size that is not a number, and what
    ``build`` raises.
    """
    limit, folder = _limit(), cache_folder()
    target = folder / key
    if _used(target):
        return target / name
    with _prepared(folder, key) as work:
        if not _used(target):  # by another process, while this one waited
            whole = build(work)
            for path in work.iterdir():
                if path.name != name:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            (work / WHOLE).write_text(whole)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(work, target)
            _shrink(folder, limit, keep=target)
    return target / name


def _limit() -> int:
    """Bytes that all files may take."""
    text = os.environ.get(SIZE, str(DEFAULT_MEGABYTES))
    if not text.isdecimal():
        raise BadOption(
            SIZE, f"expected megabytes, found {text!r}", "Set it to a number, or unset it."
        )
    return int(text) * 1_000_000


def _used(target: Path) -> bool:
    """Whether a folder is complete; notes that it is used now."""
    try:
        os.utime(target / WHOLE)
    except FileNotFoundError:
        return False
    except OSError:
        return (target / WHOLE).exists()  # of another user: it can be read all the same
    return True


@contextmanager
def _prepared(folder: Path, key: str) -> Iterator[Path]:
    """A new folder to build in, while no other process builds the same; gone afterwards."""
    work = folder / f"unfinished_{key}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Locks are few and stay: to delete one while another process waits for it would let two build.
        lock = (folder / f"lock_{key[:2]}").open("w")
    except OSError as error:
        raise _not_writable(folder, error) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(work, ignore_errors=True)
        try:
            work.mkdir()
        except OSError as error:
            raise _not_writable(folder, error) from None
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _not_writable(folder: Path, error: OSError) -> BadFile:
    return BadFile(
        str(folder),
        f"expected a folder for built simulators that can be written, found: {error.strerror}",
        f"Name another folder in the environment variable {FOLDER}.",
    )


def _shrink(folder: Path, limit: int, keep: Path) -> None:
    """Delete what was used longest ago until the rest is within the limit, and what killed processes left."""
    now = time.time()
    programs = []
    for path in folder.iterdir():
        try:
            if path.name.startswith("unfinished_"):
                if now - path.stat().st_mtime > ABANDONED_SECONDS:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            elif path.is_dir():
                size = sum(file.stat().st_size for file in path.iterdir())
                programs.append(((path / WHOLE).stat().st_mtime, size, path))
        except OSError:  # another process deletes it at this moment
            continue
    total = sum(size for _, size, _ in programs)
    for used, size, path in sorted(programs):
        if total <= limit or now - used < IN_USE_SECONDS:
            break
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)
            total -= size

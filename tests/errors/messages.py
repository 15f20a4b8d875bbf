"""What a refusal says and which ``raise`` said it; snapshots as text, one entry a case."""

from __future__ import annotations

import os
import re
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hlsgen import __version__
from hlsgen.errors import HlsgenError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "hlsgen"
SNAPSHOTS = Path(__file__).with_name("snapshots")
Case = Callable[[Path], object]  # is given an empty folder
Line = tuple[str, int]  # file below the repository, line


@dataclass(frozen=True)
class Refusal:
    """``lines``: where the error and those that it was made of left each function of hlsgen."""

    text: str
    lines: frozenset[Line]


def refusal(name: str, case: Case) -> Refusal:
    """What ``case`` raises; fails where it raises nothing, or no error in three lines."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            case(Path(folder))
        except HlsgenError as error:
            assert error.carries_log or len(str(error).splitlines()) == 3, f"{name}: {error}"
            text = f"{type(error).__name__}\n{_plain(str(error), folder)}"
            return Refusal(text, _lines_of(error))
    raise AssertionError(f"{name}: expected an error, found none")


def _plain(text: str, folder: str) -> str:
    """Without what differs from one machine or version to the next."""
    for changing, kept in ((folder, "FOLDER"), (str(ROOT), "REPOSITORY"), (__version__, "VERSION")):
        text = text.replace(changing, kept)
    return re.sub(r"\[ONNXRuntimeError\].*", "what ONNX Runtime says", text)


def _lines_of(error: BaseException) -> frozenset[Line]:
    lines: set[Line] = set()
    chain: list[BaseException] = [error]
    while chain:
        link = chain.pop()
        for frame in traceback.extract_tb(link.__traceback__):
            path = os.path.realpath(frame.filename)
            if path.startswith(f"{PACKAGE}{os.sep}") and frame.lineno is not None:
                lines.add((Path(path).relative_to(ROOT).as_posix(), frame.lineno))
        chain += [cause for cause in (link.__cause__, link.__context__) if cause is not None]
    return frozenset(lines)


def as_text(refusals: Mapping[str, Refusal]) -> str:
    return "\n".join(f"## {name}\n{refusal.text}\n" for name, refusal in refusals.items())


def rows(test: Callable[..., object]) -> list[tuple]:
    """The rows of the innermost table that a test is parametrised with: it has the inputs, the snapshot has the words."""
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert marks and isinstance(marks[0], pytest.Mark)
    return [row if isinstance(row, tuple) else (row,) for row in marks[0].args[1]]

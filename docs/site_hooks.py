"""What MkDocs is told beside ``mkdocs.yml``: the index of error messages, a page that is made of the snapshots of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

SNAPSHOTS = Path(__file__).resolve().parents[1] / "tests" / "errors" / "snapshots"
PAGE = "errors.md"
HEAD = """# Index of errors

Every error is three lines: where it is, what was expected and found, what to do. hlsgen exits with 2 where the input or the machine is wrong.
This page is made of the messages that the tests keep, one of each kind, by the part of hlsgen that says it.
"""


def error_index(snapshots: Path = SNAPSHOTS) -> str:
    """The page: a section for each file of snapshots, an entry for each message."""
    return HEAD + "".join(text for path in sorted(snapshots.glob("*.txt")) for text in _area(path))


def _area(path: Path) -> Iterator[str]:
    yield f"\n## {path.stem.replace('_', ' ').capitalize()}\n"
    for entry in path.read_text("utf-8").split("\n## "):
        title, _, body = entry.strip().removeprefix("## ").partition("\n")
        kind, _, message = body.partition("\n")
        indented = "\n".join(f"    {line}" for line in message.splitlines())
        yield f"\n**{title}** (`{kind}`)\n\n{indented}\n"


def on_files(files: Any, config: Any) -> Any:
    """Called by MkDocs with what it has found in ``docs``."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=error_index()))
    return files

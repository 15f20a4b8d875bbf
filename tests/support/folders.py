"""Compiled folders with something changed in them, as a test needs it."""

from __future__ import annotations

import json
from pathlib import Path

from hlsgen.artefact.digest import sha256


def rehash(directory: Path, *names: str) -> None:
    """Put the hashes of files that were changed into the manifest, as if they had been compiled so."""
    path = directory / "manifest.json"
    fields = json.loads(path.read_text())
    fields["files"] |= {name: sha256((directory / name).read_bytes()) for name in names}
    path.write_text(json.dumps(fields))

"""What the page is made of: the JSON documents of a folder, and its drawings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from hlsgen.artefact.folder import Artefact, Folder
from hlsgen.artefact.manifest import Manifest

DRAWINGS = "mapping*.svg"


@dataclass(frozen=True)
class Documents:
    """``report``: report.json; ``verified`` and ``built``: verify.json and build.json, empty where that was not done;
    ``drawings``: name -> SVG."""

    manifest: Manifest
    report: Mapping[str, Any]
    verified: Mapping[str, Any] = field(default_factory=dict)
    built: Mapping[str, Any] = field(default_factory=dict)
    drawings: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def layers(self) -> list[Mapping[str, Any]]:
        """The layers of a network."""
        return list(self.report.get("layers", ()))


def documents_of_artefact(artefact: Artefact) -> Documents:
    """Of a design that is not written yet."""
    return Documents(
        artefact.listed(),
        artefact.report.as_json(),
        drawings={n: c for n, c in artefact.files.items() if fnmatch(n, DRAWINGS)},
    )


def documents_of(folder: Folder) -> Documents:
    """Of a design on disk. Raises BadFile where a drawing is not the one that was compiled."""
    drawings = {n: folder.read(n) for n in folder.manifest.files if fnmatch(n, DRAWINGS)}
    verified, built = (_document(folder, name) for name in ("verify.json", "build.json"))
    if verified.get("verilog_sha256") != folder.manifest.verilog_sha256:
        verified = {}  # of another design
    return Documents(folder.manifest, folder.report(), verified, built, drawings)


def _document(folder: Folder, name: str) -> Mapping[str, Any]:
    """Empty where there is none."""
    try:
        content = json.loads((folder.directory / name).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}

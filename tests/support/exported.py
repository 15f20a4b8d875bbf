"""Small designs, exported."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from hlsgen import flow
from hlsgen.flow_export import export
from support.source_tree import ROOT

SOURCES = {
    "digits": (ROOT / "examples" / "digits" / "digits.onnx", {"board": "icebreaker"}),
    "fir": (f"{ROOT / 'examples' / 'kernels' / 'fir.py'}:fir", {}),
}


@functools.cache
def compiled(name: str) -> Path:
    """The folder of a design, compiled once."""
    source, options = SOURCES[name]
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_exported_"))
    return flow.compile(source, **options, output=folder / name).directory  # type: ignore[arg-type]


@functools.cache
def exported(name: str, format: str) -> Path:
    """Its export."""
    return export(compiled(name), format)

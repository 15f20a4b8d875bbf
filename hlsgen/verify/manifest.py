"""``manifest.json``: what a compiled design's ports carry, read back with every field checked."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.algebra.types import ElementType
from hlsgen.errors import BadFile, HlsgenError


@dataclass(frozen=True)
class Port:
    """An AXI4-Stream port. ``tensor.transpose(axes)`` of shape ``stream_shape`` is sent in row-major order, ``lanes``
    neighbouring elements per word; the last word of a pixel may be partly filled."""

    axis: str
    value: str
    channel: str
    tensor_shape: tuple[int, ...]
    axes: tuple[int, ...]
    stream_shape: tuple[int, int, int]
    element: ElementType
    lanes: int
    words: int

    @property
    def element_bytes(self) -> int:
        """Bytes that an element takes in a word."""
        return -(-self.element.bits // 8)

    @property
    def word_bytes(self) -> int:
        return self.lanes * self.element_bytes


@dataclass(frozen=True)
class ProcessPoint:
    """Where the output of a process can be recorded: port ``o`` of ``instance``; words of ``lanes`` elements."""

    name: str
    instance: str
    channel: str
    lanes: int


@dataclass(frozen=True)
class Manifest:
    """``schedule``: stream, or grid (then ``verify/grid.py`` reads the rest of the file)."""

    top: str
    clock: str
    reset: str
    board: str | None
    verilog_sha256: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    processes: tuple[ProcessPoint, ...]
    predicted_interval_cycles: int
    predicted_latency_cycles: int
    schedule: str = "stream"


def load_manifest(directory: Path) -> Manifest:
    """Read DIR/manifest.json and check it against this hlsgen and DIR/design.v; raises BadFile."""
    if not directory.is_dir():
        raise BadFile(
            str(directory),
            "expected a folder that 'hlsgen compile' wrote, found none",
            "Compile the model first: hlsgen compile MODEL.onnx -o DIR.",
        )
    path = directory / "manifest.json"
    try:
        fields = json.loads(path.read_text())
        if not isinstance(fields, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        raise stale(path, "expected the manifest of a compiled design, found no file") from None
    except (OSError, ValueError) as error:
        raise stale(path, f"expected JSON, found {error}") from None
    _check_version(path, fields)
    if "fabric" in fields and "inputs" not in fields:
        raise BadFile(
            str(directory),
            f"expected a network or a kernel, found only the fabric {fields['fabric']}",
            "Map a kernel to it (hlsgen map) or compile a network for it (--schedule grid).",
        )
    try:
        manifest = _parse(fields)
    except (KeyError, TypeError, ValueError, HlsgenError) as error:
        raise stale(path, f"expected a complete manifest, found {error!r}") from None
    _check_verilog(directory / "design.v", manifest.verilog_sha256)
    return manifest


def _check_version(path: Path, fields: Mapping[str, Any]) -> None:
    from hlsgen import __version__

    if fields.get("hlsgen") != __version__:
        raise stale(
            path, f"expected a design of hlsgen {__version__}, found one of {fields.get('hlsgen')}"
        )


def _check_verilog(path: Path, expected: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise stale(path, f"expected the design's Verilog, found {error}") from None
    if found != expected:
        raise stale(
            path, f"expected sha256 {expected[:16]}... of the manifest, found {found[:16]}..."
        )


def _parse(fields: Mapping[str, Any]) -> Manifest:
    return Manifest(
        top=str(fields["top"]),
        clock=str(fields["clock"]),
        reset=str(fields["reset"]),
        board=fields["board"],
        verilog_sha256=str(fields["verilog_sha256"]),
        inputs=tuple(map(_port, fields["inputs"])),
        outputs=tuple(map(_port, fields["outputs"])),
        processes=tuple(
            ProcessPoint(p["name"], p["instance"], p["channel"], int(p["lanes"]))
            for p in fields["processes"]
        ),
        predicted_interval_cycles=int(fields["predicted_interval_cycles"]),
        predicted_latency_cycles=int(fields["predicted_latency_cycles"]),
        schedule=str(fields.get("schedule", "stream")),
    )


def _port(fields: Mapping[str, Any]) -> Port:
    height, width, channels = map(int, fields["stream_shape"])
    port = Port(
        axis=str(fields["axis"]),
        value=str(fields["value"]),
        channel=str(fields["channel"]),
        tensor_shape=tuple(map(int, fields["tensor_shape"])),
        axes=tuple(map(int, fields["axes"])),
        stream_shape=(height, width, channels),
        element=ElementType.parse(fields["element"]),
        lanes=int(fields["lanes"]),
        words=int(fields["words"]),
    )
    if sorted(port.axes) != list(range(len(port.tensor_shape))):
        raise ValueError(f"axes {port.axes} are no permutation of those of {port.tensor_shape}")
    if math.prod(port.tensor_shape) != math.prod(port.stream_shape):
        raise ValueError(f"shapes {port.tensor_shape} and {port.stream_shape} differ in size")
    if port.lanes < 1 or port.words != height * width * -(-channels // port.lanes):
        raise ValueError(f"{port.words} words of {port.lanes} lanes for shape {port.stream_shape}")
    return port


def stale(path: Path, problem: str) -> BadFile:
    """A file of a compiled folder that is missing, broken or of another compilation."""
    return BadFile(str(path), problem, "Compile the model again with 'hlsgen compile'.")

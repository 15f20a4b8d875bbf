"""``manifest.json``: what a simulator, a board or a user must know of a compiled design."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hlsgen.artefact.declared import Declared
from hlsgen.artefact.port import Port, ProcessPoint

DESIGN = "design.v"
TOP = "hlsgen_top"
"""The name of a design that nobody named."""


@dataclass(frozen=True)
class Manifest:
    """``kind`` names the target that compiled the design and that can run it; ``details`` (a JSON object) are that target's own.

    ``interval_cycles``, ``latency_cycles``: as predicted; None for a fabric alone. ``declared``: of networks, one per output.
    ``made_by``: the ``command`` that compiles it again, and the ``versions`` of what it was compiled with, by name.
    ``files``: name -> SHA-256 of every file that belongs to the design, filled in when the folder is written.
    """

    kind: str
    top: str = TOP
    clock: str = "clk"
    reset: str = "rst"
    board: str | None = None
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    processes: tuple[ProcessPoint, ...] = ()
    interval_cycles: int | None = None
    latency_cycles: int | None = None
    declared: tuple[Declared, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    made_by: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def verilog_sha256(self) -> str:
        """The hash of the design's Verilog."""
        return self.files[DESIGN]

    def to_text(self) -> str:
        """The content of manifest.json."""
        from hlsgen import __version__

        fields = {
            "hlsgen": __version__,
            "kind": self.kind,
            "top": self.top,
            "clock": self.clock,
            "reset": self.reset,
            "board": self.board,
            "inputs": [port.as_json() for port in self.inputs],
            "outputs": [port.as_json() for port in self.outputs],
            "processes": [asdict(point) for point in self.processes],
            "interval_cycles": self.interval_cycles,
            "latency_cycles": self.latency_cycles,
            "declared": [entry.as_json() for entry in self.declared],
            "details": dict(self.details),
            "made_by": dict(self.made_by),
            "files": dict(self.files),
        }
        return json.dumps(fields, indent=1) + "\n"

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Manifest:
        """The value of a manifest's JSON object; raises KeyError, TypeError, ValueError, HlsgenError."""
        names = {name: str(fields[name]) for name in ("kind", "top", "clock", "reset")}
        files = {str(name): str(digest) for name, digest in fields["files"].items()}
        if DESIGN not in files:
            raise ValueError(f"no hash of {DESIGN}")
        for name in ("details", "made_by"):
            if not isinstance(fields[name], Mapping):
                raise TypeError(f"{name}: not an object")
        return cls(
            **names,
            board=fields["board"],
            inputs=tuple(map(Port.from_json, fields["inputs"])),
            outputs=tuple(map(Port.from_json, fields["outputs"])),
            processes=tuple(
                ProcessPoint(p["name"], p["instance"], p["channel"], int(p["lanes"]))
                for p in fields["processes"]
            ),
            interval_cycles=_cycles(fields["interval_cycles"]),
            latency_cycles=_cycles(fields["latency_cycles"]),
            declared=tuple(map(Declared.from_json, fields["declared"])),
            details=fields["details"],
            made_by=fields["made_by"],
            files=files,
        )


def _cycles(number: Any) -> int | None:
    return None if number is None else int(number)

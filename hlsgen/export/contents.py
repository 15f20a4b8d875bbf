"""What the templates of an exported folder are filled with, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from hlsgen import __version__
from hlsgen.algebra.registers import (
    CONTROL,
    SIGNATURE,
    VERSION,
    WORD_BYTES,
    RegisterAccess,
    address_bits,
    field_name,
)
from hlsgen.artefact.folder import Folder
from hlsgen.artefact.parameter_port import PARAMETERS, has_parameter_port
from hlsgen.artefact.port import Port
from hlsgen.rtl.system_top import (
    BUS,
    CLOCK,
    INTERRUPT,
    RESET,
    bus_ports,
    controlled_ports,
    design_words,
    stream_parts,
    system_ports,
)

TEMPLATES = Path(__file__).with_name("templates")
DEFAULT_MHZ = 100.0
"""Of the constraints, where the report names no clock."""


@dataclass(frozen=True)
class Contents:
    """``name``: the design's module; ``top``: the one with registers; ``controlled``: the one with signals in their place."""

    folder: Folder
    name: str
    top: str
    controlled: str
    files: tuple[str, ...] = ()
    """Of the folder, relative to it: known once all others are written."""
    rtl: str = 'HERE.parent / "rtl"'
    """Where the bench finds the Verilog, as its runner writes it."""
    samples: int = 0
    """Of the bench."""

    @property
    def clock_mhz(self) -> float:
        """What the design was planned for."""
        clock = self.folder.report().get("clock_mhz")
        return float(clock) if isinstance(clock, int | float) and clock > 0 else DEFAULT_MHZ

    def values(self) -> dict[str, Any]:
        """Every name that a template may use."""
        manifest = self.folder.manifest
        low, high = design_words(manifest)
        return {
            "hlsgen_version": __version__,
            "name": self.name,
            "top": self.top,
            "controlled": self.controlled,
            "macro": self.top.upper(),
            "bus": BUS,
            "clock": CLOCK,
            "reset": RESET,
            "interrupt": INTERRUPT,
            "clock_mhz": self.clock_mhz,
            "period_ns": round(1000 / self.clock_mhz, 3),
            "inputs": [_stream(port) for port in manifest.inputs],
            "outputs": [_stream(port) for port in manifest.outputs],
            "parameters": PARAMETERS if has_parameter_port(manifest) else None,
            "ports": system_ports(manifest),
            "bus_ports": bus_ports(),
            "class_name": "".join(part.capitalize() for part in self.top.split("_")),
            "controlled_ports": controlled_ports(manifest),
            "layers": manifest.processes,
            "interval_cycles": manifest.interval_cycles,
            "latency_cycles": manifest.latency_cycles,
            "registers": CONTROL,
            "address_bits": address_bits(CONTROL),
            "word_bytes": WORD_BYTES,
            "field_name": field_name,
            "RegisterAccess": RegisterAccess,
            "signature": SIGNATURE,
            "registers_version": VERSION,
            "design_low": low,
            "design_high": high,
            "files": self.files,
            "rtl": self.rtl,
            "samples": self.samples,
        }


def _stream(port: Port) -> dict[str, Any]:
    """A stream, for a template."""
    return {
        "axis": port.axis,
        "value": port.value,
        "shape": list(port.tensor_shape),
        "axes": list(port.axes),
        "element": str(port.element),
        "lanes": port.lanes,
        "words": port.words,
        "bits": 8 * port.word_bytes,
        "bytes": port.word_bytes,
        "parts": stream_parts(port),
    }


def rendered(template: str, contents: Contents, more: Mapping[str, Any]) -> str:
    """A file of the folder ``templates``, filled in with the values of ``contents`` and ``more``."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=template.endswith(".xml.j2"),
    )
    environment.filters["hex"] = lambda number, digits=8: f"0x{number:0{digits}X}"
    return environment.get_template(template).render({**contents.values(), **more})

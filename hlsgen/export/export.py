"""The folder that a tool takes: the design's Verilog, its registers, software, constraints, a bench, and what the tool wants besides; and the bench alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from hlsgen.artefact.folder import Folder
from hlsgen.artefact.port import Port
from hlsgen.errors import BadOption
from hlsgen.export.contents import Contents, rendered
from hlsgen.progress import Progress
from hlsgen.rtl.system_top import system_verilog
from hlsgen.verify.reference import Reference, Samples
from hlsgen.verify.words import pack

COMMON = {
    "README.md": "README.md.j2",
    "constraints/{top}.sdc": "clock.sdc.j2",
    "constraints/{top}.xdc": "clock.xdc.j2",
    "software/{top}.h": "driver.h.j2",
    "software/{top}.c": "driver.c.j2",
}
"""File -> template, of every format; besides BENCH."""
BENCH = {
    "test_{top}.py": "test_bench.py.j2",
    "bench.py": "bench.py.j2",
    "run.py": "run.py.j2",
    "requirements.txt": "requirements.txt.j2",
    "Makefile": "Makefile.j2",
}
"""The same of a bench, which is a folder of its own or ``bench/`` of an export."""
SAMPLES = "samples.json"
FORMATS: Mapping[str, Mapping[str, str]] = {
    "verilog": {},
    "litex": {"{top}.py": "litex_module.py.j2"},
    "ipxact": {"component.xml": "component.xml.j2"},
    "vivado": {"package_ip.tcl": "package_ip.tcl.j2"},
    "fusesoc": {"{top}.core": "fusesoc.core.j2"},
}
"""Format -> the files that it has besides; ``{top}`` and ``{controlled}`` stand for the modules."""


@dataclass(frozen=True)
class Stimulus:
    """Words of the samples of the bench, hexadecimal, by prefix of the port: one list for each sample."""

    inputs: Mapping[str, list[list[str]]]
    outputs: Mapping[str, list[list[str]]]

    def text(self) -> str:
        """The content of SAMPLES."""
        return json.dumps({"inputs": self.inputs, "outputs": self.outputs}) + "\n"

    @property
    def count(self) -> int:
        """Samples."""
        return len(next(iter(self.outputs.values())))


def check_format(asked: str) -> None:
    """Raise BadOption for a format that there is not."""
    if asked not in FORMATS:
        raise BadOption(
            "--as",
            f"expected one of {', '.join(FORMATS)}; found {asked!r}",
            "Choose a format of this list.",
        )


def files_of(
    folder: Folder,
    format: str,
    flags: tuple[str, ...],
    stimulus: Stimulus,
    progress: Progress,
) -> dict[str, bytes]:
    """Relative name -> content of all files of an exported folder; ``flags``: outputs beside the streams. Raises BadFile, ToolFailed."""
    contents, files = _verilog(folder, flags, progress)
    if format == "litex":  # whose own bus the registers are on
        controlled = system_verilog(folder.manifest, flags, contents.controlled, registers=False)
        files[f"rtl/{contents.controlled}.v"] = controlled.encode()
    bench = {f"bench/{file}": template for file, template in BENCH.items()}
    files[f"bench/{SAMPLES}"] = stimulus.text().encode()
    return filled(files, {**COMMON, **bench, **FORMATS[format]}, contents)


def bench_files_of(
    folder: Folder, flags: tuple[str, ...], stimulus: Stimulus, progress: Progress
) -> dict[str, bytes]:
    """The same, of the bench as a folder of its own, with the Verilog that it simulates. Raises BadFile, ToolFailed."""
    contents, files = _verilog(folder, flags, progress)
    contents = replace(contents, rtl='HERE / "rtl"', samples=stimulus.count)
    files[SAMPLES] = stimulus.text().encode()
    return filled(files, {**BENCH, "README.md": "bench_README.md.j2"}, contents)


def _verilog(
    folder: Folder, flags: tuple[str, ...], progress: Progress
) -> tuple[Contents, dict[str, bytes]]:
    """What templates are filled with, and the design below its registers, each a file."""
    name = folder.manifest.top
    contents = Contents(folder, name, f"{name}_axi", f"{name}_controlled")
    progress("writing the Verilog of the registers", None)
    files = {
        f"rtl/{name}.v": folder.read("design.v"),
        f"rtl/{contents.top}.v": system_verilog(folder.manifest, flags, contents.top).encode(),
    }
    return contents, files


def filled(
    files: Mapping[str, bytes],
    templates: Mapping[str, str],
    contents: Contents,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, bytes]:
    """The files, and those of the templates; ``more``: names that these use besides ``contents``."""
    named = dict(_named(templates, contents))
    contents = replace(contents, files=tuple(sorted({*files, *named})))
    filled = {file: rendered(template, contents, more).encode() for file, template in named.items()}
    return {**files, **filled}


def _named(templates: Mapping[str, str], contents: Contents) -> Iterator[tuple[str, str]]:
    for file, template in templates.items():
        yield file.format(top=contents.top, controlled=contents.controlled), template


def stimulus(folder: Folder, reference: Reference, samples: Samples) -> Stimulus:
    """What enters the circuit, and what has to leave it."""
    manifest = folder.manifest
    answers = reference.integers(samples)
    return Stimulus(
        {port.axis: _words(port, samples.hardware[port.value]) for port in manifest.inputs},
        {port.axis: _words(port, answers[port.value]) for port in manifest.outputs},
    )


def _words(port: Port, values: np.ndarray) -> list[list[str]]:
    """(samples, *shape) integers as words, one list for each sample."""
    raw = pack(port, np.asarray(values).astype(np.int64))
    words = np.frombuffer(raw, np.uint8).reshape((len(values), port.words, port.word_bytes))
    return [[bytes(word[::-1]).hex() for word in sample] for sample in words]

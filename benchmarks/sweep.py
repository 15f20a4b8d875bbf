"""50 designs of all sizes through synthesis: how many fail. Row ``sweep`` of the benchmarks, one record a family.

A record is written after each design, and a design is not synthesised again while its Verilog is that of the record: the row can be
interrupted. No design is left out because it is slow: small ones come first.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hlsgen
from benchmarks.models import DIGITS, ROOT, Sources
from benchmarks.record import Record, records
from benchmarks.rows import Row
from hlsgen.artefact.manifest import DESIGN
from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob, notes_of
from hlsgen.errors import DoesNotFit, HlsgenError, ToolFailed
from hlsgen.processes import Running
from hlsgen.progress import silent

ROW = "sweep"
BOARDS = {
    "ecp5": "ulx3s_85f",
    "ice40": "icebreaker",
    "gowin": "tang_nano_20k",
    "xilinx7": "pynq_z2",
}
LARGEST = "ulx3s_85f"
"""For which a design is made that does not fit the board of its family: synthesis does not mind."""
KERNELS = tuple(path.stem for path in sorted((ROOT / "examples" / "kernels").glob("*.py")))
DIGITS_INTERVALS = (125_000, 25_000, 12_500, 5000, 2500, 1250, 625)
DIGITS_DSP = (None, 0)
"""As the solver likes, and with LUT multipliers alone."""
EFFORTS = ("small", "balanced", "max")
OTHERS = (
    ("tflm_sine_int8", "small"),
    ("tflm_sine_int8", "max"),
    ("tm_mnist_arduino_int8", "small"),
    ("tm_mnist_arduino_int8", "balanced"),
    ("tm_mnist_valid_int8", "small"),
    ("lenet300_mnist_int8", "small"),
    ("ad_fcae_int8", "small"),
    ("kws_dscnn_int8", "small"),
    ("kws_dscnn_int8", "balanced"),
    ("ic_resnet8_int8", "small"),
    ("vww_mbv1_int8", "small"),
    ("ic_resnet8_int8", "max"),
)


@dataclass(frozen=True)
class Design:
    """A design of the sweep: a network or kernel and the options of ``hlsgen.compile``."""

    name: str
    source: str
    options: Mapping[str, Any]


def designs() -> Iterator[Design]:
    """The designs, small ones first; those of networks by others need their files."""
    for kernel in KERNELS:
        yield Design(kernel, f"{ROOT / 'examples' / 'kernels' / kernel}.py:{kernel}", {})
    digits = str(DIGITS / "digits.onnx")
    for dsp in DIGITS_DSP:
        label = "digits" if dsp is None else f"digits, {dsp} DSP"
        limit = {} if dsp is None else {"dsp": dsp}
        for interval in DIGITS_INTERVALS:
            yield Design(f"{label}, {interval} cycles", digits, limit | {"interval": interval})
        for effort in EFFORTS:
            yield Design(f"{label}, {effort}", digits, limit | {"effort": effort})
    for network, effort in OTHERS:
        yield Design(f"{network}, {effort}", network, {"effort": effort})


def _sweep(family: str, sources: Sources, work: Path) -> Record:
    """Every design of the list; a failed one is kept with its reason."""
    done = {
        k: v
        for record in records(ROW)
        if record.design == family
        for k, v in record.values["designs"].items()
    }
    for design in designs():
        try:
            entry = _synthesised(design, family, sources, work, done.get(design.name))
        except HlsgenError as reason:  # no file of it here, or it does not compile
            print(f"  {design.name}: left out: {reason}".replace("\n", " "), flush=True)
            continue
        done[design.name] = entry
        _record(family, done).write()
        print(f"  {design.name}: {entry.get('failure') or entry['lut']}", flush=True)
    return _record(family, done)


def _record(family: str, done: Mapping[str, Any]) -> Record:
    values = {
        "designs": dict(done),
        "synthesised": sum("failure" not in entry for entry in done.values()),
        "failures": sum("failure" in entry for entry in done.values()),
        "by_abc": sum(bool(entry.get("notes")) for entry in done.values()),
    }
    return Record(ROW, family, f"python -m benchmarks.run {ROW} {family}", {}, values)


def _synthesised(
    design: Design, family: str, sources: Sources, work: Path, known: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The entry of one design: its resources and seconds, or why it failed."""
    compiled = _compiled(design, family, sources, work)
    verilog = (compiled.directory / DESIGN).read_bytes()
    digest = hashlib.sha256(verilog).hexdigest()
    if known is not None and known["sha256"] == digest and "failure" not in known:
        return known
    entry: dict[str, Any] = {"sha256": digest, "predicted_lut": compiled.report.get("lut")}
    began = time.perf_counter()
    with TemporaryDirectory(prefix="hlsgen_sweep_") as folder:
        (Path(folder) / DESIGN).write_bytes(verilog)
        place = Workplace(Path(folder), silent, Running())
        job = SynthesisJob((DESIGN,), compiled.manifest.top)
        try:
            usage = synthesised(TOOLCHAINS[family], place, job)
        except ToolFailed as error:
            return entry | {"failure": str(error)}
        entry |= {"lut": usage.lut, "ff": usage.ff, "dsp": usage.dsp, "bram": usage.bram}
        entry["notes"] = list(notes_of(place.folder))
    return entry | {"seconds": round(time.perf_counter() - began, 1)}


def _compiled(design: Design, family: str, sources: Sources, work: Path) -> hlsgen.Compiled:
    """Compiled for the family's board where it fits there."""
    source = design.source
    if "/" not in source:
        source = str(sources.model(source))
    output = work / ROW / family / design.name.replace(",", "").replace(" ", "_")
    if ".py:" in source:
        return hlsgen.compile(source, schedule="stream", output=output)
    try:
        return hlsgen.compile(source, board=BOARDS[family], output=output, **design.options)
    except DoesNotFit:
        return hlsgen.compile(source, board=LARGEST, output=output, **design.options)


sweep = Row(tuple(BOARDS), _sweep)

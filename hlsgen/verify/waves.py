"""Waves of a run: an FST or VCD file of every signal, and how GTKWave is to show it, layer by layer."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from hlsgen.artefact.folder import Folder, write_whole
from hlsgen.artefact.manifest import DESIGN, Manifest
from hlsgen.errors import BadFile, BadOption, ToolFailed
from hlsgen.progress import Progress
from hlsgen.verify.run import Failure, Request, Runner, TraceRequest
from hlsgen.verify.simulators import Simulator, find_simulator

FORMATS = (".fst", ".vcd")
SAMPLES = 2
"""In a file of waves: the first ones, or the wrong one and the one before it."""
MISMATCH = "mismatch"
"""Name of the file of a mismatch in the folder of the design, without its end."""
MOST = 5e10
"""Bytes of Verilog x predicted cycles, up to which waves are written unasked: beyond them files and simulations are large."""
FABRIC_STREAMS = ("s_axis_load", "m_axis_unload", "s_axis_stream", "m_axis_stream")
FABRIC_STATUS = ("busy", "enabled", "refused")
"""Ports that every fabric has some of, beside the streams of samples of other designs."""
_PORT = re.compile(r"^  (?:input|output)(?: reg)? (\[\d+:\d+\] )?(\\\S+ |[\w$]+);", re.MULTILINE)


def check_waves(path: Path, has_waves: bool, engine: str) -> None:
    """Raise BadOption for a file of another kind, and for designs and engines that have no waves."""
    if path.suffix not in FORMATS:
        raise BadOption(
            "--waves",
            f"expected a file that ends in {' or '.join(FORMATS)}, found {path.name}",
            "Name it so.",
        )
    if not has_waves or engine == "board":
        where = "one on a board" if engine == "board" else "a fabric alone"
        raise BadOption(
            "--waves",
            f"expected a network or kernel in a simulator, found {where}",
            "Leave --waves out.",
        )


def write_waves(
    folder: Folder,
    runner: Runner,
    inputs: Mapping[str, np.ndarray],
    request: Request,
    failure: Failure | None,
    path: Path,
    progress: Progress,
) -> tuple[Path, Path]:
    """Simulate a few samples (value name -> (samples, *tensor_shape)) with all signals written to ``path``; that file, and GTKWave's beside it.

    Under the stalls of the request: the first samples; of a ``failure``, under its stalls, the wrong sample and the one before it (with states: all before it).
    Raises BadFile, ToolFailed.
    """
    first, last = (0, SAMPLES) if failure is None else _window(folder, failure)
    given = inputs if failure is None else failure.inputs
    few = {name: array[first:last] for name, array in given.items()}
    count = min((len(array) for array in few.values()), default=SAMPLES)
    stalls = request.stalls if failure is None else failure.stalls
    manifest = folder.manifest
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    except OSError as error:
        problem = f"expected a file that can be written, found: {error.strerror}"
        raise BadFile(str(path), problem, "Name another file with --waves.") from None
    progress("building a simulator that writes waves", None)
    simulator = find_simulator()
    if path.suffix == ".fst":
        _check_fst(simulator)
    asked = TraceRequest(few, count, (stalls, request.seed), path.resolve())
    runner.trace(folder, asked, progress)
    viewer = path.with_suffix(".gtkw")
    root = _root_scope(path) if path.suffix == ".vcd" else ""
    write_whole(viewer, gtkwave_text(folder.read_text(DESIGN), manifest, path.name, root))
    return path, viewer


def forget_mismatch(folder: Folder) -> None:
    """Remove the waves of an earlier mismatch: what stands in a folder is of its last verification."""
    for end in (".fst", ".vcd", ".gtkw"):
        path = folder.directory / f"{MISMATCH}{end}"
        if path.is_file():
            path.unlink()


def waves_of_mismatch(
    folder: Folder, runner: Runner, request: Request, failure: Failure, progress: Progress
) -> str:
    """A sentence: where the waves of the first wrong sample and the one before it are, which nobody asked for, or why there are none."""
    manifest = folder.manifest
    cycles = SAMPLES * ((manifest.interval_cycles or 0) + (manifest.latency_cycles or 0))
    if len(folder.read(DESIGN)) * cycles > MOST:
        return "waves: not written unasked of so large a design; --waves FILE.fst writes them"
    try:
        _check_fst(find_simulator())
        end = ".fst"
    except ToolFailed:
        end = ".vcd"
    try:
        path = folder.directory / f"{MISMATCH}{end}"
        write_waves(folder, runner, {}, request, failure, path, progress)
    except (BadFile, ToolFailed) as error:  # the mismatch is what has to be told
        return f"waves: not written: {error.problem}"
    first, last = _window(folder, failure)
    what = f"sample {first}" if last == first + 1 else f"samples {first} to {last - 1}"
    return f"waves: {path} ({what}); gtkwave {path.name} {MISMATCH}.gtkw"


def _window(folder: Folder, failure: Failure) -> tuple[int, int]:
    """The first sample of the waves of a failure, and the one behind the last; a state needs all samples before."""
    last = failure.first_sample + 1
    return 0 if folder.manifest.details.get("states") else max(0, last - SAMPLES), last


def _check_fst(simulator: Simulator) -> None:
    """Raise ToolFailed where the libraries are missing with which Verilator writes FST files."""
    command = [*simulator.compiler.split(), "-E", "-x", "c++", "-"]
    headers = b"#include <lz4.h>\n#include <zlib.h>\n"
    done = subprocess.run(command, input=headers, capture_output=True, check=False)
    if done.returncode:
        raise ToolFailed(
            "--waves",
            "expected the headers lz4.h and zlib.h, with which Verilator writes FST files; found not both",
            "Install liblz4-dev and zlib1g-dev of your system, or name a file that ends in .vcd.",
        )


def _root_scope(path: Path) -> str:
    """What some versions of Verilator put around the top module of a VCD file."""
    with path.open(errors="replace") as lines:
        for line in lines:
            if "$scope module TOP " in line:
                return "TOP."
            if "$enddefinitions" in line:
                break
    return ""


def gtkwave_text(verilog: str, manifest: Manifest, waves: str, root: str = "") -> str:
    """GTKWave's file for ``waves``, whose top module is in the scope ``root``: clock and reset, then a group for the ports and one for every layer, whose ports are the streams in and out."""
    lines = [f'[dumpfile] "{waves}"', "@28"]
    top = f"{root}{manifest.top}"
    lines += [f"{top}.{manifest.clock}", f"{top}.{manifest.reset}"]
    ports = dict(_ports(verilog, manifest.top))
    axes = [port.axis for port in (*manifest.inputs, *manifest.outputs)]
    axes += [axis for axis in FABRIC_STREAMS if f"{axis}_tvalid" in ports]
    shown = [name for name in ports if any(name.startswith(f"{axis}_t") for axis in axes)]
    shown += [name for name in FABRIC_STATUS if name in ports]
    lines += _group("ports", [f"{top}.{name}{ports[name]}" for name in shown])
    for point in manifest.processes:
        module = _module_of(verilog, manifest.top, point.instance)
        own = [
            f"{top}.{point.instance}.{name}{bits}"
            for name, bits in (_ports(verilog, module) if module else ())
            if name not in (manifest.clock, manifest.reset)
        ]
        lines += _group(point.name, own)
    return "\n".join([*lines, ""])


def _group(name: str, signals: list[str]) -> Iterator[str]:
    """A group that can be folded."""
    yield from ("@800200", f"-{name}")
    for signal in signals:
        yield from ("@22" if signal.endswith("]") else "@28", signal)
    yield from ("@1000200", f"-{name}")


def _ports(verilog: str, module: str) -> Iterator[tuple[str, str]]:
    """(name, "[high:low]" or nothing) of the ports of a module."""
    text = re.search(
        rf"^module (?:\\)?{re.escape(module)} ?\(.*?^endmodule", verilog, re.MULTILINE | re.DOTALL
    )
    for port in _PORT.finditer(text[0] if text else ""):
        yield port[2].strip().removeprefix("\\"), (port[1] or "").strip()


def _module_of(verilog: str, top: str, instance: str) -> str | None:
    """The module of an instance in the top."""
    body = re.search(
        rf"^module (?:\\)?{re.escape(top)} ?\(.*?^endmodule", verilog, re.MULTILINE | re.DOTALL
    )
    match = re.search(
        rf"^  (?:\\)?(\S+) +(?:\\)?{re.escape(instance)} +\(\$?",
        body[0] if body else "",
        re.MULTILINE,
    )
    return match[1] if match else None

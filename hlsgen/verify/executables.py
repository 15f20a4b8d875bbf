"""Building a simulator of a design: Verilator and make, in a folder that is kept under a key of all that went in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hlsgen import sim
from hlsgen.errors import BadFile
from hlsgen.verify.manifest import Manifest, Port
from hlsgen.verify.probes import OutputSignals
from hlsgen.verify.simulators import Simulator, run_tool

ENGINES = ("cocotb", "fast")
PROGRAM = "simulator"
STAMP = "whole.json"


@dataclass(frozen=True)
class Bench:
    """What is built around a design's Verilog: ``sources`` are files by name, ``arguments`` are Verilator's."""

    name: str
    top: str
    verilog_sha256: str
    arguments: tuple[str, ...]
    sources: Mapping[str, str]


def build_executable(
    directory: Path,
    manifest: Manifest,
    simulator: Simulator,
    engine: str,
    probes: Sequence[OutputSignals] = (),
) -> Path:
    """The program that simulates DIR/design.v under an engine; ``probes`` are signals inside that the bench can see (cocotb only).

    Raises ToolFailed, BadFile.
    """
    if engine == "fast":
        main = Path(sim.__file__).parent / "fast_main.cpp"
        sources = {"main.cpp": main.read_text(), "ports.h": _ports_header(manifest)}
        arguments: tuple[str, ...] = (*_arguments(manifest.top), "main.cpp")
    else:
        shown = [manifest.clock, manifest.reset]
        for port in (*manifest.inputs, *manifest.outputs):
            shown += [f"{port.axis}_t{part}" for part in ("data", "valid", "ready", "last")]
        sources = {"visible.vlt": visible_signals(manifest.top, shown, probes)}
        arguments = cocotb_arguments(manifest.top)
    name = f"verify_{engine}{'_probes' if probes else ''}"
    bench = Bench(name, manifest.top, manifest.verilog_sha256, arguments, sources)
    return build_bench(directory, bench, simulator)


def build_bench(directory: Path, bench: Bench, simulator: Simulator) -> Path:
    """The program that simulates DIR/design.v in a bench, built unless a whole build of the same text exists.

    The folder is built aside and renamed when it is whole. Raises ToolFailed, BadFile.
    """
    key = _key(bench, simulator)
    cache = directory / "build"
    target = cache / f"{bench.name}_{key[:16]}"
    if (target / STAMP).exists():
        return target / PROGRAM
    try:
        cache.mkdir(exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="unfinished_", dir=cache))
    except OSError as error:
        raise BadFile(
            str(cache), f"expected a folder that can be written, found {error}", "Copy the design."
        ) from None
    try:
        _build(work, directory, bench, simulator)
        (work / STAMP).write_text(json.dumps({"key": key, "verilator": simulator.version}))
        _publish(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target / PROGRAM


def _publish(work: Path, target: Path) -> None:
    """Rename a whole build to its name; another process may have done the same before."""
    try:
        os.replace(work, target)
    except OSError:
        if not (target / STAMP).exists():
            shutil.rmtree(target, ignore_errors=True)
            os.replace(work, target)


def _build(work: Path, directory: Path, bench: Bench, simulator: Simulator) -> None:
    for name, text in bench.sources.items():
        (work / name).write_text(text)
    verilog = (directory / "design.v").resolve()
    where = f"{directory}: simulator of {bench.top}"
    command = [str(simulator.verilator), *bench.arguments, "-Mdir", ".", str(verilog)]
    run_tool(command, where, work / "verilator.log", work, simulator.environment)
    # Above -O1 the compiler takes half as long again and the simulation runs no faster.
    flags = ["OPT_FAST=-O1", "OPT_GLOBAL=-O1", "OPT_SLOW=-O0"]
    command = [simulator.make, "-j", "2", "-f", "Vtop.mk", *simulator.make_arguments, *flags]
    run_tool(command, where, work / "make.log", work, simulator.environment)


def _arguments(top: str) -> tuple[str, ...]:
    # The Verilog is machine-made: its style is a matter of the emitter's tests, not of each simulation.
    style = ("-O3", "-Wno-fatal", "-Wno-style", "-CFLAGS", "-std=c++17")
    return ("-cc", "--exe", "--top-module", top, "--prefix", "Vtop", "-o", PROGRAM, *style)


def cocotb_arguments(top: str) -> tuple[str, ...]:
    """Verilator's arguments for a cocotb bench; what the bench touches is listed in ``visible.vlt``."""
    from cocotb_tools import config

    libraries = f"-Wl,-rpath,{config.libs_dir} -L{config.libs_dir} -lcocotbvpi_verilator"
    main = str(config.share_dir / "lib" / "verilator" / "verilator.cpp")
    return (*_arguments(top), "--vpi", "-LDFLAGS", libraries, main, "visible.vlt")


def visible_signals(top: str, names: Sequence[str], probes: Sequence[OutputSignals] = ()) -> str:
    """The text of ``visible.vlt``. Only what is named stays visible: every other signal may be optimised away."""
    lines = ["`verilator_config"]
    lines += [f'public_flat_rw -module "{top}" -var "{name}"' for name in names]
    for probe in probes:
        for name in (probe.payload, probe.valid, probe.ready):
            lines.append(f'public_flat_rd -module "{probe.module}" -var "{name}"')
    return "\n".join(lines) + "\n"


def _ports_header(manifest: Manifest) -> str:
    """The C++ header that names a design's signals for sim/fast_main.cpp."""
    rows = [
        f"#define CLOCK {_mangled(manifest.clock)}",
        f"#define RESET {_mangled(manifest.reset)}",
    ]
    for name, ports in (("INPUT_PORTS", manifest.inputs), ("OUTPUT_PORTS", manifest.outputs)):
        calls = " ".join(map(_port_row, ports))
        rows.append(f"#define {name}(P) {calls}")
    return "\n".join(rows) + "\n"


def _port_row(port: Port) -> str:
    return f'P({_mangled(port.axis)}, "{port.axis}", {port.words}, {port.word_bytes})'


def _mangled(name: str) -> str:
    """A Verilog name as Verilator writes it in C++ (it keeps double underscores to itself)."""
    return name.replace("__", "___05F")


def _key(bench: Bench, simulator: Simulator) -> str:
    parts = [bench.verilog_sha256, json.dumps(asdict(simulator), default=str), *bench.arguments]
    parts += [f"{name}\n{text}" for name, text in bench.sources.items()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

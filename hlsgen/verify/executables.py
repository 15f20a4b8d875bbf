"""Building a simulator of a design with Verilator and make; it is kept under a key of all that went in."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from hlsgen import sim
from hlsgen.artefact.digest import sha256
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.parameter_port import PARAMETER_PARTS, PARAMETERS, has_parameter_port
from hlsgen.artefact.port import Port
from hlsgen.errors import BadFile
from hlsgen.verify.probes import OutputSignals
from hlsgen.verify.simulator_cache import cached_file
from hlsgen.verify.simulator_runtime import runtime_arguments
from hlsgen.verify.simulators import Simulator, run_tool

PROGRAM = "simulator"
ENGINES = ("cocotb", "fast", "board")
"""Where a design is run: two simulators, or a real or emulated board."""
# Above -O1 the compiler takes half as long again and the simulation runs no faster.
OPTIMISATION = ("OPT_FAST=-O1", "OPT_GLOBAL=-O1", "OPT_SLOW=-O0")
TRACES: Mapping[str, tuple[str, ...]] = {
    "": (),
    ".fst": ("--trace-fst", "--trace-structs"),
    ".vcd": ("--trace-vcd", "--trace-structs"),
}
"""Verilator's arguments by the end of a file of waves."""
COMPILER_FLAGS = ("CPPFLAGS", "CXXFLAGS", "LDFLAGS", "LDLIBS")
"""Variables of the environment that make passes on to the compiler."""


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
    waves: str = "",
) -> Path:
    """The program that simulates DIR/design.v under an engine; ``probes`` are signals inside that the bench can see, ``waves`` .fst or .vcd for one that
    can write all of them (cocotb only).

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
        if has_parameter_port(manifest):
            shown += [f"{PARAMETERS}_{part}" for part in PARAMETER_PARTS]
        sources = {"visible.vlt": visible_signals(manifest.top, shown, probes)}
        arguments = (*cocotb_arguments(manifest.top), *TRACES[waves])
    name = f"verify_{engine}{'_probes' if probes else ''}{waves.replace('.', '_')}"
    bench = Bench(name, manifest.top, manifest.verilog_sha256, arguments, sources)
    return build_bench(directory, bench, simulator)


def build_bench(directory: Path, bench: Bench, simulator: Simulator) -> Path:
    """The program that simulates DIR/design.v in a bench; built unless one of the same text is kept.

    Raises ToolFailed, BadFile, BadOption.
    """
    key = _key(bench, simulator)

    def build(work: Path) -> str:
        _build(work, directory, bench, simulator)
        return json.dumps({"bench": bench.name, "top": bench.top, "verilator": simulator.version})

    return cached_file(key, PROGRAM, build)


def _build(work: Path, directory: Path, bench: Bench, simulator: Simulator) -> None:
    # The build sees nothing of the folder of the design: the program may serve others.
    verilog = (directory / "design.v").read_bytes()
    if (digest := sha256(verilog)) != bench.verilog_sha256:
        raise BadFile(
            str(directory / "design.v"),
            f"expected sha256 {bench.verilog_sha256[:16]}..., found {digest[:16]}...",
            "Compile the design again with 'hlsgen compile'.",
        )
    (work / "design.v").write_bytes(verilog)
    for name, text in bench.sources.items():
        (work / name).write_text(text)
    where = f"{directory}: simulator of {bench.top}"
    log = work.with_suffix(".log")  # not in the folder, which goes when the build fails
    command = [str(simulator.verilator), *bench.arguments, "-Mdir", ".", "design.v"]
    run_tool(command, where, log, work, simulator.environment)

    def make(arguments: Sequence[str]) -> None:
        command = [simulator.make, "-j", "2", "-f", "Vtop.mk", *simulator.make_arguments]
        command += [*OPTIMISATION, *arguments]
        run_tool(command, where, log, work, simulator.environment)

    def key_of(texts: Sequence[str]) -> str:
        arguments = [word for word in bench.arguments if word != bench.top]
        return _key_of([*texts, *arguments], simulator)

    make(runtime_arguments(work, simulator, make, key_of))
    log.unlink()


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
    if has_parameter_port(manifest):
        rows.append(f'#define PARAMETERS(P) P({_mangled(PARAMETERS)}, "{PARAMETERS}")')
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
    """A name for all that determines the program."""
    sources = [f"{name}\n{text}" for name, text in bench.sources.items()]
    return _key_of([bench.name, bench.verilog_sha256, *bench.arguments, *sources], simulator)


def _key_of(texts: Sequence[str], simulator: Simulator) -> str:
    """A name for texts and the tools that make something of them."""
    tools = [json.dumps(asdict(simulator), default=str), simulator.compiler_version]
    tools += [version("cocotb"), platform.machine()]
    tools += [f"{name}={os.environ.get(name, '')}" for name in COMPILER_FLAGS]
    return sha256("\0".join([*texts, *tools, *OPTIMISATION]).encode())[:32]

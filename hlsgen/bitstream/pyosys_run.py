"""Run one yosys script with the pyosys wheel; a process of its own, since yosys ends the process on an error."""

from __future__ import annotations

import sys


def main() -> None:
    """``python pyosys_run.py SCRIPT``: run the script; the log goes to standard output."""
    from pyosys import libyosys

    design = libyosys.Design()
    libyosys.run_pass(f"script {sys.argv[1]}", design)


if __name__ == "__main__":
    main()

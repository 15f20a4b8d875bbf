"""Programs that look at the source: what ruff and mypy complain of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.source_tree import PACKAGES, ROOT


def run(*command: str, folder: Path = ROOT) -> str:
    """What a checker complains of; empty if it is content."""
    done = subprocess.run(
        (sys.executable, "-m", *command), cwd=folder, capture_output=True, text=True
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def checked_types(folder: Path, *what: str) -> str:
    """What mypy says, with the folders of the repository laid out as they are installed, since it cannot map packages to folders."""
    package = folder / "hlsgen"
    package.mkdir()
    for part in [*(ROOT / "hlsgen").iterdir(), *(ROOT / name for name in PACKAGES[1:])]:
        (package / part.name).symlink_to(part)
    return run(
        *("mypy", "--cache-dir", str(folder / "cache"), "--no-error-summary"),
        *("--config-file", str(ROOT / "pyproject.toml"), *what),
        folder=folder,
    )

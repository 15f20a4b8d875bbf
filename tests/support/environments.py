"""New Python environments with packages from PyPI."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

import pytest


def new_environment(folder: Path, *arguments: str) -> Path:
    """The interpreter of a new environment after ``pip install ARGUMENTS``; skips the test where they cannot be had."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip could not install {' '.join(arguments)}: {done.stderr[-300:]}")
    return python

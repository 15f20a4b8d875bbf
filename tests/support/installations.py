"""hlsgen as a wheel in clean environments, of every version of Python that it serves and that is on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.source_tree import ROOT

FOLDERS = ("hlsgen", "rtl_templates", "sim", "boards", "fabrics")
VERSIONS = ("3.11", "3.12", "3.13")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
TAKEN_NAMES = ("sim/__init__.py", "fabrics/__init__.py", "boards.py", "rtl_templates.py")
"""Files of a user's that are named as the folders of the repository."""


@dataclass(frozen=True)
class Installation:
    """A wheel, the environment it is installed in, and a user's folder."""

    wheel: Path
    python: Path
    user: Path

    def run(self, *command: str) -> str:
        """What ``python COMMAND`` prints in the user's folder, which comes first among its modules."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [str(self.python), *command],
            cwd=self.user,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def build_wheel(work: Path) -> Path:
    """The wheel of the source as it is, made in the folder ``work``."""
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, work / "source" / folder, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, work / "source" / name)
    options = ("--no-deps", "--no-build-isolation", "--no-index")
    _without_network("wheel", *options, "--wheel-dir", str(work), str(work / "source"))
    (wheel,) = work.glob("*.whl")
    return wheel


def install(wheel: Path, version: str, work: Path) -> Installation:
    """The wheel in an environment of its own below ``work``, beside a user's modules of the same names.

    Its dependencies are those of the running Python, or for another version those of an environment that is kept in the cache of
    the tests. Skips the test where that version of Python, or the packages for it, cannot be had.
    """
    environment = work / f"environment{version}"
    if version == RUNNING:
        venv.create(environment, with_pip=False)
        # A folder that a .pth names is searched after the environment's own, and no .pth file inside it is read: an
        # editable hlsgen there is not seen.
        others = [path for path in sys.path if Path(path).name == "site-packages"]
    else:
        interpreter = _interpreter(version)
        others = [str(_packages(_dependencies(version, interpreter)))]
        _create(interpreter, environment)
    python = environment / "bin" / "python"
    options = ("--no-deps", "--no-index", "--no-compile")
    _without_network("--python", str(python), "install", *options, str(wheel))
    (_packages(environment) / "dependencies.pth").write_text("\n".join(others))
    user = work / f"user{version}"
    for name in TAKEN_NAMES:
        (user / name).parent.mkdir(parents=True, exist_ok=True)
        (user / name).write_text("raise ImportError('a module of the user, not of hlsgen')\n")
    return Installation(wheel, python, user)


def _interpreter(version: str) -> Path:
    """A Python of this version: on the path, or one of pyenv's."""
    known = shutil.which(f"python{version}")
    if known is not None and _works(Path(known)):
        return Path(known)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True):
        return python
    pytest.skip(f"there is no Python {version} on this machine")


def _works(python: Path) -> bool:
    """Whether it starts: a shim of pyenv does not, of a version that is not the chosen one."""
    return subprocess.run([str(python), "--version"], capture_output=True).returncode == 0


def _dependencies(version: str, interpreter: Path) -> Path:
    """An environment with what pyproject.toml asks for; kept, and made anew when that changes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = project["dependencies"]
    digest = hashlib.sha256("\n".join(required).encode()).hexdigest()[:12]
    environment = Path(os.environ["HLSGEN_CACHE"]) / f"python{version}-{digest}"
    complete = environment / "complete"
    if not complete.exists():
        shutil.rmtree(environment, ignore_errors=True)
        _create(interpreter, environment)
        python = str(environment / "bin" / "python")
        done = _pip("--python", python, "install", "--prefer-binary", *required)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            pytest.skip(f"pip cannot install the dependencies for Python {version}: {reason}")
        complete.touch()
    return environment


def _create(interpreter: Path, environment: Path) -> None:
    command = [str(interpreter), "-m", "venv", "--without-pip", str(environment)]
    subprocess.run(command, check=True)


def _packages(environment: Path) -> Path:
    (packages,) = (environment / "lib").glob("python*/site-packages")
    return packages


def _without_network(*arguments: str) -> None:
    done = _pip(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    return subprocess.run(command, capture_output=True, text=True)

"""Installed from a wheel, hlsgen is one package: a user's own ``sim`` or ``boards`` never meets its parts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("hlsgen", "rtl_templates", "sim", "boards", "fabrics")
DATA = (".toml", ".cpp", ".h", ".vlt", ".typed")
TAKEN_NAMES = ("sim/__init__.py", "fabrics/__init__.py", "boards.py", "rtl_templates.py")
"""Files of a user's that are named as the folders of the repository."""
EXAMPLE = ROOT / "examples" / "digits"


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


def pip(*arguments: str) -> None:
    """pip without the network."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The source as it is, built, and installed into an environment that takes the dependencies from this one."""
    work = tmp_path_factory.mktemp("installed")
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, work / "source" / folder, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, work / "source" / name)
    options = ("--no-deps", "--no-build-isolation", "--no-index")
    pip("wheel", *options, "--wheel-dir", str(work), str(work / "source"))
    (wheel,) = work.glob("*.whl")

    venv.create(work / "environment", with_pip=False)
    python = work / "environment" / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = (work / "environment").glob("lib/python*/site-packages")
    # A folder that a .pth names is searched after the environment's own, and no .pth file inside it is read: an
    # editable hlsgen there is not seen.
    others = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(others))

    user = work / "user"
    for name in TAKEN_NAMES:
        (user / name).parent.mkdir(parents=True, exist_ok=True)
        (user / name).write_text("raise ImportError('a module of the user, not of hlsgen')\n")
    return Installation(wheel, python, user)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(
    installation: Installation,
) -> None:
    expected = {
        str(path.relative_to(ROOT) if folder == "hlsgen" else "hlsgen" / path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", *DATA)
    }
    with zipfile.ZipFile(installation.wheel) as archive:
        names = set(archive.namelist())
        metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
        licences = [name for name in metadata if name.endswith("/LICENSE")]
        text = archive.read(next(name for name in metadata if name.endswith("/METADATA"))).decode()
    assert names - metadata == expected
    assert len(licences) == 1
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"License-Expression: {declared['license']}\n" in text


def test_every_file_of_the_packages_is_of_a_kind_that_is_installed() -> None:
    odd = [
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".py", *DATA)
    ]
    assert not odd, f"add the kind to package-data in pyproject.toml, and to DATA: {odd}"


def test_the_installed_package_is_the_one_that_runs(installation: Installation) -> None:
    place = "import hlsgen.sim, hlsgen.boards; print(hlsgen.__file__, hlsgen.sim.__file__)"
    for path in installation.run("-c", place).split():
        assert Path(path).is_relative_to(installation.python.parents[1])


def test_commands_work_beside_a_users_modules_of_the_same_names(
    installation: Installation,
) -> None:
    assert installation.run("-m", "hlsgen", "--version").startswith("hlsgen ")
    assert "icebreaker" in installation.run("-m", "hlsgen", "boards")
    assert "cgra_4x4" in installation.run("-m", "hlsgen", "fabrics")
    script = installation.python.with_name("hlsgen")
    assert script.read_text().startswith("#!")
    assert "Conv" in installation.run(str(script), "ops")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["fast", "cocotb"])
def test_the_example_is_compiled_and_verified_beside_a_users_modules(
    installation: Installation, engine: str
) -> None:
    options = ("--board", "icebreaker", "-q", "-o", f"digits_{engine}")
    installation.run("-m", "hlsgen", "compile", str(EXAMPLE / "digits.onnx"), *options)
    samples = ("--inputs", str(EXAMPLE / "samples.npz"), "--samples", "2")
    installation.run(*("-m", "hlsgen", "verify", f"digits_{engine}", *samples, "--engine", engine))

"""Installed from a wheel, hlsgen is one package: a user's own ``sim`` or ``boards`` never meets its parts, on every Python it serves."""

from __future__ import annotations

import hashlib
import tomllib
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
from support.installations import FOLDERS, RUNNING, VERSIONS, Installation, build_wheel, install
from support.source_tree import ROOT

DATA = (".toml", ".cpp", ".v", ".h", ".vlt", ".typed", ".j2")
EXAMPLE = ROOT / "examples" / "digits"
KERNELS = ROOT / "examples" / "kernels"
OTHERS = [
    version if version == RUNNING else pytest.param(version, marks=pytest.mark.slow)
    for version in VERSIONS
]
DESIGNS = {
    "digits on ECP5": ("compile", str(EXAMPLE / "digits.onnx"), "--board", "ulx3s_85f"),
    "digits on iCE40": ("compile", str(EXAMPLE / "digits.onnx"), "--board", "icebreaker"),
    "digits on a fabric": ("compile", str(EXAMPLE / "digits.onnx"), "--schedule", "grid"),
    "pipeline": ("compile", f"{KERNELS / 'sobel.py'}:sobel"),
    "kernel on a fabric": ("map", f"{KERNELS / 'fir.py'}:fir", "--no-exact"),
    "fabric": ("fabric", "icebreaker_2x2"),
}
"""One design of each kind, and digits for two families."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installation]:
    """The wheel installed into a clean environment of a version of Python, once for each."""
    work = tmp_path_factory.mktemp("installed")
    return cache(partial(_installed, build_wheel(work), work))


def _installed(wheel: Path, work: Path, version: str) -> Installation:
    return install(wheel, version, work)


@pytest.fixture(params=OTHERS)
def installation(
    request: pytest.FixtureRequest, installed: Callable[[str], Installation]
) -> Installation:
    """The wheel installed into a clean environment; for a Python other than the running one in slow tests."""
    return installed(request.param)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(
    installed: Callable[[str], Installation],
) -> None:
    expected = {
        str(path.relative_to(ROOT) if folder == "hlsgen" else "hlsgen" / path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", *DATA)
    }
    with zipfile.ZipFile(installed(RUNNING).wheel) as archive:
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


def test_versions_tested_are_those_that_the_package_names() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["classifiers"]
    prefix = "Programming Language :: Python :: 3."
    assert {name.rsplit(" ", 1)[1] for name in named if name.startswith(prefix)} == set(VERSIONS)


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


@pytest.mark.slow
@pytest.mark.parametrize("version", [version for version in VERSIONS if version != RUNNING])
def test_verilog_is_the_same_on_every_version_of_python(
    installed: Callable[[str], Installation], version: str
) -> None:
    here, there = ({k: verilog(installed(v), k) for k in DESIGNS} for v in (RUNNING, version))
    assert here == there
    assert len(set(here.values())) == len(DESIGNS)


def verilog(installation: Installation, design: str) -> str:
    """SHA-256 of the Verilog of one of DESIGNS, of a folder that is written once."""
    folder = installation.user / design.replace(" ", "_")
    if not folder.exists():
        options = ("--name", "same", "-o", str(folder))
        installation.run("-m", "hlsgen", *DESIGNS[design], *options)
    return hashlib.sha256((folder / "design.v").read_bytes()).hexdigest()

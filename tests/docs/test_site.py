"""The pages are all in the site, their links lead somewhere, and the tutorial is run command by command."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"```(python|console|toml|verilog)(?: (\S+))?\n(.*?)```", flags=re.DOTALL)
BLOCKS = BLOCK.findall((DOCS / "tutorial.md").read_text("utf-8"))
"""(language, torch or the name of the file that it is to be or nothing, text)."""
FRAMEWORKS = {"torch": ("torch", "onnxscript"), "keras": ("keras", "torch", "onnxscript")}
"""Packages without which the blocks of a framework are not run; Keras runs on PyTorch here."""


def hooks() -> ModuleType:
    """``docs/site_hooks.py``, which belongs to none of the packages."""
    spec = importlib.util.spec_from_file_location("site_hooks", DOCS / "site_hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in headings}


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = set(re.findall(r"- (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert listed == {path.name for path in DOCS.glob("*.md")} | {"errors.md"}


def test_links_between_pages_lead_to_headings_that_are_there() -> None:
    wrong = []
    for path in DOCS.glob("*.md"):
        for target, anchor in re.findall(r"\]\(([\w./]*)#([\w-]+)\)", path.read_text("utf-8")):
            page = path if not target else path.parent / target
            if not page.exists() or anchor not in anchors(page.read_text("utf-8")):
                wrong.append(f"{path.name}: {target}#{anchor}")
    assert not wrong, wrong


def test_the_index_of_errors_has_every_message_that_the_tests_keep() -> None:
    page = hooks().error_index()
    snapshots = ROOT / "tests" / "errors" / "snapshots"
    entries = sum(path.read_text("utf-8").count("\n## ") + 1 for path in snapshots.glob("*.txt"))
    assert entries > 300 and page.count("\n**") == entries
    assert "    --schedule\n    expected one of stream, grid; found 'magic'\n" in page


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("needs MkDocs: pip install 'hlsgen[pages]'")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Index of errors" in (tmp_path / "errors.html").read_text("utf-8")


def run_block(kind: str, text: str, folder: Path) -> None:
    """Run a block of the tutorial in a folder that looks like the repository."""
    if kind == "python":
        commands = [[sys.executable, "-c", text]]
    else:
        lines = [line for line in text.splitlines() if line]
        commands = [[sys.executable, "-m", *shlex.split(line)] for line in lines]
    for command in commands:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_the_tutorial_runs_command_by_command(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = [(kind, text) for kind, torch, text in BLOCKS if not torch]
    assert len(blocks) == 4
    for kind, text in blocks:
        run_block(kind, text, tmp_path)
    for name in ("explore/explore.html", "tutorial/report.html", "tutorial/verify.json"):
        assert (tmp_path / "build" / name).exists(), name


def run_page(page: str, folder: Path, framework: str = "") -> list[str]:
    """Run the blocks of a page that belong to a framework (none: to all readers); the files that were written for it."""
    files = []
    for kind, name, text in BLOCK.findall((DOCS / f"{page}.md").read_text("utf-8")):
        if "." in name:
            (folder / name).write_text(text)
            files.append(name)
        elif name == framework:
            run_block(kind, text, folder)
    return files


def results(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a verification of a design found, and its report."""
    verified, report = (
        json.loads((folder / f"{n}.json").read_text()) for n in ("verify", "report")
    )
    return verified, report


@pytest.mark.slow
def test_the_tutorial_of_fabrics_runs_command_by_command(tmp_path: Path) -> None:
    assert run_page("tutorial_fabric", tmp_path) == ["rising.py", "mine.toml"]
    verified, report = results(tmp_path / "build" / "rising")
    assert verified["good"] and verified["function_mismatches"] == 0
    assert report["ii"] == 2, "as the page says"


@pytest.mark.slow
def test_the_tutorial_of_larger_designs_runs_command_by_command(tmp_path: Path) -> None:
    files = run_page("tutorial_block", tmp_path)
    assert files == ["smooth.py", "energy.v", "test_energy.py"]
    verified, _ = results(tmp_path / "build" / "smooth")
    assert verified["good"] and verified["function_mismatches"] == 0
    (outcome,) = tmp_path.rglob("*.xml")  # cocotb names it after the test that runs it
    passed = outcome.read_text()
    assert 'name="the_sum_is_that_of_the_python_function"' in passed and "<failure" not in passed
    assert (tmp_path / "build" / "energy.json").stat().st_size


@pytest.mark.slow
def test_the_tutorial_of_tflite_runs_command_by_command(tmp_path: Path) -> None:
    run_page("tutorial_keras", tmp_path)
    verified, report = results(tmp_path / "build" / "tflite")
    assert verified["good"] and verified["ort_mismatches"] == 0
    assert "errors" not in report, "it was quantised already"


@pytest.mark.slow
def test_the_tutorial_begins_in_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in FRAMEWORKS["keras"]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install keras 'hlsgen[torch]'")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    run_page("tutorial_keras", tmp_path, "keras")
    verified, report = results(tmp_path / "build" / "keras")
    assert verified["good"] and report["tensors"]


@pytest.mark.slow
def test_the_tutorial_begins_in_pytorch(tmp_path: Path) -> None:
    for package in FRAMEWORKS["torch"]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install 'hlsgen[torch]'")
    for kind, torch, text in BLOCKS:
        if torch:
            run_block(kind, text, tmp_path)
    assert (tmp_path / "build" / "network" / "report.html").exists()

"""Examples are typed as a careful user types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.checkers import checked_types
from support.source_tree import ROOT


@pytest.mark.slow
def test_types_of_the_examples_check_as_a_users_do(tmp_path: Path) -> None:
    """Programs, kernels and the cells of notebooks, under ``mypy --strict``."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    paths = sorted((ROOT / "examples").rglob("*.py"))
    files = [str(path.relative_to(ROOT)) for path in paths]
    for notebook in (ROOT / "examples").rglob("*.ipynb"):
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        files.append(f"{notebook.stem}_cells.py")
        (tmp_path / files[-1]).write_text("\n".join(code))
    assert len(files) > 20
    strict = ("--strict", "--follow-imports", "silent", "--explicit-package-bases")
    complaints = checked_types(tmp_path, *strict, *files)
    assert not complaints, complaints

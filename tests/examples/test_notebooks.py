"""The notebooks run from their first cell to their last in an empty folder, and are kept without outputs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "notebooks"
NEEDS = {
    "torch_to_icebreaker": ("torch", "onnxscript", "sklearn"),
    "your_own_cgra": (),
}
"""Name -> packages besides those of the extra ``notebooks``."""


def cells(name: str) -> list[dict[str, Any]]:
    return list(json.loads((FOLDER / f"{name}.ipynb").read_text("utf-8"))["cells"])


def test_every_notebook_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_a_notebook_is_kept_without_outputs_and_says_what_it_needs(name: str) -> None:
    code = [cell for cell in cells(name) if cell["cell_type"] == "code"]
    assert code and all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    for number, cell in enumerate(code):
        compile("".join(cell["source"]), f"{name}, cell {number}", "exec")
    assert "pip install 'hlsgen[notebooks" in "".join(cells(name)[0]["source"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS)
def test_a_notebook_runs_in_an_empty_folder(name: str, tmp_path: Path) -> None:
    for package in ("nbclient", "nbformat", "ipykernel", *NEEDS[name]):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install 'hlsgen[notebooks,train,torch]'")
    import nbclient
    import nbformat

    notebook = nbformat.read(FOLDER / f"{name}.ipynb", 4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources=place
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    shown = [str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    assert any(text.startswith("good\n") for text in shown), "the verification is shown"
    assert any("text/html" in output.get("data", {}) for output in outputs)

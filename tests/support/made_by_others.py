"""Where networks and kernels made by others lie: folders that the environment names; tests that read them skip without."""

import os
from pathlib import Path

import pytest

MODELS = Path(os.environ.get("HLSGEN_MODELS", os.devnull))
"""One folder per network: ``model.onnx``, ``inputs.npz``."""
CGRA = Path(os.environ.get("HLSGEN_CGRA", os.devnull))
"""Loop graphs and kernels of CGRA projects, one folder per project."""

requires_models = pytest.mark.skipif(
    not MODELS.is_dir(), reason="no networks of others: set HLSGEN_MODELS to their folder"
)
requires_cgra = pytest.mark.skipif(
    not CGRA.is_dir(), reason="no loop graphs of others: set HLSGEN_CGRA to their folder"
)


def model_folder(name: str) -> Path:
    """The folder of a network; the test skips where it is not there."""
    folder = MODELS / name
    if not (folder / "model.onnx").is_file():
        pytest.skip(f"no network {name}: set HLSGEN_MODELS to the folder that has it")
    return folder

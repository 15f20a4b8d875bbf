from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``hlsgen compile`` writes it, with the small design in it; do not write there."""
    from toy_design import write_toy

    return write_toy(tmp_path_factory.mktemp("toy"))

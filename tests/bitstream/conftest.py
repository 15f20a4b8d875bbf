from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``hlsgen compile`` writes it, with the small design in it; do not write there."""
    from support.toy_design import write_toy

    return write_toy(tmp_path_factory.mktemp("toy"))

"""Built simulators are kept in the checkout's own folder of build results, not in the user's cache; the option that rewrites snapshots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HLSGEN_CACHE", str(Path(__file__).resolve().parents[1] / "build" / "cache"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the snapshots that tests compare with (read the change before keeping it)",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether a test writes its snapshot in place of comparing with it."""
    return bool(request.config.getoption("--update-golden"))

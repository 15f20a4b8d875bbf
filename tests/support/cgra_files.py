"""Where the loop-kernel graphs of other projects lie, for tests that read them in place."""

import os
from pathlib import Path

import pytest

CGRA = Path(os.environ.get("HLSGEN_CGRA", Path(__file__).parents[3] / "shared" / "cgra"))

requires_cgra = pytest.mark.skipif(not CGRA.is_dir(), reason="the loop-kernel graphs are not there")

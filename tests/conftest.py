"""Built simulators are kept in the checkout's own folder of build results, not in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HLSGEN_CACHE", str(Path(__file__).resolve().parents[1] / "build" / "cache"))

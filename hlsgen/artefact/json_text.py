"""JSON for people: one entry a line, lists of numbers on one."""

from __future__ import annotations

import json
import re
from typing import Any

_NUMBERS = re.compile(r"\[\n\s+(-?[\d.eE+-]+(?:,\s+-?[\d.eE+-]+)*)\s+\]")


def json_text(value: Any) -> str:
    """The text of a JSON value."""
    text = json.dumps(value, indent=1)
    return _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[1].split())}]", text)

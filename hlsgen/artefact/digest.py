"""The one hash of contents."""

from __future__ import annotations

import hashlib


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()

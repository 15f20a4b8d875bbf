"""What a type checker takes the annotations of a kernel for: ``In[s32, 64]`` is what ``s32`` is, something that is indexed.

Python itself never uses this file: there they are the values of ``annotations``, from which kernels are read.
"""

from __future__ import annotations

from typing import Annotated as In
from typing import Annotated as InOut
from typing import Annotated as Out
from typing import Any

__all__ = ["In", "InOut", "Out", "s8", "s16", "s32", "u8", "u16", "u32"]


class Words:
    """An array of words, or the one word of a scalar."""

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, word: Any) -> None:
        raise NotImplementedError


class s8(Words):
    """Signed, 8 bits."""


class s16(Words):
    """Signed, 16 bits."""


class s32(Words):
    """Signed, 32 bits."""


class u8(Words):
    """Unsigned, 8 bits."""


class u16(Words):
    """Unsigned, 16 bits."""


class u32(Words):
    """Unsigned, 32 bits."""

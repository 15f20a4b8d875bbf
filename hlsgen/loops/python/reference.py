"""The reference: the function itself, run on NumPy arrays whose elements are read as words.

An element becomes a NumPy integer of the kernel's word type, so that arithmetic wraps as it does in hardware; a stored word is
cut to the element type. An index outside the array is an IndexError, a negative one too.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.loops.python.annotations import ArrayType


class WordArray:
    """An array as the function sees it: ``array[i]``, ``array[i, j]`` or ``array[i][j]`` is a word."""

    def __init__(self, array: np.ndarray, word: np.dtype[Any]) -> None:
        self.array, self.word = array, word

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def __len__(self) -> int:
        return len(self.array)

    def _place(self, index: Any) -> tuple[int, ...]:
        place = tuple(map(operator.index, index if isinstance(index, tuple) else (index,)))
        for k, (here, extent) in enumerate(zip(place, self.array.shape, strict=False)):
            if not 0 <= here < extent:
                raise IndexError(f"expected index {k} from 0 to {extent - 1}, found {here}")
        return place

    def __getitem__(self, index: Any) -> Any:
        place = self._place(index)
        if len(place) < self.array.ndim:
            return WordArray(self.array[place], self.word)
        return np.asarray(self.array[place]).astype(self.word)[()]

    def __setitem__(self, index: Any, value: Any) -> None:
        place = self._place(index)
        if len(place) < self.array.ndim:
            raise IndexError(f"expected {self.array.ndim} indices, found {len(place)}")
        # int() of a NumPy integer is exact; the element keeps its lowest bits.
        self.array[place] = np.array(int(value) & _MASK).astype(np.uint64).astype(self.array.dtype)


_MASK = (1 << 64) - 1


def run_function(
    function: Callable[..., Any],
    arguments: inspect.BoundArguments,
    arrays: Mapping[str, ArrayType],
    word: ElementType,
) -> None:
    """Call the function with its arguments; ``arrays`` (of their element types, changed in place) are words in it."""
    for name, type_ in arrays.items():
        array = WordArray(arguments.arguments[name], word.native)
        arguments.arguments[name] = array[0] if type_.scalar else array
    with np.errstate(all="ignore"):  # words wrap: no warning of overflow
        function(*arguments.args, **arguments.kwargs)

"""Whether a circuit agrees with references other than its own meaning, as far as that was declared when it was compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hlsgen.artefact.declared import TITLES, Declared
from hlsgen.verify.reference import FUNCTION

TITLE_OF = {name: f"ONNX Runtime ({title})" for name, title in TITLES.items()} | {
    FUNCTION: "the Python function"
}


@dataclass(frozen=True)
class Agreement:
    """Against one reference: ``mismatches`` elements differ, of ``elements`` that it has. ``undeclared`` of them are more, or differ by more,
    than the manifest declares; ``promised``: whether it declares anything of this reference. ``declared``: the differences that are foreseen.
    """

    reference: str
    elements: int
    mismatches: int
    undeclared: int
    promised: bool
    declared: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The reference, for people."""
        return TITLE_OF[self.reference]

    def text(self) -> str:
        """One line, and one for each difference that was declared."""
        if not self.elements:
            return f"{self.title}: has no value that could be compared"
        lines = [f"{self.title}: {self.mismatches} different"]
        if self.promised and self.mismatches:
            lines[0] += f", {self.undeclared} of them more than declared"
        lines += [f"  declared: {text}" for text in self.declared]
        return "\n".join(lines)


def agree(
    reference: str,
    answers: Mapping[str, np.ndarray],
    outputs: Mapping[str, np.ndarray],
    declared: Mapping[str, Declared],
) -> Agreement:
    """Compare ``outputs`` (value -> (samples, *shape) int64) with a reference's answers. ``declared``: what is promised of this reference; an
    output of which something is promised and that the reference does not have is wrong in every element."""
    mismatches = undeclared = elements = 0
    for value, got in outputs.items():
        promise = declared.get(value)
        if value in answers:
            elements += got.size
            mismatches += int(np.count_nonzero(got != answers[value]))
            if promise is not None:
                undeclared += beyond(got, answers[value], promise)
        elif promise is not None:
            elements += got.size
            mismatches += got.size
            undeclared += got.size
    reasons = tuple(
        f"{value} {difference}"
        for value, promise in declared.items()
        for difference in promise.differences
    )
    return Agreement(reference, elements, mismatches, undeclared, bool(declared), reasons)


def beyond(got: np.ndarray, answer: np.ndarray, promise: Declared) -> int:
    """Elements of (samples, *shape) that differ by more than the bound, and those by which a sample has more differences than the count."""
    difference = np.abs(got.astype(np.int64) - answer.astype(np.int64)).reshape(len(got), -1)
    large = np.zeros(difference.shape, bool)
    if promise.bound is not None:
        large = difference > promise.bound
    small = (difference > 0) & ~large
    surplus = 0
    if promise.count is not None and promise.bound != 0:
        surplus = int(np.maximum(small.sum(axis=1) - promise.count, 0).sum())
    return int(large.sum()) + surplus

"""What quantising a float model costs: its outputs before and after, on the samples that it was calibrated with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.errors import TypeMismatch
from hlsgen.frontend.fixed_point import OutputError, outputs_of
from hlsgen.frontend.reference import run_session
from hlsgen.passes.host_cut import IntegerModel

if TYPE_CHECKING:
    import onnx

MOST_SAMPLES = 256
"""Samples that are compared; the integers of large networks take NumPy a while."""


@dataclass(frozen=True)
class QuantisationError(OutputError):
    """Besides, where an output has several elements: of how many samples the ``same`` element is the greatest as in the float model; with
    labels, of how many it is the one at the label (``right``), and of how many in the float model (``float_right``)."""

    same: int | None = None
    right: int | None = None
    float_right: int | None = None

    def __str__(self) -> str:
        text = super().__str__()
        if self.same is not None:
            text += f"; the same element is the greatest in {self.same} of {self.samples}"
        if self.right is not None:
            text += f"; it is the labelled one in {self.right}, of the float model's in {self.float_right}"
        return text


def quantisation_errors(
    model: onnx.ModelProto,
    integer: IntegerModel,
    samples: Mapping[str, np.ndarray],
    labels: np.ndarray | None = None,
) -> tuple[QuantisationError, ...]:
    """How far the outputs of ``integer`` are from those of ONNX Runtime on the float ``model``, over the first samples (along axis 0); the
    first output is held against ``labels``, class numbers. Raises NoSession where ONNX Runtime does not run it, TypeMismatch for labels
    that are not one for each sample."""
    count = len(next(iter(samples.values())))
    if labels is not None and labels.shape != (count,):
        raise TypeMismatch(
            "samples, labels",
            f"expected one class number for each of {count} samples, found shape {list(labels.shape)}",
            "Give the labels of the same samples, or leave them out.",
        )
    first = {name: array[:MOST_SAMPLES] for name, array in samples.items()}
    results = outputs_of(integer, first)
    floats = run_session(model, first, tuple(results), "default")
    errors = []
    for number, (name, array) in enumerate(results.items()):
        got = np.asarray(array, np.float64).reshape(len(array), -1)
        want = floats[name].reshape(got.shape).astype(np.float64)
        known = labels[: len(got)] if labels is not None and number == 0 else None
        errors.append(_error(name, got, want, known))
    return tuple(errors)


def _error(
    name: str, got: np.ndarray, want: np.ndarray, labels: np.ndarray | None
) -> QuantisationError:
    """Of results (samples, elements)."""
    difference, spread = np.abs(got - want), float(want.max() - want.min())
    figures = name, len(got), float(difference.max()), float(difference.mean()), spread
    if got.shape[1] == 1:
        return QuantisationError(*figures)
    chosen, before = got.argmax(axis=1), want.argmax(axis=1)
    same = int((chosen == before).sum())
    if labels is None:
        return QuantisationError(*figures, same)
    right, float_right = (int((best == labels).sum()) for best in (chosen, before))
    return QuantisationError(*figures, same, right, float_right)

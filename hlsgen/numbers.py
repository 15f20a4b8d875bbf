"""In which numbers a network is computed, and whose: what the user may ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from hlsgen.errors import BadOption

if TYPE_CHECKING:
    import numpy as np

SampleSource: TypeAlias = "str | os.PathLike[str] | Mapping[str, np.ndarray] | np.ndarray"
"""Samples: the npz file of arrays by name of input, the arrays, each with the samples along axis 0, or the array of a model's only input."""

PRECISIONS = {"fixed16": 16, "fixed24": 24}
"""Bits of fixed-point numbers by the name of the precision."""

ARRAYS = "SAMPLES.npz"
"""What stands for samples that are in no file."""

REFERENCES: Mapping[str, Literal["default", "integer", "unoptimised"]] = {
    "ort": "default",
    "ort-int8": "integer",
    "ort-unoptimised": "unoptimised",
}
"""What a user may ask to be matched, and the session of ONNX Runtime that it is."""


def named(samples: SampleSource | None) -> str | None:
    """How samples are called in a command and in a report: as their file, ARRAYS where they were handed over in Python."""
    if samples is None:
        return None
    return Path(samples).name if isinstance(samples, str | os.PathLike) else ARRAYS


@dataclass(frozen=True)
class Numbers:
    """``calibrate``: samples with which the network is quantised to 8 bits. ``precision``: fixed-point numbers instead, in formats that hold
    what ``samples`` reach. None of them: the network is quantised as it is. ``reference``: the name of the session of ONNX Runtime that is
    matched (``REFERENCES``); None: the one with the fewest differences."""

    calibrate: SampleSource | None = None
    precision: str | None = None
    samples: SampleSource | None = None
    reference: str | None = None

    @property
    def bits(self) -> int:
        """Of the fixed-point numbers."""
        assert self.precision is not None, "no fixed-point numbers are asked for"
        return PRECISIONS[self.precision]

    def checked(self, schedule: str) -> Numbers:
        """The same; raises BadOption for a precision or reference that there is not, and for options that exclude each other or miss another."""
        self._check_reference()
        if self.precision is None:
            if self.samples is not None:
                raise BadOption(
                    "--samples",
                    "expected --precision with it, found none: they choose the formats of fixed-point numbers",
                    "Add --precision fixed16; or to quantise to 8 bits give the samples as --calibrate.",
                )
            return self
        if self.precision not in PRECISIONS:
            raise BadOption(
                "--precision",
                f"expected one of {', '.join(PRECISIONS)}, found {self.precision!r}",
                "Choose one of them; 8 bits are chosen by --calibrate samples.npz.",
            )
        if self.calibrate is not None:
            raise BadOption(
                "--precision",
                "expected --precision or --calibrate, found both: one computes in fixed point, the other quantises",
                "Leave one of them out.",
            )
        if self.samples is None:
            raise BadOption(
                "--precision",
                "expected samples from whose ranges formats are chosen, found none",
                "Give some tens of samples like those that the network will see: --samples samples.npz.",
            )
        if schedule != "stream":
            raise BadOption(
                "--precision",
                f"expected schedule stream, found {schedule}: a grid's memory tiles requantise to 8 bits",
                "Leave out --schedule, or quantise to 8 bits: --calibrate samples.npz.",
            )
        return self

    def _check_reference(self) -> None:
        if self.reference is None:
            return
        if self.reference not in REFERENCES:
            raise BadOption(
                "--reference",
                f"expected one of {', '.join(REFERENCES)}, found {self.reference!r}",
                "Choose one of them; the rounding of other runtimes, such as TFLite's kernels, is not reproduced.",
            )
        if self.precision is not None:
            raise BadOption(
                "--reference",
                "expected a quantised network, found --precision: fixed-point numbers are not those of a session",
                "Leave --reference out; the report says how far the results are from ONNX Runtime's floats.",
            )

"""One float network in several numbers: 8 bits by quantisation, or fixed point; how far each is from the floats, and how often it is right."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.errors import BadFile, BadOption
from hlsgen.numbers import PRECISIONS, Numbers, SampleSource
from hlsgen.progress import Progress

if TYPE_CHECKING:
    import onnx

    from hlsgen.targets.network_source import NetworkSource

INT8 = "int8"
"""Quantised with the samples, as by ``--calibrate``."""
NAMES = (INT8, *PRECISIONS)


@dataclass(frozen=True)
class Accuracy:
    """On the samples: the largest difference of any output from ONNX Runtime's on floats, as a part of that output's range;
    ``right``: the share of samples whose largest output is the label's, None without labels."""

    error: float
    right: float | None


@dataclass(frozen=True)
class NumbersAsked:
    """Of ``explore``: a network as it is (``calibrate``: quantised with these samples), or a float one in each of ``precisions`` (of NAMES) with the ranges of
    ``samples``, on which it is judged, too, by ``labels``."""

    calibrate: SampleSource | None = None
    precisions: tuple[str, ...] = ()
    samples: SampleSource | None = None
    labels: str | os.PathLike[str] | None = None

    def check(self) -> None:
        """Raises BadOption for precisions that there are not, and for options that exclude or need each other."""
        for name in self.precisions:
            if name not in NAMES:
                raise BadOption(
                    "--precision",
                    f"expected some of {', '.join(NAMES)}, found {name!r}",
                    "Write them with commas between: --precision int8,fixed16.",
                )
        if self.precisions and self.samples is None:
            raise BadOption(
                "--precision",
                "expected samples, found none: they choose the numbers, and errors are measured on them",
                "Give some tens of samples like those that the network will see: --samples samples.npz.",
            )
        if self.precisions and self.calibrate is not None:
            raise BadOption(
                "--precision",
                "expected --precision or --calibrate, found both: int8 quantises with --samples",
                "Leave --calibrate out.",
            )
        for option, value in (("--samples", self.samples), ("--labels", self.labels)):
            if value is not None and not self.precisions:
                raise BadOption(
                    option,
                    "expected --precision with it, found none",
                    f"Add --precision {','.join(NAMES)}, or leave {option} out.",
                )

    def numbers(self, precision: str | None) -> Numbers:
        """What ``compile`` is asked for at a point of this precision."""
        if precision is None:
            return Numbers(calibrate=self.calibrate)
        if precision == INT8:
            return Numbers(calibrate=self.samples)
        return Numbers(precision=precision, samples=self.samples)

    def sources(
        self, model: str | os.PathLike[str], progress: Progress
    ) -> Iterator[tuple[NetworkSource, str | None, Accuracy | None]]:
        """The network in each of the precisions, and how good it is on the samples. Raises HlsgenError for a model that is not float, and bad files."""
        from hlsgen.targets.network_source import read_network

        if not self.precisions:
            yield read_network(model, self.numbers(None), progress), None, None
            return
        assert self.samples is not None, "the options are checked"
        judged = _Judged.read(model, self.samples, self.labels)
        for name in dict.fromkeys(self.precisions):
            source = read_network(model, self.numbers(name), progress)
            progress(f"evaluating {name} on the samples", None)
            yield source, name, judged.accuracy(source)


@dataclass(frozen=True, eq=False)
class _Judged:
    """The float model with samples and their labels."""

    model: onnx.ModelProto
    arrays: Mapping[str, np.ndarray]
    labels: np.ndarray | None

    @classmethod
    def read(
        cls,
        model: str | os.PathLike[str],
        samples: SampleSource,
        labels: str | os.PathLike[str] | None,
    ) -> _Judged:
        from hlsgen.frontend.calibrate import checked_samples
        from hlsgen.frontend.model_file import load_whole
        from hlsgen.frontend.onnx_reader import read_model

        arrays = checked_samples(read_model(model), samples)
        count = len(next(iter(arrays.values())))
        return cls(load_whole(model), arrays, None if labels is None else _labels(labels, count))

    def accuracy(self, source: NetworkSource) -> Accuracy:
        """Of the integers, on the samples."""
        from hlsgen.frontend.fixed_point import errors_of, outputs_of

        errors = errors_of(self.model, source.integer, self.arrays)
        error = round(max(error.relative for error in errors), 6)
        if self.labels is None:
            return Accuracy(error, None)
        first = next(iter(outputs_of(source.integer, self.arrays).values()))
        chosen = first.reshape(len(self.labels), -1).argmax(axis=1)
        return Accuracy(error, round(float(np.mean(chosen == self.labels)), 6))


def _labels(path: str | os.PathLike[str], count: int) -> np.ndarray:
    """A label for each sample; raises BadFile."""
    name = Path(path)
    try:
        with name.open("rb") as stream:
            labels = np.load(stream, allow_pickle=False)
        content = f"{labels.dtype}{list(labels.shape)}"
    except Exception as error:  # numpy raises OSError, ValueError and pickle errors for bad files
        labels, content = np.zeros(0), str(error) or type(error).__name__
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise BadFile(
            str(name),
            f"expected an npy file of {count} whole numbers, one for each sample, found {content}",
            "Write it with numpy.save(FILE, labels).",
        )
    return labels

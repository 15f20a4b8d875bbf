"""Files of samples: npz archives with one array per input."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

import numpy as np

from hlsgen.errors import BadFile, TypeMismatch
from hlsgen.numbers import SampleSource

LABELS = ("labels", "label", "y")
"""Arrays of a file of samples that are class numbers, where the design has no input of the name."""


def without_labels(
    arrays: Mapping[str, np.ndarray], inputs: Collection[str]
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """The inputs among the arrays of a file, and the class numbers, where there are any."""
    given = dict(arrays)
    labels = next((given.pop(name) for name in LABELS if name in given.keys() - set(inputs)), None)
    return given, labels


def arrays_of(samples: SampleSource, inputs: Collection[str]) -> dict[str, np.ndarray]:
    """Samples by name of input, of a file or as they were handed over in Python, where reals of any width count as float32.

    Raises BadFile for a bad file, TypeMismatch for one array where a model has several inputs, and for what cannot be an array.
    """
    if isinstance(samples, str | os.PathLike):
        return load_samples(samples)
    if not isinstance(samples, Mapping):
        if len(inputs) != 1:
            raise TypeMismatch(
                "samples",
                f"expected arrays by name of the inputs {', '.join(sorted(inputs))}, found one array",
                "Give a mapping of input names to arrays.",
            )
        samples = {name: samples for name in inputs}
    return {name: _array(name, value) for name, value in samples.items()}


def _array(name: str, value: object) -> np.ndarray:
    """An array of what was given; raises TypeMismatch."""
    try:
        array = np.asarray(value)
    except Exception as error:  # what has an __array__ of its own raises what it likes
        array, content = np.asarray(None), str(error) or type(error).__name__
    else:
        content = f"elements of {array.dtype}"
    if array.dtype.kind not in "biuf":
        raise TypeMismatch(
            f"samples, input {name}",
            f"expected an array of numbers, found {content:.100}",
            "Give a NumPy array with the samples along axis 0.",
        )
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def load_samples(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of an npz file, input name -> (samples, ...); raises BadFile for a file that is not one."""
    name = os.fspath(path)
    try:
        # Opened here: numpy leaves a file that it cannot read open.
        with open(name, "rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("a single array (npy)")
            return {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise _bad(name, "expected a file of samples, found none") from None
    except (
        Exception
    ) as error:  # numpy raises OSError, ValueError, zipfile and pickle errors for bad files
        what = str(error) or type(error).__name__
        raise _bad(name, f"expected an npz file of arrays, found {what}") from error


def _bad(path: str, problem: str) -> BadFile:
    return BadFile(
        path, problem, "Write it with numpy.savez(FILE, input_name=array of (samples, ...))."
    )

"""The user's samples: read from a file, and checked against what the model takes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlsgen.errors import BadOption, TypeMismatch
from hlsgen.ops.tensor_type import TensorType


def first_samples(inputs: Mapping[str, np.ndarray], samples: int | None) -> dict[str, np.ndarray]:
    """The first ``samples`` of every array (all where None); raises BadOption where there are fewer."""
    taken = {}
    for name, value in inputs.items():
        array = _array(name, value)
        if samples is not None and array.ndim and len(array) < samples:
            raise BadOption(
                "--samples",
                f"expected at most the {len(array)} samples that input {name} has, found {samples}",
                "Ask for fewer, or give a file with more samples.",
            )
        taken[name] = array[:samples] if array.ndim else array
    return taken


def _array(name: str, value: object) -> np.ndarray:
    """An array of what was given; raises TypeMismatch where it is none."""
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _misfit(name, f"expected an array, found {error}") from None


def check_samples(
    inputs: Mapping[str, np.ndarray], expected: Mapping[str, TensorType]
) -> dict[str, np.ndarray]:
    """The samples as (samples, *shape) of each input's own element type (float32 or int64); axis 0 of a type's shape is the batch of 1.

    Raises TypeMismatch for a wrong name, shape, element type or range, NaN or infinity, no samples, unequal numbers of samples.
    """
    names = ", ".join(f"{name} {type}" for name, type in expected.items())
    if missing := [name for name in expected if name not in inputs]:
        raise _misfit(missing[0], f"expected inputs {names}; found {', '.join(inputs) or 'none'}")
    if unknown := [name for name in inputs if name not in expected]:
        raise _misfit(unknown[0], f"expected inputs {names}; found {unknown[0]!r} besides")
    checked = {name: _tensor(name, inputs[name], type) for name, type in expected.items()}
    counts = {name: len(array) for name, array in checked.items()}
    if len(set(counts.values())) > 1:
        raise _misfit(", ".join(counts), f"expected equal numbers of samples, found {counts}")
    return checked


def _tensor(name: str, value: np.ndarray, type: TensorType) -> np.ndarray:
    array = np.asarray(value)
    shape = type.shape[1:]
    if array.ndim == len(shape) + 2 and array.shape[1] == 1:
        # A stack of whole model inputs, each with its batch of 1.
        array = array.reshape((array.shape[0], *array.shape[2:]))
    if array.shape[1:] != shape or array.ndim != len(shape) + 1:
        expected_shape = ", ".join(("samples", *map(str, shape)))
        raise _misfit(name, f"expected shape ({expected_shape}), found {np.asarray(value).shape}")
    if len(array) == 0:
        raise _misfit(name, "expected at least 1 sample, found 0")
    return _integers(name, array, type) if type.is_integer else _floats(name, array)


def _floats(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind != "f":
        raise _misfit(name, f"expected floating-point samples, found {array.dtype}")
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.isfinite(narrow).all():
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(narrow))[0])
        raise _misfit(
            name,
            f"expected finite float32 numbers, found {array[at]} in sample {at[0]} at {at[1:]}",
        )
    return narrow


def _integers(name: str, array: np.ndarray, type: TensorType) -> np.ndarray:
    element = type.integer
    if array.dtype.kind not in ("iub" if element.bits == 1 else "iu"):
        raise _misfit(name, f"expected integers of type {element}, found {array.dtype}")
    low, high = int(array.min()), int(array.max())
    if low < element.minimum or high > element.maximum:
        raise _misfit(
            name,
            f"expected {element.minimum} to {element.maximum} ({element}), found {low} to {high}",
        )
    return array.astype(np.int64)


def _misfit(name: str, problem: str) -> TypeMismatch:
    return TypeMismatch(
        f"samples: input {name}",
        problem,
        "Give an npz file with one array (samples, ...) per input.",
    )

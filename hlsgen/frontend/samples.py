"""Files of samples: npz archives with one array per input."""

from __future__ import annotations

import os

import numpy as np

from hlsgen.errors import BadFile


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

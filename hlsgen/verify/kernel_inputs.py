"""Arrays on which kernels are tried: those that the kernel's file gives, else any elements."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hlsgen.errors import BadFile, TypeMismatch
from hlsgen.loops.ir import Array, Kernel
from hlsgen.loops.python.kernel import PythonKernel, load_python_kernel
from hlsgen.loops.python.lower import lowered_nests


def python_kernel(text: bytes | None, function: str | None) -> PythonKernel | None:
    """The kernel ``function`` of a Python file's text; None for kernels from elsewhere."""
    if text is None or function is None:
        return None
    with _file(text) as path:
        return load_python_kernel(path, function)


def source_lines(text: bytes | None, function: str | None) -> list[Mapping[str, int]]:
    """Operation -> line of the Python file, of every loop graph of a kernel; none for kernels from elsewhere."""
    if text is None or function is None:
        return []
    with _file(text) as path:
        kernel = load_python_kernel(path, function)
        nests = lowered_nests(kernel.whole_signature, kernel.nests())
        return [nest.lines for nest in nests if nest.graph is not None]


@contextmanager
def _file(text: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hlsgen_kernel_") as folder:
        path = Path(folder) / "kernel.py"
        path.write_bytes(text)
        yield path


def input_arrays(kernel: Kernel) -> dict[str, Array]:
    """Arrays that a kernel is given: input and inout."""
    return {
        array.name: array
        for graph in kernel.graphs
        for array in graph.arrays
        if array.role in ("input", "inout")
    }


def random_arrays(
    kernel: Kernel, text: bytes | None, function: str | None, seed: int
) -> dict[str, np.ndarray]:
    """Input and inout arrays by name: what the function ``inputs(random)`` of the kernel's file returns, where there is one.

    Raises BadFile where that cannot be called, TypeMismatch where it returns other arrays than the kernel has.
    """
    random = np.random.default_rng(seed)
    expected = input_arrays(kernel)
    python = python_kernel(text, function)
    given = None if python is None else python.function.__globals__.get("inputs")
    if given is None:
        return {
            name: random.integers(
                array.element.minimum, array.element.maximum, array.shape, endpoint=True
            ).astype(array.element.native)
            for name, array in expected.items()
        }
    where = f"kernel {kernel.name}, inputs(random)"
    try:
        arrays = dict(given(random))
    except Exception as error:
        raise BadFile(
            where,
            f"expected a function that returns arrays by name, found {type(error).__name__}: {error}",
            "Correct the function.",
        ) from None
    return checked(arrays, expected, where)


def checked(
    arrays: dict[str, np.ndarray], expected: dict[str, Array], where: str
) -> dict[str, np.ndarray]:
    """The arrays, of the right names, shapes and types; raises TypeMismatch."""
    missing = sorted(expected.keys() - arrays.keys())
    if missing:
        raise TypeMismatch(
            where,
            f"expected arrays {', '.join(expected)}, found no {missing[0]}",
            "Give all of them.",
        )
    for name, array in expected.items():
        given = np.asarray(arrays[name])
        if given.shape != array.shape or given.dtype != array.element.native:
            raise TypeMismatch(
                f"{where}, array {name}",
                f"expected {array.element.native} of shape {array.shape}, found {given.dtype} of shape {given.shape}",
                "Give an array of the annotated type.",
            )
    return {name: np.asarray(arrays[name]) for name in expected}

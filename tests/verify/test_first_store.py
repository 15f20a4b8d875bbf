"""Of a kernel whose outputs differ, the store and the iteration in which the first of them got its value are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.kernel_examples import clean_kernel
from support.python_files import kernel_of

from hlsgen.artefact.folder import Folder, open_folder
from hlsgen.flow import compile as compile_design
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.progress import silent
from hlsgen.targets.stream_kernel import StreamKernel
from hlsgen.verify.first_store import first_wrong_store
from hlsgen.verify.run import Failure

SOURCE = """
@hlsgen.kernel
def tried(x: In[s16, 4, 3], y: InOut[s32, 4, 3], sums: Out[s32, 4], out: Out[s32, 3]) -> None:
    for i in range(4):
        s = 0
        for j in range(3):
            s += x[i, j]
            y[i, j] = s
        sums[i] = s
    for k in range(1, 4):
        if x[k, 0] > 0:
            sums[k] += sums[k - 1]
    out[0] = s
    out[2] = sums[3]
"""


@pytest.fixture(scope="module")
def example(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], Path]:
    """Inputs, right outputs, and the file of the kernel; rows 1 and 3 of x begin above 0, row 2 does not."""
    folder = tmp_path_factory.mktemp("first_store")
    kernel = kernel_of(folder, SOURCE)
    x = np.array([[5, 1, 2], [7, 0, 1], [-3, 4, 4], [2, 2, 2]], np.int16)
    arrays = {"x": x, "y": np.zeros((4, 3), np.int32)}
    return arrays, evaluate_kernel(clean_kernel(kernel), arrays), folder / "tried.py"


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ([("y", (2, 1))], "y_store of tried_0 in iteration (i 2, j 1), y[2, 1]: got 2, want 1; 1 "),
        ([("y", (3, 0)), ("y", (1, 2)), ("out", (0,))], "iteration (i 1, j 2), y[1, 2]: got 9"),
        ([("sums", (2,)), ("y", (3, 2))], "sums_store of tried_0 in iteration (i 2, j 2)"),
        ([("sums", (1,)), ("sums", (3,))], "of tried_1 in iteration (k 0), sums[1]: got 17"),
        ([("out", (0,)), ("sums", (3,))], "of tried_1 in iteration (k 2), sums[3]"),
        ([("out", (0,))], "out_store of tried_1 in iteration (k 2), out[0]"),
        ([("out", (2,))], "out_store of tried_2 in iteration (once 0), out[2]"),
        ([("out", (1,)), ("y", (0, 0))], "first wrong element: out[1]: got 1, want 0; 2 elements"),
    ],
)
def test_the_first_wrong_store_is_named(
    elements: list[tuple[str, tuple[int, ...]]],
    words: str,
    example: tuple[dict[str, np.ndarray], dict[str, np.ndarray], Path],
) -> None:
    arrays, right, path = example
    outputs = {name: values.copy() for name, values in right.items()}
    for name, element in elements:
        outputs[name][element] += 1
    kernel = clean_kernel(kernel_of(path.parent, SOURCE))
    sentence = first_wrong_store(kernel, arrays, outputs)
    assert sentence is not None and words in sentence
    assert first_wrong_store(kernel, arrays, right) is None


def test_the_store_of_a_compiled_kernel_has_the_line_of_its_source(
    example: tuple[dict[str, np.ndarray], dict[str, np.ndarray], Path], tmp_path: Path
) -> None:
    arrays, right, path = example
    compile_design(f"{path}:tried", output=tmp_path / "built")
    folder = open_folder(tmp_path / "built")
    sentence = finding(folder, arrays, right, "y", missing=False)
    line = path.read_text().splitlines().index("            y[i, j] = s") + 1
    assert sentence is not None and f"first wrong store: y_store (line {line}) of" in sentence
    assert finding(folder, arrays, right, "y", missing=True) is None


def finding(
    folder: Folder,
    arrays: dict[str, np.ndarray],
    right: dict[str, np.ndarray],
    name: str,
    missing: bool,
) -> str | None:
    """What is said of two executions, of which the second has a wrong element."""
    outputs = {name: np.stack([values, values]) for name, values in right.items()}
    outputs[name][1].reshape(-1)[4] += 1
    given = {name: np.stack([values, values]) for name, values in arrays.items()}
    absent = {name: np.full(values.shape, missing) for name, values in outputs.items()}
    failure = Failure(given, "none", 0, 1, outputs, absent)
    target = StreamKernel()
    return target.first_wrong(folder, target.reference(folder, "numpy"), failure, silent)

"""What differs from another reference is counted, and is a failure beyond what the manifest declares."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from support.toy_designs import ToyReference, toy_samples, write_manifest, write_toy

from hlsgen.artefact.declared import Declared, Difference
from hlsgen.artefact.folder import open_folder
from hlsgen.targets.stream_network import StreamNetwork
from hlsgen.verify.agreement import agree, beyond
from hlsgen.verify.result import VerifyResult
from hlsgen.verify.run import Request
from hlsgen.verify.verify import verify_design

BOUNDS, COUNTS = (None, 0, 1, 2), (None, 0, 1, 2)


def promise(bound: int | None, count: int | None) -> Declared:
    return Declared("y", "default", (Difference("node pool", bound, count),))


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("count", COUNTS)
def test_every_small_case_is_counted_as_its_words_say(bound: int | None, count: int | None) -> None:
    for differences in product((-2, -1, 0, 1, 2), repeat=3):
        got = np.array([differences])
        large = [d for d in differences if bound is not None and abs(d) > bound]
        small = [d for d in differences if d and d not in large]
        more = 0 if count is None or bound == 0 else max(0, len(small) - count)
        counted = beyond(got, np.zeros_like(got), promise(bound, count))
        assert counted == len(large) + more, differences


def test_counts_are_of_every_sample_and_bounds_of_every_element() -> None:
    got = np.array([[1, 0, 0], [1, 1, 0], [3, 1, 0]])
    assert beyond(got, np.zeros_like(got), promise(1, 1)) == 1 + 1


def test_without_a_declared_difference_every_element_counts() -> None:
    got = np.array([[0, 1], [255, 0]], dtype=np.uint8)
    assert beyond(got, np.array([[1, 1], [0, 0]], np.int8), Declared("y", "default")) == 2


def test_what_is_not_promised_is_only_counted() -> None:
    outputs = {"y": np.array([[1, 2]]), "z": np.array([[1, 2]])}
    answers = {"y": np.array([[1, 3]]), "z": np.array([[0, 0]])}
    agreement = agree("default", answers, outputs, {"y": Declared("y", "default")})
    assert (agreement.mismatches, agreement.undeclared, agreement.elements) == (3, 1, 4)


def test_a_promised_value_that_the_reference_lacks_is_wrong_in_every_element() -> None:
    outputs = {"y": np.array([[1, 2]])}
    assert agree("default", {}, outputs, {"y": Declared("y", "default")}).undeclared == 2
    agreement = agree("default", {}, outputs, {})
    assert (agreement.undeclared, agreement.elements) == (0, 0)
    assert "no value that could be compared" in agreement.text()


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("agreeing_toy")
    write_toy(directory)
    return directory


def verified(directory: Path, off: int, differences: tuple[Difference, ...]) -> VerifyResult:
    """The toy, right in every element, against an ONNX Runtime that is ``off`` in elements above 100."""
    entry = Declared("y", "integer", differences)
    write_manifest(directory, declared=[entry.as_json()])
    reference = ToyReference(off)
    given = reference.samples(toy_samples(6), None, 0)
    request = Request("none", "fast", "numpy", 3)
    return verify_design(open_folder(directory), StreamNetwork(), reference, given, request)


LARGE = int((toy_samples(6)["x"] < -99).sum())
TIES = "node pool (AveragePool): ties are decided by noise"
CASES: dict[str, tuple[int, tuple[Difference, ...], int]] = {
    "equal": (0, (), 0),
    "nothing declared": (1, (), LARGE),
    "within the bound": (1, (Difference(TIES, 1),), 0),
    "beyond the bound": (2, (Difference(TIES, 1),), LARGE),
    "two causes": (2, (Difference(TIES, 1), Difference("node add: sums", 1)), 0),
    "no bound known": (90, (Difference(TIES, None),), 0),
    "no bound but a count": (90, (Difference(TIES, None, 0),), LARGE),
}


@pytest.mark.parametrize("case", CASES)
def test_a_difference_from_onnx_runtime_fails_unless_it_is_declared(case: str, toy: Path) -> None:
    off, differences, undeclared = CASES[case]
    result = verified(toy, off, differences)
    assert LARGE > 0 and result.mismatches == 0
    assert result.undeclared == undeclared
    assert result.good == (undeclared == 0)
    first, *rest = result.text().splitlines()
    if undeclared:
        assert first == (
            f"WRONG: {undeclared} elements differ from ONNX Runtime (session with int8 kernels allowed)"
            " by more than was declared"
        )
    else:
        assert first == "good"
    assert any(TIES in line for line in rest) == any(d.reason == TIES for d in differences)
    written = json.loads((toy / "verify.json").read_text())
    assert (written["good"], written["undeclared"]) == (result.good, undeclared)

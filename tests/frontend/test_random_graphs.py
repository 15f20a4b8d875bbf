"""Random networks with branches and joins: whatever ONNX Runtime runs is computed equally, as declared, or refused in three lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from support.random_graphs import random_graph
from support.random_outcome import outcome
from support.random_values import NotRunnable, answers

from hlsgen import flow
from hlsgen.errors import HlsgenError


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "seeds",
    [range(12), pytest.param(range(12, 2000), marks=pytest.mark.slow)],
    ids=["few", "many"],
)
def test_a_random_network_is_computed_as_onnxruntime_does_as_declared_or_refused(
    seeds: range,
) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        try:
            counts[outcome(*random_graph(seed))] += 1
        except NotRunnable:
            counts["not runnable"] += 1
        except Exception as error:
            error.add_note(f"random_graph({seed})")
            raise
    print(dict(counts))
    assert counts["equal"] + counts["declared"] > len(seeds) // 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(200))
def test_the_circuit_of_a_random_network_computes_its_meaning(seed: int, tmp_path: Path) -> None:
    try:
        model, samples = random_graph(seed)
        answers(model, samples)
    except NotRunnable as reason:
        pytest.skip(f"ONNX Runtime refuses it: {reason}")
    try:
        design = flow.compile(model, effort="small", output=tmp_path / "design")
    except HlsgenError as refusal:
        assert len(str(refusal).splitlines()) == 3
        pytest.skip(f"refused: {refusal}")
    result = design.verify(samples, engine="fast")
    assert result.good, result.text()

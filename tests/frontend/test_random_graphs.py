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
@pytest.mark.parametrize("first", range(0, 200, 20))
def test_the_circuits_of_random_networks_compute_their_meaning(first: int, tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    for seed in range(first, first + 20):
        try:
            model, samples = random_graph(seed)
            answers(model, samples)
        except NotRunnable:
            counts["not runnable"] += 1
            continue
        try:
            design = flow.compile(model, effort="small", output=tmp_path / f"design_{seed}")
        except HlsgenError as refusal:
            assert len(str(refusal).splitlines()) == 3
            counts["refused"] += 1
            continue
        result = design.verify(samples, engine="fast")
        assert result.good, f"random_graph({seed})\n{result.text()}"
        counts["computed"] += 1
    print(dict(counts))
    assert counts["computed"] > 20 // 3

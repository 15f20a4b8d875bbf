"""Random models with unusual attributes: whatever ONNX Runtime runs is computed equally, as declared, or refused in three lines."""

from __future__ import annotations

from collections import Counter

import pytest
from support.random_operators import KINDS, random_model
from support.random_outcome import outcome
from support.random_values import NotRunnable


def outcomes(kind: str, seeds: range) -> Counter[str]:
    counts: Counter[str] = Counter()
    for seed in seeds:
        try:
            model, samples = random_model(kind, seed)
            counts[outcome(model, samples)] += 1
        except NotRunnable:
            counts["not runnable"] += 1
        except Exception as error:
            error.add_note(f"random_model({kind!r}, {seed})")
            raise
    return counts


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "count", [12, pytest.param(400, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("kind", [*KINDS, "chain"])
def test_a_random_model_is_computed_as_onnxruntime_does_as_declared_or_refused(
    kind: str, count: int
) -> None:
    counts = outcomes(kind, range(count))
    print(kind, dict(counts))
    assert counts["equal"] + counts["declared"] > count // 8

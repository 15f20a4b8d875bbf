"""Small networks of tables in the form of truth_tables.json, and their meaning: sums of entries, written from the form and from nothing of hlsgen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np


def additive(
    sizes: Sequence[int], bits: Sequence[int], seed: int = 0, pruned: float = 0.3
) -> dict[str, Any]:
    """Random smooth tables of ``bits`` of index layer by layer, with values that overflow the next layer's code now and then."""
    random = np.random.default_rng(seed)
    entries = {}
    for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
        reach = 1 << (bits[layer + 1] - 1)
        for i in range(inputs):
            for o in range(outputs):
                steps = random.normal(0, reach / 6, 1 << bits[layer]).cumsum()
                values = np.clip(np.rint(steps - steps.mean()), -reach, reach - 1).astype(int)
                active = bool(random.random() >= pruned)
                kept = values if active else 0 * values
                entries[f"{layer}_{i}_{o}"] = {
                    "acive": int(active),
                    "values_int": kept.tolist(),
                }
    return entries


def additive_results(
    entries: dict[str, Any], sizes: Sequence[int], bits: Sequence[int], codes: np.ndarray
) -> np.ndarray:
    """Results (samples, outputs) for codes of the inputs (samples, inputs)."""
    results = []
    for sample in codes.tolist():
        index = sample
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            reach = 1 << (bits[layer + 1] - 1)
            sums = [
                sum(
                    entries[f"{layer}_{i}_{o}"]["values_int"][index[i]]
                    for i in range(inputs)
                    if entries[f"{layer}_{i}_{o}"]["acive"]
                )
                for o in range(outputs)
            ]
            kept = [min(max(total, -reach), reach - 1) for total in sums]
            index = [value + reach for value in kept]
        results.append(kept)
    return np.array(results)

"""Networks of tables of a fixed seed, in the forms that hlsgen reads: additive tables as KANELÉ publishes them, and logic of lookup tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np


def additive(
    sizes: Sequence[int], bits: Sequence[int], seed: int = 0, pruned: float = 0.3
) -> dict[str, Any]:
    """Random walks as tables, of ``bits`` of index layer by layer, the last of the results; their sums overflow the next code now and then."""
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
                entries[f"{layer}_{i}_{o}"] = {"acive": int(active), "values_int": kept.tolist()}
    return entries


def logic(
    inputs: int,
    thresholds: int,
    neurons: Sequence[int],
    classes: int,
    seed: int = 0,
    fan_in: int = 3,
) -> dict[str, Any]:
    """An encoder of bytes, layers of random tables of ``fan_in`` bits, the last one of gates instead, and counts."""
    random = np.random.default_rng(seed)
    width = inputs * thresholds
    levels = np.sort(random.integers(1, 256, (inputs, thresholds)), axis=1)
    names = ["and", "or", "xor", "nand", "not_a_or_b", "a"]
    layers: list[dict[str, Any]] = []
    for number, count in enumerate(neurons):
        gates = number == len(neurons) - 1
        places = random.integers(0, width, (count, 2 if gates else fan_in)).tolist()
        if gates:
            layers.append({"inputs": places, "gates": random.choice(names, count).tolist()})
        else:
            words = random.integers(0, 2, (count, 1 << fan_in))
            tables = [sum(int(bit) << k for k, bit in enumerate(row)) for row in words]
            layers.append({"inputs": places, "tables": tables})
        width = count
    return {
        "format": "hlsgen.logic",
        "inputs": inputs,
        "input_bits": 8,
        "thresholds": levels.tolist(),
        "layers": layers,
        "classes": classes,
    }

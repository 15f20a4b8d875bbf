"""The meaning of networks of tables and of logic, written from their files and from nothing of hlsgen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np


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


def logic_results(content: dict[str, Any], codes: np.ndarray) -> np.ndarray:
    """Counts (samples, classes) for codes of the inputs; gates by their names."""
    functions = {
        "and": lambda a, b: a and b,
        "or": lambda a, b: a or b,
        "xor": lambda a, b: a != b,
        "nand": lambda a, b: not (a and b),
        "nor": lambda a, b: not (a or b),
        "xnor": lambda a, b: a == b,
        "a": lambda a, b: a,
        "b": lambda a, b: b,
        "not_a": lambda a, b: not a,
        "not_b": lambda a, b: not b,
        "a_and_not_b": lambda a, b: a and not b,
        "not_a_and_b": lambda a, b: b and not a,
        "a_or_not_b": lambda a, b: a or not b,
        "not_a_or_b": lambda a, b: b or not a,
        "false": lambda a, b: False,
        "true": lambda a, b: True,
    }
    results = []
    for sample in codes.tolist():
        bits = [bool(code & 1) for code in sample]
        if "thresholds" in content:
            rows = zip(sample, content["thresholds"], strict=True)
            bits = [code >= level for code, levels in rows for level in levels]
        for layer in content["layers"]:
            chosen = [[bits[place] for place in row] for row in layer["inputs"]]
            if "gates" in layer:
                pairs = zip(layer["gates"], chosen, strict=True)
                bits = [bool(functions[gate](*inputs)) for gate, inputs in pairs]
                continue
            bits = [
                bool(word >> sum(bit << k for k, bit in enumerate(inputs)) & 1)
                for word, inputs in zip(layer["tables"], chosen, strict=True)
            ]
        size = len(bits) // content["classes"]
        results.append([sum(bits[k : k + size]) for k in range(0, len(bits), size)])
    return np.array(results)

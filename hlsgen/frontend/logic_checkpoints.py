"""Networks of logic from what is in the checkpoints of those who train them, as plain arrays (NumPy's, or tensors that NumPy takes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hlsgen.frontend.logic_tables import FORMAT, GATES


def of_difflogic(
    layers: Sequence[tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]],
    inputs: int,
    classes: int | None = None,
    thresholds: npt.ArrayLike | None = None,
    input_bits: int = 8,
) -> dict[str, Any]:
    """The JSON object of a difflogic or torchlogix network, to be written to a file.

    ``layers``: of each LogicLayer ``indices[0]``, ``indices[1]`` (neurons,) and ``weights`` (neurons, 16), whose greatest is the gate. ``classes``: k of the
    GroupSum behind them. ``thresholds`` (inputs, number): of an encoder in front, in codes of ``input_bits``; without it inputs are bits.
    """
    names = list(GATES)
    entries = []
    for first, second, weights in layers:
        gates = np.asarray(weights).argmax(axis=1)
        places = np.stack([np.asarray(first), np.asarray(second)], axis=1)
        entries.append({"inputs": places.tolist(), "gates": [names[gate] for gate in gates]})
    return _network(entries, inputs, classes, thresholds, input_bits)


def of_dwn(
    layers: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]],
    inputs: int,
    classes: int | None = None,
    thresholds: npt.ArrayLike | None = None,
    input_bits: int = 8,
) -> dict[str, Any]:
    """The JSON object of a DWN.

    ``layers``: of each LUTLayer ``mapping`` (neurons, n), the first place in the lowest bit of the index, and ``luts`` (neurons, 2**n), whose entries
    above 0 are 1; a learned mapping is the greatest of its weights by ``argmax``. The rest as of ``of_difflogic``.
    """
    entries = []
    for mapping, luts in layers:
        ones = np.asarray(luts) > 0
        tables = [sum(1 << k for k in np.flatnonzero(row).tolist()) for row in ones]
        entries.append({"inputs": np.asarray(mapping).tolist(), "tables": tables})
    return _network(entries, inputs, classes, thresholds, input_bits)


def _network(
    layers: Sequence[dict[str, Any]],
    inputs: int,
    classes: int | None,
    thresholds: npt.ArrayLike | None,
    input_bits: int,
) -> dict[str, Any]:
    content: dict[str, Any] = {"format": FORMAT, "inputs": inputs, "layers": list(layers)}
    if classes is not None:
        content["classes"] = classes
    if thresholds is not None:
        # a bit is x > t, which of integers is x >= floor(t) + 1
        levels = np.clip(np.floor(np.asarray(thresholds, np.float64)) + 1, 0, 1 << input_bits)
        content |= {"input_bits": input_bits, "thresholds": levels.astype(int).tolist()}
    return content

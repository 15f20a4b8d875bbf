"""Models of one mean over windows of which every reachable sum occurs, of different elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from hlsgen.artefact.declared import Session
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import run_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.ops.requantise import Requantise, RequantiseMean
from hlsgen.passes import to_integer
from support.quantised_models import ELEMENTS, QuantisedModel

SPLITS = 4
"""How often every sum appears, of different elements."""


def windows_of_sums(
    sums: np.ndarray, count: int, least: int, greatest: int, seed: int
) -> np.ndarray:
    """(windows, count) random integers within bounds, each row with one of ``sums``."""
    random = np.random.default_rng(seed)
    rest, rows = sums.copy(), np.empty((sums.size, count), np.int64)
    for k in range(count):
        left = count - 1 - k
        low = np.maximum(least, rest - left * greatest)
        high = np.minimum(greatest, rest - left * least)
        rows[:, k] = random.integers(low, high + 1)
        rest -= rows[:, k]
    assert not rest.any()
    return rows


CLIPS = {"Clip": (20, 20), "Clip above": (0, 20), "Clip below": (20, 0)}
"""How far bounds of a Clip lie within those of the elements."""


class MeanModel:
    """A pool over windows (1, width) of a row, each a sum."""

    def __init__(
        self,
        op: str,
        count: int,
        element: str,
        scales: tuple[float, float],
        zeros: tuple[int, int],
        between: str | None = None,
        oftener: np.ndarray | None = None,
    ) -> None:
        """``scales``, ``zeros``: before and after; ``between``: an operator before the QuantizeLinear; ``oftener``: sums of elements less
        their zero point that occur once more for each time that they are given."""
        kind, low, high = ELEMENTS[element]
        sums = np.repeat(np.arange(count * low, count * high + 1), SPLITS)
        if oftener is not None:
            sums = np.concatenate([sums, oftener + count * zeros[0]])
        rows = windows_of_sums(sums, count, low, high, seed=count)
        self.sums = rows.sum(axis=1) - count * zeros[0]
        one_each = op != "AveragePool"
        shape = (1, len(rows), 1, count) if one_each else (1, 1, 1, rows.size)
        self.x = {"x": rows.reshape(shape).astype(kind)}
        model = QuantisedModel(shape, element)
        value = model.dequantize("x", scales[0], zeros[0], element)
        attributes: dict[str, Any] = {
            "AveragePool": {"kernel_shape": [1, count], "strides": [1, count]},
            "ReduceMean": {"axes": [3]},
        }.get(op, {})
        value = model.node(op, value, **attributes)
        if between in CLIPS:
            down, up = CLIPS[between]
            bounds = (scales[1] * (bound - zeros[1]) for bound in (low + down, high - up))
            value = model.node("Clip", value, *(model.constant(np.float32(b)) for b in bounds))
        elif between is not None:
            value = model.node(between, value)
        self.proto: onnx.ModelProto = model.finish(
            model.quantize(value, scales[1], zeros[1], element)
        )
        self.hardware = to_integer(read_model(self.proto)).hardware
        self.range = low - zeros[0], high - zeros[0]

    def results(self) -> np.ndarray:
        (values,) = evaluate(self.hardware, self.x).values()
        return np.asarray(values).reshape(-1)

    def onnxruntime(self, kernels: Session) -> np.ndarray:
        (name,) = (value.name for value in self.proto.graph.output)
        return run_session(self.proto, self.x, [name], kernels)[name].reshape(-1).astype(int)

    def requantise(self) -> Requantise:
        (op,) = (n.op for n in self.hardware.nodes if isinstance(n.op, Requantise))
        return op

    def undecided(self) -> np.ndarray:
        op = self.requantise()
        if not isinstance(op, RequantiseMean):
            return np.array([], int)
        return op.mean.undecided(*self.range, op.low, op.high)

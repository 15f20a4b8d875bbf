"""Float models in fixed point, with ranges from samples, and how far that is from what ONNX Runtime computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.errors import TypeMismatch
from hlsgen.fixed_point.convert import prepared, to_fixed_point
from hlsgen.fixed_point.ranges import measured
from hlsgen.frontend.calibrate import checked_samples
from hlsgen.frontend.float_weights import computes_on_reals
from hlsgen.frontend.masks import with_bounded_masks
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import run_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.numbers import SampleSource
from hlsgen.ops.tensor_type import F32
from hlsgen.passes.host_cut import IntegerModel

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class OutputError:
    """Of one output over ``samples``: the largest and the mean difference from ONNX Runtime's result, whose range is ``spread``."""

    output: str
    samples: int
    largest: float
    mean: float
    spread: float

    @property
    def relative(self) -> float:
        """The largest difference as a part of the range."""
        return self.largest / self.spread if self.spread else 0.0

    def __str__(self) -> str:
        return (
            f"{self.output}: at most {self.largest:.3g} different, {self.mean:.3g} on average, of a range of {self.spread:.3g}"
            f" ({self.relative:.2g} of it), over {self.samples:,} samples"
        )


def in_fixed_point(
    graph: Graph,
    model: onnx.ModelProto,
    samples: SampleSource,
    bits: int,
) -> tuple[IntegerModel, tuple[OutputError, ...]]:
    """The integer model of a float model in numbers of ``bits`` bits, in formats that hold what the samples reach (npz file, or arrays with the
    samples along axis 0), and its errors on them. Raises HlsgenError for models that are not float, bad samples, and operators without form."""
    if any(graph.types[name].element != F32 for name in graph.inputs) or not computes_on_reals(
        graph
    ):
        raise TypeMismatch(
            f"{graph.name}, precision",
            "expected a float model, found one that is quantised, or that takes integers",
            "Leave out --precision for a model that is quantised already.",
        )
    arrays = checked_samples(graph, samples)
    if any(node.op_type == "Softmax" for node in model.graph.node):
        graph = _with_bounded_masks(model, arrays)
    whole = prepared(graph)
    integer = to_fixed_point(whole, measured(whole, arrays), bits)
    return integer, errors_of(model, integer, arrays)


def _with_bounded_masks(model: onnx.ModelProto, arrays: Mapping[str, np.ndarray]) -> Graph:
    """The graph whose masks in front of a Softmax are in the range of its operands: fixed-point numbers have no infinity."""
    import onnx

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    count = len(next(iter(arrays.values())))
    rows = [{name: array[k : k + 1] for name, array in arrays.items()} for k in range(count)]
    return read_model(with_bounded_masks(changed, rows))


def errors_of(
    model: onnx.ModelProto, integer: IntegerModel, samples: Mapping[str, np.ndarray]
) -> tuple[OutputError, ...]:
    """How far the outputs of an integer model are from those of ONNX Runtime on the float model. Raises NoSession where it does not run it."""
    results = outputs_of(integer, samples)
    floats = run_session(model, samples, tuple(results), "default")
    errors = []
    for name, array in results.items():
        reference = floats[name].reshape(array.shape).astype(np.float64)
        difference = np.abs(array.astype(np.float64) - reference)
        spread = float(reference.max() - reference.min())
        errors.append(
            OutputError(name, len(array), float(difference.max()), float(difference.mean()), spread)
        )
    return tuple(errors)


def outputs_of(integer: IntegerModel, samples: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the three parts of an integer model make of samples along axis 0."""
    given = evaluate(integer.host_before, samples)
    passed = {**given, **evaluate(integer.hardware, given)}
    asked = {name: passed[name] for name in integer.host_after.inputs}
    return evaluate(integer.host_after, asked)

"""Samples of a model with states: a sequence, in which the model makes the states itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.frontend.model_file import load_whole
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import run_session
from hlsgen.frontend.samples import arrays_of, without_labels
from hlsgen.graph.evaluate import check_inputs
from hlsgen.numbers import SampleSource
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.states import check_states

if TYPE_CHECKING:
    import onnx


def sequence_samples(
    model: str | os.PathLike[str] | onnx.ModelProto,
    samples: SampleSource,
    states: Mapping[str, str],
) -> Any:
    """``samples`` with the states that ONNX Runtime reaches on them, one sample after the other; as given where there are no states.

    Raises BadFile, BadOption, TypeMismatch.
    """
    if not states:
        return samples
    graph = read_model(model)
    check_states(graph, states)
    inputs = [name for name in graph.inputs if name not in states.values()]
    given, _ = without_labels(arrays_of(samples, inputs), graph.inputs)
    types = {input: graph.types[input] for input in states.values()}
    kept = {name: np.zeros(type.shape, storage(type.element)) for name, type in types.items()}
    first = {name: array for name, array in given.items() if name not in kept}
    count = len(next(iter(first.values()), ()))
    whole = {**first, **{name: np.repeat(zero, count, axis=0) for name, zero in kept.items()}}
    if check_inputs(graph, whole) == 0:
        return whole
    values = run_session(load_whole(model), first, tuple(states), "unoptimised", states)
    for output, input in states.items():
        reached = values[output].reshape(whole[input].shape)
        whole[input] = np.concatenate([kept[input], reached[:-1]]).astype(kept[input].dtype)
    return whole

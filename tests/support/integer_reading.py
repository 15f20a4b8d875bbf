"""A quantised model at all levels above the circuit: integer graph, dataflow, and the session of ONNX Runtime that is promised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from hlsgen.dataflow.check import check
from hlsgen.dataflow.interpret import interpret
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.qonnx import in_standard_operators
from hlsgen.frontend.reference import ort_reference
from hlsgen.graph.evaluate import evaluate
from hlsgen.lowering.lower import lower
from hlsgen.passes import to_integer
from hlsgen.verify.agreement import beyond

DATAFLOW_SAMPLES = 2


@dataclass(frozen=True)
class Reading:
    """``processes``: names of the dataflow's; ``bound``: what is declared of the outputs together (None: no bound known); ``different``: elements
    that differ from the promised session."""

    processes: tuple[str, ...]
    bound: int | None
    different: int


def assert_reads(model: onnx.ModelProto, samples: dict[str, np.ndarray]) -> Reading:
    """Asserts that the dataflow has the meaning of the integer graph, and that this differs from ONNX Runtime's as declared at most."""
    integer = to_integer(read_model(model))
    lowered = lower(integer.hardware)
    check(lowered.dataflow)
    values = evaluate(integer.host_before, samples)
    outputs = evaluate(integer.hardware, values)
    streams = {
        port.channel: port.to_stream(values[port.value][:DATAFLOW_SAMPLES])
        for port in lowered.inputs
    }
    computed = interpret(lowered.dataflow, streams)
    for port in lowered.outputs:
        tensor = np.asarray(port.to_tensor(computed[port.channel])).reshape(-1)
        want = np.asarray(outputs[port.value]).reshape(-1)[: tensor.size]
        assert np.array_equal(tensor, want), f"{port.value}: {np.sum(tensor != want)} differ"
    model = in_standard_operators(model)
    promises = declared_outputs(model, integer)
    assert promises, "no output that ONNX Runtime has too"
    bounds, different = [], 0
    for promise in promises:
        answer = ort_reference(model, samples, integer, promise.session)[promise.value]
        got = np.asarray(outputs[promise.value]).reshape(answer.shape)
        assert beyond(got, answer, promise) == 0, f"{promise.value} differs more than declared"
        different += int(np.count_nonzero(got != answer))
        bounds.append(promise.bound)
    bound = None if None in bounds else sum(b for b in bounds if b is not None)
    return Reading(tuple(p.name for p in lowered.dataflow.processes), bound, different)

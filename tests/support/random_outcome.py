"""What becomes of a model that ONNX Runtime runs: the same, what is declared, or a refusal."""

from __future__ import annotations

import numpy as np
import onnx

from hlsgen.artefact.declared import Declared
from hlsgen.errors import HlsgenError
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.frontend.support import support
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import IntegerModel, to_integer
from hlsgen.verify.agreement import agree
from support.lowered_examples import assert_same_meaning
from support.random_values import answers

Tensors = dict[str, np.ndarray]


def outcome(model: onnx.ModelProto, samples: Tensors) -> str:
    """``equal``, ``declared`` or ``refused``; fails where a result is neither of them."""
    expected = answers(model, samples)
    rows = support(model)
    try:
        integer = to_integer(read_model(model))
        promises = declared_outputs(model, integer)
    except HlsgenError as error:
        assert len(str(error).splitlines()) == 3, str(error)
        named = [row for row in rows if f"node {row.node} (" in error.where]
        assert not named or named[0].where == "unsupported", (rows, str(error))
        return "refused"
    before = evaluate(integer.host_before, samples)
    entering = {name: before[name] for name in integer.hardware.inputs}
    try:
        assert_same_meaning(integer.hardware, entering)
    except HlsgenError as error:  # what compile says where it lowers
        assert len(str(error).splitlines()) == 3, str(error)
        return "refused"
    results = evaluate(integer.hardware, entering)
    for promise in promises:
        reference = ort_reference(model, samples, integer, promise.session)
        got = {promise.value: results[promise.value].astype(np.int64)}
        agreement = agree(promise.session, reference, got, {promise.value: promise})
        assert agreement.undeclared == 0, agreement.text()
    if any(promise.differences for promise in promises):
        return "declared"
    assert_outputs_equal(integer, promises, {**before, **results}, expected)
    return "equal"


def assert_outputs_equal(
    integer: IntegerModel, promises: tuple[Declared, ...], values: Tensors, expected: Tensors
) -> None:
    """The whole model, host parts included, against ONNX Runtime as the file is written."""
    for name, want in expected.items():
        got = np.stack([whole(integer, values, k)[name] for k in range(len(want))])
        got = got.reshape(want.shape)
        if np.issubdtype(want.dtype, np.floating):
            assert np.allclose(got, want, rtol=1e-3, atol=1e-4), name
        elif promises and promises[0].session == "unoptimised":
            assert np.array_equal(got, want), name


def whole(integer: IntegerModel, values: Tensors, sample: int) -> Tensors:
    """The model's outputs for one sample, from what enters and what leaves the hardware."""
    after = integer.host_after
    inputs = {}
    for name in after.inputs:
        shape = after.types[name].shape
        inputs[name] = np.asarray(values[name]).reshape(-1, *shape)[sample]
    return {name: np.asarray(array) for name, array in evaluate(after, inputs).items()}

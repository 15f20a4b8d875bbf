"""Forms that exporters write seldom, each once read wrongly or stopped with a traceback."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from support.quantised_models import QuantisedModel

from hlsgen.errors import HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.declared import declared_outputs
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.reference import ort_reference
from hlsgen.frontend.sessions import NoSession, open_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.passes import to_integer


def differing(model: onnx.ModelProto, samples: dict[str, np.ndarray]) -> int:
    """Elements that differ from the session that is matched, in which equality is declared."""
    integer = to_integer(read_model(model))
    (promise,) = declared_outputs(model, integer)
    assert promise.exact
    (got,) = evaluate(integer.hardware, evaluate(integer.host_before, samples)).values()
    (want,) = ort_reference(model, samples, integer, promise.session).values()
    assert got.shape == want.shape
    return int(np.count_nonzero(got != want))


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool", "Conv"])
def test_auto_pad_with_dilations_is_refused_at_its_node(operator: str) -> None:
    model = QuantisedModel((1, 1, 7), "u8", opset=19)
    operands = [model.dequantize("x", 0.1, 3, "u8")]
    if operator == "Conv":
        operands.append(model.weights((1, 1, 3), 1, False))
    attributes = {"kernel_shape": [3], "auto_pad": "SAME_UPPER", "dilations": [2]}
    value = model.node(operator, *operands, **attributes)
    with pytest.raises(TypeMismatch, match=f"node {operator}.*\n.*without dilations, found .2.: "):
        read_model(model.finish(model.quantize(value, 0.1, 3, "u8")))


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("strides", [[3, 3], [1, 3]])
def test_auto_pad_that_would_leave_elements_out_of_a_pool_is_refused(
    operator: str, strides: list[int]
) -> None:
    model = QuantisedModel((1, 2, 7, 3), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    attributes = {"kernel_shape": [3, 1], "auto_pad": "SAME_UPPER", "strides": strides}
    value = model.node(operator, x, **attributes)
    with pytest.raises(TypeMismatch, match=f"node {operator}_1.*\n.*found pads of .*-2"):
        read_model(model.finish(model.quantize(value, 0.1, 3, "u8")))


def test_auto_pad_of_a_convolution_that_leaves_elements_out_pads_nothing() -> None:
    model = QuantisedModel((1, 2, 6, 4), "u8")
    x = model.dequantize("x", model.scale, model.zero, "u8")
    attributes: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": [3, 2]}
    value = model.node("Conv", x, model.weights((3, 2, 1, 1), 3, False), **attributes)
    assert differing(model.finish(model.quantize(value, 0.01, 3, "u8")), model.samples(5)) == 0


def test_sums_of_few_bits_are_compared_with_onnxruntime_s_int32() -> None:
    model = QuantisedModel((1, 3), "s8")
    weights = model.constant(model.random.integers(-99, 99, (3, 2)).astype(np.int8))
    assert differing(model.finish(model.node("MatMulInteger", "x", weights)), model.samples(5)) == 0


def spoiled_by_the_optimiser() -> QuantisedModel:
    """ONNX Runtime makes a QLinearAveragePool of this pool, and refuses that for the shape of its scale."""
    model = QuantisedModel((1, 2, 6, 6), "u8")
    scale, zero = model.constant(np.float32([0.05])), model.constant(np.uint8([7]))
    x = model.node("DequantizeLinear", "x", scale, zero)
    value = model.node("AveragePool", x, kernel_shape=[2, 2])
    model.node("QuantizeLinear", value, model.constant(np.float32([0.041])), zero)
    return model


def test_a_model_that_onnxruntime_s_optimiser_spoils_is_compared_without_it() -> None:
    model = spoiled_by_the_optimiser()
    proto = model.finish(model.nodes[-1].output[0])
    with pytest.raises(NoSession, match="default session"):
        open_session(proto, [], "default")
    (promise,) = declared_outputs(proto, to_integer(read_model(proto)))
    assert promise.session == "unoptimised"


def test_a_model_that_onnxruntime_runs_in_no_session_is_refused() -> None:
    model = QuantisedModel((1, 1, 9), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    weights = model.weights((1, 1, 2), 1, False)
    value = model.node("Conv", x, weights, pads=[1, 0], unknown=1)
    value = model.node("MaxPool", value, kernel_shape=[2], pads=[2, 2])
    proto = model.finish(model.quantize(value, 0.1, 3, "u8"))
    with pytest.raises(HlsgenError) as refusal:
        declared_outputs(proto, to_integer(read_model(proto)))
    assert len(str(refusal.value).splitlines()) == 3


def test_samples_do_not_mix_where_a_product_or_a_sum_adds_axes_before_the_batch() -> None:
    for operator, shape in (("MatMul", (1, 4, 3)), ("Add", (1, 1, 4)), ("Mul", (1, 1, 4))):
        model = QuantisedModel((1, 4), "u8")
        x = model.dequantize("x", 0.1, 3, "u8")
        constant = model.constant(model.random.normal(size=shape).astype(np.float32))
        value = model.quantize(model.node(operator, x, constant), 0.1, 100, "u8")
        value = model.node("Flatten", value)
        size = 3 if operator == "MatMul" else 4
        product = model.node(
            "Gemm", model.dequantize(value, 0.1, 100, "u8"), model.weights((size, 2), 2, False, 1)
        )
        proto = model.finish(model.quantize(product, 0.03, 3, "u8"))
        integer, samples = to_integer(read_model(proto)), model.samples(4)
        together = evaluate(integer.host_before, samples)
        for k in range(4):
            alone = evaluate(integer.host_before, {"x": samples["x"][k : k + 1]})
            for name, array in alone.items():
                assert np.array_equal(array[0], together[name][k]), operator


@pytest.mark.parametrize("beta", [1.0, 0.5])
def test_a_sum_after_a_gemm_is_not_multiplied_by_its_beta(beta: float) -> None:
    model = QuantisedModel((1, 4), "u8")
    x = model.dequantize("x", model.scale, model.zero, "u8")
    bias = model.constant(np.float32([5.0, -3.0]))
    value = model.node("Gemm", x, model.weights((4, 2), 2, False, 1), beta=beta)
    proto = model.finish(model.quantize(model.node("Add", value, bias), 0.05, 100, "u8"))
    if beta == 1.0:
        (promise,) = declared_outputs(proto, to_integer(read_model(proto)))
        assert promise.bound in (0, 1)
        return
    with pytest.raises(UnsupportedOp, match="node Add_3"):
        to_integer(read_model(proto))


@pytest.mark.parametrize("shape", [(1, 40, 1, 1), (1, 40, 2, 2)])
def test_a_mean_over_the_map_is_not_called_equal_where_rounded_scales_decide_halves(
    shape: tuple[int, ...],
) -> None:
    """The ratio 1.25 of the scales is exact, 0.05 and 0.04 are not."""
    model = QuantisedModel(shape, "s8")
    x = model.dequantize(model.quantize("x", 0.05, 3, "s8"), 0.05, 3, "s8")
    value = model.quantize(model.node("GlobalAveragePool", x), 0.04, 0, "s8")
    proto = model.finish(model.dequantize(value, 0.04, 0, "s8"))
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    reals = 2 * model.random.normal(size=(40, *shape[1:]))
    assert differing(proto, {"x": reals.astype(np.float32)}) == 0


def test_a_convolution_to_no_channels_is_refused_at_its_node() -> None:
    model = QuantisedModel((1, 3, 4, 4), "u8")
    x = model.dequantize("x", 0.1, 3, "u8")
    value = model.node("Conv", x, model.weights((0, 3, 1, 1), 1, False))
    proto = model.finish(model.quantize(value, 0.1, 3, "u8"))
    with pytest.raises(UnsupportedOp, match=r"node Conv_2.*\n.*the weights have no elements"):
        to_integer(read_model(proto))

"""Static post-training quantisation of float models, by onnxruntime.quantization."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.errors import HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.decomposed import with_decomposed_operators
from hlsgen.frontend.float_weights import takes_reals, with_float_weights
from hlsgen.frontend.inferred_shapes import with_shapes
from hlsgen.frontend.masks import with_bounded_masks
from hlsgen.frontend.mean_scales import tie_free_scales
from hlsgen.frontend.model_file import load_whole
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.plain_operators import with_plain_operators, without_bare_clips
from hlsgen.frontend.samples import arrays_of, without_labels
from hlsgen.frontend.state_scales import scales_of_states
from hlsgen.frontend.unrolled_cells import with_unrolled_cells
from hlsgen.graph.evaluate import check_inputs
from hlsgen.graph.ir import Graph
from hlsgen.numbers import SampleSource

if TYPE_CHECKING:
    import onnx


def calibrate(
    model: str | os.PathLike[str] | onnx.ModelProto,
    samples: SampleSource,
    states: Collection[str] = (),
) -> onnx.ModelProto:
    """The float model as a QDQ model: u8 activations per tensor (which ONNX Runtime runs in integers by default), s8 weights per channel, ranges from the samples.

    ``samples``: arrays by input name with the samples along axis 0, or the npz file of them. Every operator that hlsgen makes
    hardware of is quantised; Softmax and LogSoftmax stay float. Means that ONNX Runtime computes on floats get scales for which
    no sum is near a half (``mean_scales``), inputs that are ``states`` one scale each. Raises HlsgenError for bad models and samples.
    """
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    graph = read_model(model)
    if not takes_reals(graph):
        raise TypeMismatch(
            f"{graph.name}, inputs",
            f"expected a float model to quantise, found inputs {[str(graph.types[n]) for n in graph.inputs]}",
            "Leave out --calibrate for a model that is quantised already.",
        )
    arrays = checked_samples(graph, samples)
    proto = load_whole(model)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        source, prepared = Path(folder, "float.onnx"), Path(folder, "prepared.onnx")
        try:
            modern = _modern(with_float_weights(_one_sample(proto)))
            onnx.save(with_decomposed_operators(modern), source)
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            whole = with_shapes(with_unrolled_cells(onnx.load(str(prepared))))
            plain = with_bounded_masks(with_plain_operators(whole), _Reader(arrays, proto))
            onnx.save(with_shapes(_flat_biases(plain)), prepared)
            scales: dict[str, tuple[float, int]] = {}
            quantised = _quantise(prepared, _Reader(arrays, proto), scales)
            for _ in graph.nodes:  # the scales of means that follow one another change each other
                read = read_model(quantised)
                changed = scales | tie_free_scales(read) | scales_of_states(read, states)
                if changed == scales:
                    break
                scales = changed
                quantised = _quantise(prepared, _Reader(arrays, proto), scales)
        except HlsgenError:
            raise
        except Exception as error:  # onnxruntime's quantiser raises plain exceptions of many kinds
            raise UnsupportedOp(
                f"{graph.name}, calibration",
                f"expected a model that onnxruntime.quantization can quantise, found {error}",
                "Quantise the model yourself (QDQ, 8 bits) and compile that.",
            ) from error
    return quantised


def _quantise(
    prepared: Path, samples: _Reader, scales: Mapping[str, tuple[float, int]]
) -> onnx.ModelProto:
    """The QDQ model of the file ``prepared``; ``scales``: scale and zero point of some tensors, the others' come from the samples."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    result = prepared.with_name("quantised.onnx")
    overrides = {
        name: [{"scale": np.array(scale, np.float32), "zero_point": np.array(zero, np.uint8)}]
        for name, (scale, zero) in scales.items()
    }
    quantize_static(
        str(prepared),
        str(result),
        samples,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=_QUANTISED,
        extra_options={"WeightSymmetric": True, "TensorQuantOverrides": overrides},
    )
    return without_bare_clips(onnx.load(str(result)))


def checked_samples(graph: Graph, samples: SampleSource) -> dict[str, np.ndarray]:
    """Samples that fit the inputs of ``graph``, at least one, without labels; raises BadFile, TypeMismatch."""
    given = arrays_of(samples, graph.inputs)
    arrays, _ = without_labels(given, graph.inputs)
    if check_inputs(graph, arrays) == 0:
        raise TypeMismatch(
            f"samples, inputs {', '.join(arrays)}",
            "expected at least 1 sample to calibrate with, found 0",
            "Give some tens of samples like those that the network will see.",
        )
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise TypeMismatch(
                f"samples, input {name}",
                "expected finite numbers, found NaN or infinity",
                "Repair the calibration samples.",
            )
    return arrays


_PER_CHANNEL_OPSET = 13
_INITIALIZERS_APART = 4
_QUANTISED = [
    "Conv",
    "ConvTranspose",
    "Gemm",
    "MatMul",
    "Add",
    "Relu",
    "Clip",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "ReduceMin",
    "ReduceL1",
    "ReduceSumSquare",
    "Reshape",
    "Flatten",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Concat",
    "DepthToSpace",
    "Expand",
    "Gather",
    "Pad",
    "Resize",
    "Slice",
    "SpaceToDepth",
    "Split",
    "Tile",
    "Mul",
    "Sub",
    "Div",
    "Min",
    "Max",
    "Sigmoid",
    "Tanh",
    "HardSigmoid",
    "HardSwish",
    "Mish",
    "Selu",
    "Elu",
    "Celu",
    "Gelu",
    "LeakyRelu",
    "PRelu",
    "Softplus",
    "Softsign",
    "ThresholdedRelu",
    "Abs",
    "Neg",
    "Exp",
    "Sqrt",
    "Erf",
]


def _one_sample(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its dynamic batch bound to 1."""
    import onnx

    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    constants = {tensor.name for tensor in bound.graph.initializer}
    for value in bound.graph.input:
        dims = value.type.tensor_type.shape.dim
        if value.name not in constants and dims and not dims[0].dim_value:
            dims[0].dim_value = 1
    return bound


def _modern(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model in opset 13 or newer, the first that has scales per channel; initializers are not inputs in it (as before IR version 4, in which
    some exporters leave them out all the same)."""
    import onnx

    model.ir_version = max(model.ir_version, _INITIALIZERS_APART)
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if max(versions, default=1) < _PER_CHANNEL_OPSET:
        model = onnx.version_converter.convert_version(model, _PER_CHANNEL_OPSET)
    constants = {tensor.name for tensor in model.graph.initializer}
    variable = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(variable)
    return model


def _flat_biases(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with Gemm biases (1, C) as (C,); onnxruntime.quantization scales others along the wrong axis."""
    biases = {
        node.input[2] for node in model.graph.node if node.op_type == "Gemm" and node.input[2:]
    }
    for tensor in model.graph.initializer:
        if tensor.name in biases and len(tensor.dims) == 2 and tensor.dims[0] == 1:
            del tensor.dims[0]
    del model.graph.value_info[:]  # inferred before, and wrong now
    return model


class _Reader:
    """Feeds samples one by one, as onnxruntime's CalibrationDataReader does."""

    def __init__(self, arrays: Mapping[str, np.ndarray], model: onnx.ModelProto) -> None:
        self._arrays = arrays
        self._ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in model.graph.input}
        self._next = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next sample; None after the last."""
        k, self._next = self._next, self._next + 1
        feed = {name: array[k : k + 1] for name, array in self._arrays.items()}
        return feed if all(len(array) for array in feed.values()) else None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while (feed := self.get_next()) is not None:
            yield feed

    def __next__(self) -> dict[str, Any]:
        if (feed := self.get_next()) is None:
            raise StopIteration
        return feed


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """onnxruntime's quantiser logs advice through the root logger; errors still come as exceptions."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

"""Sessions of ONNX Runtime on a model, with values besides its outputs made outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.artefact.declared import TITLES, Session
from hlsgen.errors import BadFile
from hlsgen.frontend.unsigned_weights import products_saturate, with_unsigned_weights

if TYPE_CHECKING:
    import onnx
    import onnxruntime


class NoSession(BadFile):
    """ONNX Runtime does not run a model: one that is not legal, or that its own optimiser spoils."""


def open_session(
    model: onnx.ModelProto,
    outputs: Sequence[str],
    session: Session,
    optimised: Path | None = None,
) -> onnxruntime.InferenceSession:
    """A session on one thread, whose sums of products of bytes are exact on every processor. ``optimised``: a file for the graph after the optimisations that choose integer kernels; those of the layout
    behind them, which would rename values, are left out then. Raises NoSession."""
    import onnx
    import onnxruntime

    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    present = {value.name for value in changed.graph.output}
    for name in outputs:
        if name not in present:
            changed.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    if products_saturate():
        changed = with_unsigned_weights(changed, session == "integer")
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if session == "integer":
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    if optimised is not None:
        options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(optimised)
    if session == "unoptimised":
        options.graph_optimization_level = levels.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(
            changed.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises plain exceptions of its own
        raise NoSession(
            f"{model.graph.name or 'model'}: ONNX Runtime ({TITLES[session]})",
            f"expected a model that it runs, found: {first_line(error)}",
            "Check the model with onnx.checker; a newer onnxruntime may run it.",
        ) from error


def readable(
    model: onnx.ModelProto, values: Sequence[str]
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The model, and the values of it in types of which NumPy knows: of integers of 2 or 4 bits casts to bytes, which are added to a copy."""
    import onnx
    from onnx import TensorProto, helper

    bytes_of = {
        getattr(TensorProto, f"{sign}INT{bits}"): getattr(TensorProto, f"{sign}INT8")
        for sign in ("", "U")
        for bits in (2, 4)
    }
    if not any(tensor.data_type in bytes_of for tensor in model.graph.initializer):
        return model, tuple(values)
    known = onnx.shape_inference.infer_shapes(model).graph.value_info
    kinds = {value.name: value.type.tensor_type.elem_type for value in known}
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    names = []
    for value in values:
        kind = bytes_of.get(kinds.get(value, TensorProto.UNDEFINED))
        names.append(value if kind is None else f"{value}_as_bytes")
        if kind is not None:
            changed.graph.node.append(helper.make_node("Cast", [value], names[-1:], to=kind))
    return changed, tuple(names)


def first_line(error: Exception) -> str:
    """What an exception says, in one line."""
    return (str(error).splitlines() or [repr(error)])[0]

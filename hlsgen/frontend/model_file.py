"""Model files: read without trusting them, and brought to the one form that everything behind sees."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hlsgen.errors import BadFile, BadOption, HlsgenError
from hlsgen.frontend.fused_operators import with_plain_parts
from hlsgen.frontend.half_floats import in_float32
from hlsgen.frontend.node_order import read_values
from hlsgen.frontend.old_opset import in_later_opset
from hlsgen.frontend.tensors import stored_bytes

if TYPE_CHECKING:
    import onnx

OLDEST_OPSET = 7
TABLES = "hlsgen.tables"
"""The domain of operators of hlsgen whose functions stay."""


class ModelFile(NamedTuple):
    """A model, the folder of its external data (None in memory), its name for messages, the fixed batch that was bound to 1, and whether its
    float16 numbers became float32."""

    proto: onnx.ModelProto
    folder: Path | None
    name: str
    batch: int = 1
    widened: bool = False

    @property
    def note(self) -> str:
        """What a user is told of a batch that was not 1 or symbolic, and of float16; empty where there is nothing to tell."""
        notes = [] if self.batch == 1 else [f"its batch of {self.batch} bound to 1"]
        return ", ".join(notes + ["its float16 numbers read as float32"] * self.widened)


def load(model: str | os.PathLike[str] | onnx.ModelProto, bound: bool = True) -> ModelFile:
    """The model with its own functions inlined and operators of ONNX Runtime's optimiser taken apart, in opset 7 or later; if ``bound``, with its
    batch bound to 1 (``bind_batch``) and in float32 where it takes float16. Raises BadFile, BadOption, UnsupportedOp."""
    proto, folder, name = _parsed(model)
    opsets = {domain_of(entry.domain): entry.version for entry in proto.opset_import}
    if opsets.get("", OLDEST_OPSET) < OLDEST_OPSET:
        proto = in_later_opset(proto, name, opsets[""])
    if proto.functions:
        proto = _inlined(proto, name)
    proto = with_plain_parts(proto)
    if not bound:
        return ModelFile(proto, folder, name)
    wide = in_float32(proto)
    return ModelFile(*bind_batch(wide, folder, name), widened=wide is not proto)


@contextmanager
def naming_file(model: str | os.PathLike[str] | onnx.ModelProto) -> Iterator[None]:
    """Errors about what was made of a file, e.g. the quantised model, name the file instead of the graph in it."""
    try:
        yield
    except HlsgenError as error:
        if not isinstance(model, str | os.PathLike) or Path(model).suffix != ".onnx":
            raise
        try:
            own = _parsed(model)[0].graph.name or "model"
        except HlsgenError:
            raise error from None
        name = Path(model).name
        rest = error.where.removeprefix(own)
        if error.where.startswith(name) or rest == error.where or rest[:1] not in ("", ",", ":"):
            raise
        raise type(error)(f"{name}{rest}", error.problem, error.remedy) from error


def load_whole(model: str | os.PathLike[str] | onnx.ModelProto) -> onnx.ModelProto:
    """The model as ``load`` gives it, with its external data inside. Raises BadFile, UnsupportedOp."""
    import onnx

    proto, folder, name, *_ = load(model)
    if all(tensor.data_location != tensor.EXTERNAL for tensor in proto.graph.initializer):
        return proto
    whole = onnx.ModelProto()
    whole.CopyFrom(proto)
    read = read_values(proto.graph)
    kept = [tensor for tensor in proto.graph.initializer if tensor.name in read]
    del whole.graph.initializer[:]
    whole.graph.initializer.extend(kept)
    for tensor in whole.graph.initializer:
        if tensor.data_location == tensor.EXTERNAL:
            tensor.raw_data = stored_bytes(tensor, folder, f"{name}, tensor {tensor.name}")
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
    return whole


def domain_of(domain: str) -> str:
    """The name of an operator domain; ONNX's own is empty."""
    return "" if domain == "ai.onnx" else domain


def bind_batch(
    proto: onnx.ModelProto, folder: Path | None, name: str
) -> tuple[onnx.ModelProto, Path | None, str, int]:
    """The model with a batch of 1 and the batch that it had: the same object where that is 1, symbolic, or not one number.

    The batch is the first dimension of all inputs of two or more. It becomes 1 there, and as the first extent of constant shapes
    (Reshape, Expand). A graph that mixes its samples is refused when it is read.
    """
    import onnx

    constants = {tensor.name for tensor in proto.graph.initializer}
    batches = {
        value.type.tensor_type.shape.dim[0].dim_value
        for value in proto.graph.input
        if value.name not in constants and len(value.type.tensor_type.shape.dim) > 1
    }
    if len(batches) != 1 or min(batches) <= 1:
        return proto, folder, name, 1
    (batch,) = batches
    bound = onnx.ModelProto()
    bound.CopyFrom(proto)
    for value in (*bound.graph.input, *bound.graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.name not in constants and len(dims) > 1 and dims[0].dim_value == batch:
            dims[0].dim_value = 1
    del bound.graph.value_info[:]
    _bind_shapes(bound.graph, batch)
    return bound, folder, name, batch


def _bind_shapes(graph: onnx.GraphProto, batch: int) -> None:
    """Constant shapes that begin with the batch begin with 1."""
    from onnx import numpy_helper

    tensors = {t.name: t for t in graph.initializer if t.data_location != t.EXTERNAL}
    for node in graph.node:
        if node.op_type == "Constant":
            tensors |= {
                name: a.t for a in node.attribute if a.name == "value" for name in node.output
            }
    for node in graph.node:
        if node.op_type not in ("Reshape", "Expand") or len(node.input) < 2:
            continue
        tensor = tensors.get(node.input[1])
        if tensor is None or len(tensor.dims) != 1 or tensor.dims[0] < 2:
            continue
        shape = numpy_helper.to_array(tensor).copy()
        if shape[0] != batch:
            continue
        shape[0] = 1
        name = f"{node.input[1]}_of_one_sample"
        if name not in tensors:
            tensors[name] = numpy_helper.from_array(shape, name)
            graph.initializer.append(tensors[name])
        node.input[1] = name


def _inlined(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model without functions of its own."""
    from onnx import inliner

    try:
        own = [(f.domain, f.name) for f in proto.functions if f.domain == TABLES]
        if own:  # operators of hlsgen, with their meaning for ONNX Runtime
            return inliner.inline_selected_functions(proto, own, exclude=True)
        return inliner.inline_local_functions(proto, convert_version=True)
    except Exception as error:  # of many kinds, e.g. a function that calls itself
        raise BadFile(
            f"{name}, functions",
            f"expected functions that can be inlined, found: {str(error).splitlines()[0]}",
            "Inline them with onnx.inliner, or export the model without functions.",
        ) from error


def _parsed(
    model: str | os.PathLike[str] | onnx.ModelProto,
) -> tuple[onnx.ModelProto, Path | None, str]:
    """The model as it is in the file."""
    import onnx
    from google.protobuf.message import DecodeError

    if isinstance(model, onnx.ModelProto):
        return model, None, model.graph.name or "model"
    if not isinstance(model, str | os.PathLike) or not isinstance(os.fspath(model), str):
        raise BadOption(
            "model",
            f"expected the path of an ONNX file or an onnx.ModelProto, found {model!r:.80}",
            "Give a path as text, or a loaded model.",
        )
    path = Path(model)
    proto = onnx.ModelProto()
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError(errno.EINVAL, "a device or a pipe")
        proto.ParseFromString(path.read_bytes())
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadFile(
            str(path),
            f"expected an ONNX file, found none: {getattr(error, 'strerror', error)}",
            "Give the path of a readable .onnx file.",
        ) from error
    except DecodeError as error:
        raise BadFile(
            str(path),
            f"expected an ONNX model, found {path.stat().st_size} bytes that are not one (truncated or another format)",
            "Export or download the model again.",
        ) from error
    if not proto.ir_version or not proto.graph.node or not proto.opset_import:
        raise BadFile(
            str(path),
            "expected an ONNX model with operators, found none",
            "Export or download the model again.",
        )
    return proto, path.parent, path.name

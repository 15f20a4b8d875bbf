"""Models in the memory of a training framework: PyTorch modules and Keras models, by their own exports to ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadFile, BadOption

if TYPE_CHECKING:
    import onnx


def framework_of(model: object) -> str:
    """``torch`` for a torch.nn.Module, ``keras`` for a keras.Model, else the empty text; neither package is imported."""
    for parent in type(model).__mro__:
        package = parent.__module__.split(".")[0]
        if (package, parent.__name__) == ("torch", "Module"):
            return "torch"
        if package in ("keras", "tf_keras") and parent.__name__ == "Model":
            return "keras"
    return ""


def exported(model: Any, sample: Any) -> onnx.ModelProto:
    """The ONNX model of a PyTorch module, traced with ``sample`` (a tensor, or a tuple of them), or of a Keras model.

    Raises BadOption for a module without a sample or a package that is missing, BadFile where the export fails.
    """
    where = f"{type(model).__name__} ({framework_of(model)})"
    if framework_of(model) == "torch" and sample is None:
        raise BadOption(
            where,
            "expected a sample with which the module is traced, found none",
            "Call hlsgen.compile(module, sample=torch.zeros(1, ...)).",
        )
    try:
        return _by_torch(model, sample) if framework_of(model) == "torch" else _by_keras(model)
    except ImportError as error:
        raise BadOption(
            where,
            f"expected the packages that export it to ONNX, found one missing: {error}",
            "Install them: pip install 'hlsgen[torch]' (for Keras: pip install tf2onnx), or export to a file by yourself.",
        ) from error
    except Exception as error:  # an exporter raises what it likes
        first = (str(error).splitlines() or [repr(error)])[0]
        raise BadFile(
            where,
            f"expected a model that its own framework exports to ONNX, found: {first:.200}",
            "Export it to a file first, and see what the exporter says.",
        ) from error


def _by_torch(module: Any, sample: Any) -> onnx.ModelProto:
    import torch

    arguments = sample if isinstance(sample, tuple) else (sample,)
    program = torch.onnx.export(module.eval(), arguments, dynamo=True, verbose=False)
    model: onnx.ModelProto = program.model_proto
    model.graph.name = type(module).__name__
    return model


def _by_keras(model: Any) -> onnx.ModelProto:
    import onnx

    with tempfile.TemporaryDirectory(prefix="hlsgen_") as folder:
        path = Path(folder) / "model.onnx"
        model.export(str(path), format="onnx", verbose=False)
        return onnx.load(str(path))

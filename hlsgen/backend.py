"""hlsgen as a backend of ONNX: ``prepare``, ``run_model``, ``run_node`` and ``supports_device`` of ``onnx.backend.base``.

Devices: ``CPU``, the meaning of every operator on NumPy; ``GPU``, the same on CuPy or PyTorch; ``RTL``, compiled and simulated. What hlsgen
does not read raises its HlsgenError with the node and the reason. No other runtime computes anything here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx.backend.base import Backend, BackendRep

from hlsgen.errors import BadOption, HlsgenError, TypeMismatch, UnsupportedOp
from hlsgen.frontend.onnx_reader import read_model
from hlsgen.frontend.tensors import data_type_of, element_of
from hlsgen.graph.evaluate import run_once
from hlsgen.graph.ir import Graph
from hlsgen.ops.tensor_type import TensorType, storage
from hlsgen.verify.reference import Backend as Library
from hlsgen.verify.reference import find_backend

DEVICES = ("CPU", "GPU", "RTL")


class HlsgenRep(BackendRep):
    """A model on a device. Shapes, and operands that an operator needs as constants, are taken from the inputs of each run."""

    def __init__(self, model: onnx.ModelProto, device: str) -> None:
        self.model, self.device = model, device
        constants = {tensor.name for tensor in model.graph.initializer}
        self.inputs = tuple(v.name for v in model.graph.input if v.name not in constants)

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for the inputs, a sequence in the model's order or one array; raises HlsgenError."""
        arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        title = self.model.graph.name or "model"
        for name, array in zip(self.inputs, arrays, strict=False):
            if isinstance(array, list | tuple | dict) or array is None:
                raise UnsupportedOp(
                    f"{title}, input {name}",
                    f"expected a tensor, found {type(array).__name__}",
                    "Change the model: sequences, maps and optional values are not read.",
                )
        if len(arrays) != len(self.inputs):
            raise TypeMismatch(
                title,
                f"expected {len(self.inputs)} inputs, found {len(arrays)}",
                "Give one array for each of the model's inputs.",
            )
        given = {
            name: _stored(array, f"{title}, input {name}")
            for name, array in zip(self.inputs, arrays, strict=True)
        }
        if self.device == "RTL":
            return self._simulated(given)
        graph = read_model(self.model, given)
        outputs = _RUNS[self.device](graph, given)
        return tuple(_native(outputs[name], graph.types[name]) for name in graph.outputs)

    def _simulated(self, given: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
        """The outputs of the simulated circuit: of every input as a stream, or else of the first one with the others as constants; where it does
        not take the first axis as it is, sample by sample along it."""
        from hlsgen.backend_rtl import run_rtl

        if not self.inputs:
            raise UnsupportedOp(
                self.model.graph.name or "model",
                "expected an input, found outputs that are constants",
                "Nothing is left to make a circuit of; run it on the device CPU.",
            )
        first, *others = self.inputs
        fixed = self._with_constants(given, others) if others else self.model
        only = {first: given[first]}
        tries = [(self.model, given), (fixed, only)][: 2 if others else 1]
        errors: list[HlsgenError] = []
        for model, inputs in tries:
            try:
                graph = read_model(model, inputs)
                outputs = run_rtl(graph, inputs)
                return tuple(_native(outputs[name], graph.types[name]) for name in graph.outputs)
            except (TypeMismatch, UnsupportedOp) as error:
                errors.append(error)
        for model, inputs in tries:
            rows = _rows(model, inputs)
            try:
                results = [(graph, run_rtl(graph, row)) for graph, row in rows]
            except (TypeMismatch, UnsupportedOp):
                continue
            if results:
                graph = results[0][0]
                return tuple(
                    _native(np.concatenate([one[name] for _, one in results]), graph.types[name])
                    for name in graph.outputs
                )
        raise errors[-1]

    def _with_constants(
        self, given: Mapping[str, np.ndarray], names: Sequence[str]
    ) -> onnx.ModelProto:
        """The model with some inputs as the constants that are given."""
        fixed = onnx.ModelProto()
        fixed.CopyFrom(self.model)
        for value in list(fixed.graph.input):
            if value.name in names:
                kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
                array = given[value.name].astype(kind)
                fixed.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
        return fixed


def _rows(
    model: onnx.ModelProto, inputs: Mapping[str, np.ndarray]
) -> list[tuple[Graph, dict[str, np.ndarray]]]:
    """The graph of one sample and each sample, where axis 0 of all inputs holds as many, which do not mix; else nothing."""
    counts = {array.shape[0] if array.ndim else 1 for array in inputs.values()}
    if len(counts) != 1 or counts == {1}:
        return []
    whole = read_model(model, inputs)
    if not all(node.op.keeps_batch(whole.input_types(node)) for node in whole.nodes):
        return []
    rows = [{n: a[k : k + 1] for n, a in inputs.items()} for k in range(counts.pop())]
    return [(read_model(model, row), row) for row in rows]


class HlsgenBackend(Backend):
    """hlsgen for code that runs models through ``onnx.backend.base``."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether this machine has the device; CPU and RTL always."""
        return device in ("CPU", "RTL") or (device == "GPU" and _accelerator() is not None)

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> HlsgenRep:
        """The model, ready to run; raises HlsgenError for a device that there is not."""
        if device not in DEVICES or not cls.supports_device(device):
            raise BadOption(
                "device",
                f"expected one of {', '.join(d for d in DEVICES if cls.supports_device(d))}; found {device!r}",
                "Choose a device of this list; GPU needs CuPy or PyTorch and an accelerator.",
            )
        return HlsgenRep(model, device)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[Any, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """The results of one operator for its operands, those that are present in their order."""
        arrays = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
        names = [name for name in dict.fromkeys(node.input) if name]
        values = [
            onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(np.asarray(array).dtype), array.shape
            )
            for name, array in zip(names, arrays, strict=True)
        ]
        results = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], node.op_type, values, results)
        opset = kwargs.get("opset_version", onnx.defs.onnx_opset_version())
        model = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid(node.domain, opset)]
        )
        return cls.prepare(model, device).run(arrays)


def _stored(array: Any, where: str) -> np.ndarray:
    """An array as its element type is held."""
    array = np.asarray(array)
    number = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
    return array.astype(storage(element_of(number, where)))


def _native(array: Any, type: TensorType) -> np.ndarray:
    """A result in the NumPy type of its ONNX type."""
    kind = onnx.helper.tensor_dtype_to_np_dtype(data_type_of(type.element))
    return np.asarray(array).astype(kind)


def _on_cpu(graph: Graph, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Any]:
    with np.errstate(all="ignore"):  # infinities and NaN are results like others
        return run_once(graph, inputs)


def _on_gpu(graph: Graph, inputs: Mapping[str, np.ndarray]) -> Mapping[str, Any]:
    library = _accelerator()
    assert library is not None, "prepare has found one"
    results = run_once(graph, inputs, library.namespace, library.device)
    return {name: library.to_numpy(array) for name, array in results.items()}


def _accelerator() -> Library | None:
    """CuPy's or PyTorch's, where there is one."""
    for name in ("cupy", "torch"):
        try:
            return find_backend(name)
        except BadOption:
            continue
    return None


_RUNS = {"CPU": _on_cpu, "GPU": _on_gpu}

prepare = HlsgenBackend.prepare
run_model = HlsgenBackend.run_model
run_node = HlsgenBackend.run_node
supports_device = HlsgenBackend.supports_device

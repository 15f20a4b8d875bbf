"""The references that 'hlsgen compile' left in a design's folder: integer.txt with constants.npz, and model.onnx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadFile, UnsupportedOp
from hlsgen.frontend.samples import load_samples
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.graph.text import parse
from hlsgen.lowering.lower import lower
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.host_cut import IntegerModel
from hlsgen.verify.manifest import Manifest, Port
from hlsgen.verify.reference import Backend, Kernels, find_backend
from hlsgen.verify.samples import check_samples

PARTS = ("host_before", "hardware", "host_after")


@dataclass(frozen=True, eq=False)
class StoredReference:
    """See :class:`hlsgen.verify.reference.Reference`."""

    directory: Path
    manifest: Manifest
    model: IntegerModel
    backend: Backend

    def prepare(self, inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Checked samples, quantised on the host where the model takes reals."""
        graph = self.model.host_before
        values = evaluate(graph, _as_stored(graph, self._checked(inputs)))
        return {port.value: _as_port(port, values[port.value]) for port in self.manifest.inputs}

    def integers(self, hardware_inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The hardware graph's meaning on the backend."""
        graph = self.model.hardware
        shaped = {
            name: array.reshape((len(array), *graph.types[name].shape[1:]))
            for name, array in hardware_inputs.items()
        }
        found = evaluate(
            graph, _as_stored(graph, shaped), self.backend.namespace, self.backend.device
        )
        return {
            port.value: _as_port(port, self.backend.to_numpy(found[port.value]))
            for port in self.manifest.outputs
        }

    def onnxruntime(
        self, inputs: Mapping[str, np.ndarray], kernels: Kernels
    ) -> Mapping[str, np.ndarray] | None:
        """ONNX Runtime on model.onnx; None where a hardware output is no value of the model."""
        from hlsgen.frontend.reference import ort_reference

        checked = _as_stored(self.model.host_before, self._checked(inputs))
        try:
            found = ort_reference(self.directory / "model.onnx", checked, self.model, kernels)
        except UnsupportedOp:
            return None
        return {port.value: _as_port(port, found[port.value]) for port in self.manifest.outputs}

    def dataflow(self) -> Dataflow:
        return lower(self.model.hardware)

    def _checked(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        graph = self.model.host_before
        return check_samples(inputs, {name: graph.types[name] for name in graph.inputs})


def stored_reference(directory: Path, manifest: Manifest, reference: str) -> StoredReference:
    """Read DIR/integer.txt and DIR/constants.npz; raises BadFile, and BadOption for a reference that is not there."""
    backend = find_backend(reference)
    for name in ("integer.txt", "constants.npz", "model.onnx"):
        if not (directory / name).is_file():
            raise _incomplete(
                directory / name, "expected a file of the compiled design, found none"
            )
    constants = load_samples(directory / "constants.npz")
    text = directory / "integer.txt"
    try:
        content = text.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _incomplete(text, f"expected UTF-8 text, found {error}") from None
    graphs = {graph.name: graph for graph in parse(content, constants, str(text))}
    if sorted(graphs) != sorted(PARTS):
        raise _incomplete(
            text, f"expected the graphs {', '.join(PARTS)}, found {', '.join(graphs)}"
        )
    model = IntegerModel(*(graphs[name] for name in PARTS))
    _check_ports(text, "inputs", manifest.inputs, model.hardware, model.hardware.inputs)
    _check_ports(text, "outputs", manifest.outputs, model.hardware, model.hardware.outputs)
    return StoredReference(directory, manifest, model, backend)


def _check_ports(
    path: Path, what: str, ports: tuple[Port, ...], graph: Graph, names: tuple[str, ...]
) -> None:
    """The manifest and the graph have to be of one compilation."""
    expected = {name: graph.types[name] for name in names}
    found = {port.value: port for port in ports}
    fits = expected.keys() == found.keys() and all(
        type.shape == found[name].tensor_shape and _holds(found[name].element, type.integer)
        for name, type in expected.items()
    )
    if not fits:
        described = ", ".join(f"{p.value} {p.element}{list(p.tensor_shape)}" for p in ports)
        values = ", ".join(f"{name} {type}" for name, type in expected.items())
        raise _incomplete(path, f"expected the manifest's {what} {described}, found {values}")


def _holds(wide: ElementType, narrow: ElementType) -> bool:
    """A port of accumulators may be wider than their values need."""
    return wide.minimum <= narrow.minimum and narrow.maximum <= wide.maximum


def _as_stored(graph: Graph, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays in the types in which the graph's inputs are held."""
    return {
        name: array.astype(storage(graph.types[name].element)) for name, array in arrays.items()
    }


def _as_port(port: Port, array: np.ndarray) -> np.ndarray:
    """(samples, ...) as int64 (samples, *tensor_shape) of a port."""
    return np.asarray(array).reshape((-1, *port.tensor_shape)).astype(np.int64)


def _incomplete(path: Path, problem: str) -> BadFile:
    return BadFile(str(path), problem, "Compile the model again with 'hlsgen compile'.")

"""The references that 'hlsgen compile' left in a design's folder: integer.txt with constants.npz, and model.onnx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.artefact.declared import Session
from hlsgen.artefact.folder import Folder, stale
from hlsgen.artefact.port import Port
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadOption
from hlsgen.frontend.samples import load_samples
from hlsgen.graph.evaluate import evaluate, run_once
from hlsgen.graph.ir import Graph
from hlsgen.graph.sequence import evaluate_sequence
from hlsgen.graph.text import parse
from hlsgen.lowering.lower import lower
from hlsgen.ops.host import S64
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.host_cut import IntegerModel
from hlsgen.verify.reference import Backend, Samples, find_backend
from hlsgen.verify.samples import check_samples, first_samples

PARTS = ("host_before", "hardware", "host_after")
GRAPH_FILES = ("integer.txt", "constants.npz")


@dataclass(frozen=True, eq=False)
class StoredReference:
    """See :class:`hlsgen.verify.reference.Reference`."""

    folder: Folder
    model: IntegerModel
    backend: Backend
    name: str

    @property
    def title(self) -> str:
        return f"integer graph ({self.name})"

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.model.host_before.inputs

    def samples(
        self, inputs: Mapping[str, np.ndarray] | None, limit: int | None, seed: int
    ) -> Samples:
        """Checked samples, quantised on the host where the model takes reals."""
        if inputs is None:
            raise BadOption(
                "--inputs",
                "expected samples for a network, found none",
                "Give a file: --inputs SAMPLES.npz.",
            )
        graph = self.model.host_before
        types = {name: graph.types[name] for name in graph.inputs}
        given = _as_stored(graph, check_samples(first_samples(inputs, limit), types))
        values = _evaluated(graph, given, find_backend("numpy"))
        ports = self.folder.manifest.inputs
        hardware = {port.value: _as_port(port, values[port.value]) for port in ports}
        return Samples(len(next(iter(given.values()))), given, hardware)

    def random_samples(self, count: int, seed: int) -> Samples:
        """Any integers that the circuit's inputs hold; nothing is given that the host would make them of."""
        random, types = np.random.default_rng(seed), self.model.hardware.types
        hardware = {}
        for port in self.folder.manifest.inputs:
            held, type = port.element, types[port.value].integer
            low, high = max(held.minimum, type.minimum), min(held.maximum, type.maximum)
            shape = (count, *port.tensor_shape)
            hardware[port.value] = random.integers(low, high, shape, np.int64, endpoint=True)
        return Samples(count, {}, hardware)

    def integers(self, samples: Samples) -> Mapping[str, np.ndarray]:
        """The hardware graph's meaning on the backend."""
        graph = self.model.hardware
        values = _evaluated(graph, _as_stored(graph, samples.hardware), self.backend)
        outputs = self.folder.manifest.outputs
        return {port.value: _as_port(port, values[port.value]) for port in outputs}

    def results(self, samples: Samples, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The model's own outputs, (samples, ...): what the host computes of the circuit's ``outputs`` and the samples given."""
        before, after = self.model.host_before, self.model.host_after
        given = _as_stored(before, samples.given)
        passed = {**given, **_evaluated(before, given, find_backend("numpy")), **outputs}
        asked: dict[str, np.ndarray] = {}
        for name in after.inputs:
            array, shape = passed[name], after.types[name].shape
            asked[name] = array.reshape((len(array), *shape))
        return _evaluated(after, _as_stored(after, asked), find_backend("numpy"))

    @property
    def others(self) -> tuple[str, ...]:
        """The default session, for information, and those that are declared."""
        sessions = ["default", *(entry.session for entry in self.folder.manifest.declared)]
        return tuple(dict.fromkeys(sessions))

    def answers(self, other: str, samples: Samples) -> Mapping[str, np.ndarray]:
        """ONNX Runtime on model.onnx; outputs of the hardware that are not values of the model are absent, and all of them where nothing is
        declared of a session that does not take the model."""
        from hlsgen.frontend.reference import ort_reference
        from hlsgen.frontend.sessions import NoSession

        path = self.folder.directory / "model.onnx"
        try:
            values = ort_reference(path, samples.given, self.model, cast(Session, other))
        except NoSession:
            if other in {entry.session for entry in self.folder.manifest.declared}:
                raise
            return {}
        return {
            port.value: _as_port(port, values[port.value])
            for port in self.folder.manifest.outputs
            if port.value in values
        }

    def dataflow(self, nudged: bool) -> Dataflow:
        return lower(self.model.hardware, nudged).dataflow


def stored_reference(folder: Folder, reference: str) -> StoredReference:
    """Read DIR/integer.txt and DIR/constants.npz; raises BadFile, and BadOption for a reference that is not there."""
    backend = find_backend(reference)
    text, constants = (folder.directory / name for name in GRAPH_FILES)
    for name in (constants.name, "model.onnx"):
        folder.read(name)
    stored = load_samples(constants)
    graphs = {g.name: g for g in parse(folder.read_text(text.name), stored, str(text))}
    if sorted(graphs) != sorted(PARTS):
        problem = f"expected the graphs {', '.join(PARTS)}, found {', '.join(graphs)}"
        raise stale(text, problem)
    model = IntegerModel(*(graphs[name] for name in PARTS))
    manifest = folder.manifest
    _check_ports(text, "inputs", manifest.inputs, model.hardware, model.hardware.sources)
    _check_ports(text, "outputs", manifest.outputs, model.hardware, model.hardware.sinks)
    return StoredReference(folder, model, backend, reference)


def _check_ports(
    path: Path, what: str, ports: tuple[Port, ...], graph: Graph, names: tuple[str, ...]
) -> None:
    """The manifest and the graph have to be of one compilation."""
    expected = {name: graph.types[name] for name in names}
    by_value = {port.value: port for port in ports}
    fits = expected.keys() == by_value.keys() and all(
        type.shape == by_value[name].tensor_shape
        and (_holds(by_value[name].element, type.integer) or type.element == S64)
        for name, type in expected.items()
    )
    if not fits:
        described = ", ".join(f"{p.value} {p.element}{list(p.tensor_shape)}" for p in ports)
        values = ", ".join(f"{name} {type}" for name, type in expected.items())
        raise stale(path, f"expected the manifest's {what} {described}, found {values}")


def _holds(wide: ElementType, narrow: ElementType) -> bool:
    """A port of accumulators may be wider than their values need, and one of ONNX's 64-bit indices narrower."""
    return wide.minimum <= narrow.minimum and narrow.maximum <= wide.maximum


def _evaluated(
    graph: Graph, arrays: Mapping[str, np.ndarray], backend: Backend
) -> dict[str, np.ndarray]:
    """The outputs for arrays (samples, ...): of all samples at once or, where a node brings their axis elsewhere, one after the other."""
    if graph.states:
        sequence = evaluate_sequence(graph, arrays, backend.namespace, backend.device)
        return {name: backend.to_numpy(array) for name, array in sequence.items()}
    types = {name: graph.types[name] for name in arrays}
    apart = all(node.op.keeps_batch(graph.input_types(node)) for node in graph.nodes)
    if apart and all(type.shape[:1] == (1,) for type in types.values()):
        shaped = {
            name: array.reshape((len(array), *types[name].shape[1:]))
            for name, array in arrays.items()
        }
        values = evaluate(graph, shaped, backend.namespace, backend.device)
        return {name: backend.to_numpy(array) for name, array in values.items()}
    rows: dict[str, list[np.ndarray]] = {name: [] for name in graph.outputs}
    for k in range(len(next(iter(arrays.values())))):
        sample = {name: array[k].reshape(types[name].shape) for name, array in arrays.items()}
        values = run_once(graph, sample, backend.namespace, backend.device)
        for name, row in rows.items():
            row.append(backend.to_numpy(values[name]))
    return {name: np.stack(row) for name, row in rows.items()}


def _as_stored(graph: Graph, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays in the types in which the graph's inputs are held."""
    return {
        name: array.astype(storage(graph.types[name].element)) for name, array in arrays.items()
    }


def _as_port(port: Port, array: np.ndarray) -> np.ndarray:
    """(samples, ...) as int64 (samples, *tensor_shape) of a port."""
    return np.asarray(array).reshape((-1, *port.tensor_shape)).astype(np.int64)

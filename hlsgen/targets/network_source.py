"""A network as every schedule gets it, and what stays of it in the folder."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from hlsgen.artefact.declared import TITLES, Declared
from hlsgen.artefact.digest import sha256
from hlsgen.errors import HlsgenError
from hlsgen.numbers import REFERENCES, Numbers, SampleSource, named
from hlsgen.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from hlsgen.artefact.report import Report
    from hlsgen.dataflow.loadable import LayerTypes
    from hlsgen.frontend.fixed_point import OutputError
    from hlsgen.frontend.tensor_error import TensorError
    from hlsgen.graph.ir import Graph
    from hlsgen.lowering.lower import Lowered
    from hlsgen.passes import IntegerModel


@dataclass(frozen=True, eq=False)
class NetworkSource:
    """``model``: the quantised ONNX model as bytes, external data taken in; ``integer``: its integer form; ``declared``: what is promised of
    its outputs; ``name``: the name of its file, or of its graph; ``origin``: a sentence part that says what it was made of; ``errors``: of a
    float model in fixed point, how far each output is from ONNX Runtime's; ``tensors``: of one that was quantised here, the same of each
    tensor; ``reference``: the name of what the user wants matched."""

    model: bytes
    integer: IntegerModel
    declared: tuple[Declared, ...]
    name: str = "network"
    origin: str = "a network"
    errors: tuple[OutputError, ...] = ()
    reference: str | None = None
    tensors: tuple[TensorError, ...] = ()

    @contextmanager
    def named(self) -> Iterator[None]:
        """Names the network in errors about its hardware, which is a part of it."""
        try:
            yield
        except HlsgenError as error:
            part = self.integer.hardware.name
            if not error.where.startswith((part, f"network {part}")):
                raise
            where = error.where.replace(part, self.name, 1)
            raise type(error)(where, error.problem, error.remedy) from error

    def lowered(
        self,
        nudged: bool,
        progress: Progress,
        is_loadable: bool = False,
        layers: Mapping[str, LayerTypes] | None = None,
    ) -> Lowered:
        """Processes and channels; arguments as of ``lowering.lower``. Raises HlsgenError."""
        from hlsgen.dataflow.check import check
        from hlsgen.lowering.lower import lower

        progress("lowering to processes and channels", None)
        with self.named():
            lowered = lower(self.integer.hardware, nudged, is_loadable, layers)
            check(lowered.dataflow)
        return lowered

    def files(self) -> dict[str, bytes]:
        """What a compiled folder is verified against."""
        return {"model.onnx": self.model} | self._graphs("constants.npz")

    def digest(self) -> str:
        """The hash of its integer form, from which every circuit of it follows."""
        parts = self._graphs("constants.npz")
        return sha256("".join(sha256(parts[name]) for name in sorted(parts)).encode())

    def texts(self, lowered: Lowered, schedule: Callable[[], str]) -> dict[str, bytes]:
        """The text form of every IR, each with the npz file of its constants."""
        from hlsgen.dataflow import text as dataflow_text

        dataflow = lowered.dataflow
        return {
            **self._graphs("integer.npz"),
            "dataflow.txt": dataflow_text.to_text(dataflow).encode(),
            "dataflow.npz": _npz(dataflow_text.store_arrays(dataflow)),
            "schedule.txt": schedule().encode(),
        }

    def reported(self, report: Report) -> Report:
        """The report with what is promised against the reference that the user names, and the errors against the float model, of fixed-point
        numbers or of 8 bits."""
        if self.reference is None and not self.errors:
            return report
        details, text = dict(report.details), report.text
        if self.reference is not None:
            details["reference"] = [promise.as_json() for promise in self.declared]
            lines = "".join(f"  {line}\n" for promise in self.declared for line in _said(promise))
            text = f"{text.rstrip()}\n\nagainst {self.reference}\n{lines}"
        if self.errors:
            details["errors"] = [asdict(error) for error in self.errors]
            lines = "".join(f"  {error}\n" for error in self.errors)
            text = f"{text.rstrip()}\n\nagainst ONNX Runtime on floats (measured)\n{lines}"
        if self.tensors:
            from hlsgen.frontend.tensor_error import table_of

            details["tensors"] = [asdict(tensor) for tensor in self.tensors]
            text = f"{text.rstrip()}\n\n{table_of(self.tensors)}"
        return replace(report, details=details, text=text)

    def _graphs(self, constants: str) -> dict[str, bytes]:
        from hlsgen.graph import text as graph_text

        parts = (self.integer.host_before, self.integer.hardware, self.integer.host_after)
        return {
            "integer.txt": graph_text.to_text(*parts).encode(),
            constants: _npz(graph_text.constants_of(*parts)),
        }


def read_network(
    model: str | os.PathLike[str] | onnx.ModelProto,
    numbers: Numbers,
    progress: Progress,
    states: Mapping[str, str] = MappingProxyType({}),
) -> NetworkSource:
    """Read an ONNX model, in the numbers that are asked for, with the ``states`` (output -> input) that are kept in the circuit. Raises HlsgenError."""
    from hlsgen.frontend.model_file import naming_file

    with naming_file(model):
        return _read(model, numbers, progress, states)


def _read(
    model: str | os.PathLike[str] | onnx.ModelProto,
    numbers: Numbers,
    progress: Progress,
    states: Mapping[str, str],
) -> NetworkSource:
    import onnx

    from hlsgen.frontend.declared import SESSIONS, declared_outputs
    from hlsgen.frontend.model_file import load, load_whole
    from hlsgen.frontend.onnx_reader import read_model
    from hlsgen.frontend.qonnx import in_standard_operators
    from hlsgen.frontend.state_shapes import with_states_of_one_sample
    from hlsgen.frontend.table_file import is_table_file, read_tables
    from hlsgen.passes import to_integer

    progress("reading the model", None)
    given = model
    if is_table_file(model):
        model = read_tables(model)
    model = with_states_of_one_sample(model, states)
    if numbers.calibrate is not None:
        from hlsgen.frontend.calibrate import calibrate as quantise
        from hlsgen.frontend.sequences import sequence_samples

        floats = load_whole(model)
        sequence = sequence_samples(model, numbers.calibrate, states)
        model = quantise(model, sequence, states.values())
    graph = read_model(model)
    proto = in_standard_operators(load_whole(model))
    errors: tuple[OutputError, ...] = ()
    tensors: tuple[TensorError, ...] = ()
    declared: tuple[Declared, ...] = ()
    if numbers.precision is None:
        integer = to_integer(graph, states=states)
        matched = numbers.reference
        sessions = SESSIONS if matched is None else (REFERENCES[matched],)
        declared = declared_outputs(proto, integer, sessions)
        if numbers.calibrate is not None and not states:
            progress("comparing with the float model", None)
            errors, tensors = _quantisation_errors(floats, graph, integer, numbers.calibrate)
    else:
        from hlsgen.frontend.fixed_point import in_fixed_point
        from hlsgen.passes.states import refuse_precision

        refuse_precision(states)
        assert numbers.samples is not None, "the options are checked"
        progress("choosing fixed-point formats", None)
        integer, errors = in_fixed_point(graph, proto, numbers.samples, numbers.bits)
    content = proto.SerializeToString()
    if isinstance(given, onnx.ModelProto):
        title = name = given.graph.name or "network"
        digest = sha256(given.SerializeToString())
    else:
        title, name = Path(given).name, Path(given).stem
        digest = sha256(Path(given).read_bytes())
    note = load(model).note
    origin = f"network {title} (SHA-256 {digest}){_made_with(numbers)}{note and ', '}{note}"
    matched = numbers.reference
    return NetworkSource(content, integer, declared, name, origin, errors, matched, tensors)


def _quantisation_errors(
    floats: onnx.ModelProto, quantised: Graph, integer: IntegerModel, source: SampleSource
) -> tuple[tuple[OutputError, ...], tuple[TensorError, ...]]:
    """Of outputs and of all tensors, on the samples that the float model was quantised with; none where ONNX Runtime does not run it."""
    from hlsgen.frontend.quantisation_error import quantisation_errors
    from hlsgen.frontend.samples import arrays_of, without_labels
    from hlsgen.frontend.sessions import NoSession
    from hlsgen.frontend.tensor_error import tensor_errors

    inputs = integer.host_before.inputs
    samples, labels = without_labels(arrays_of(source, inputs), inputs)
    try:
        outputs = quantisation_errors(floats, integer, samples, labels)
        return outputs, tensor_errors(floats, quantised, integer, samples)
    except NoSession:
        return (), ()


def _said(promise: Declared) -> list[str]:
    """What is promised of one output."""
    title = f"{promise.value} ({TITLES[promise.session]})"
    if promise.exact:
        return [f"{title}: equal in every element"]
    return [f"{title}: may differ", *(f"  {difference}" for difference in promise.differences)]


def _made_with(numbers: Numbers) -> str:
    if numbers.calibrate is not None:
        return f", quantised with {named(numbers.calibrate)}"
    if numbers.precision is not None and numbers.samples is not None:
        return f", in {numbers.precision} with the ranges of {named(numbers.samples)}"
    return ""


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    import numpy as np

    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()

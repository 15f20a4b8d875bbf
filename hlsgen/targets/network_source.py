"""A network as every schedule gets it, and what stays of it in the folder."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.artefact.declared import Declared
from hlsgen.artefact.digest import sha256
from hlsgen.errors import HlsgenError
from hlsgen.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from hlsgen.lowering.lower import Lowered
    from hlsgen.passes import IntegerModel


@dataclass(frozen=True, eq=False)
class NetworkSource:
    """``model``: the quantised ONNX model as bytes, external data taken in; ``integer``: its integer form; ``declared``: what is promised of
    its outputs; ``name``: the name of its file, or of its graph; ``origin``: a sentence part that says what it was made of."""

    model: bytes
    integer: IntegerModel
    declared: tuple[Declared, ...]
    name: str = "network"
    origin: str = "a network"

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

    def lowered(self, nudged: bool, progress: Progress) -> Lowered:
        """Processes and channels; ``nudged`` as of ``lowering.lower``. Raises HlsgenError."""
        from hlsgen.dataflow.check import check
        from hlsgen.lowering.lower import lower

        progress("lowering to processes and channels", None)
        with self.named():
            lowered = lower(self.integer.hardware, nudged=nudged)
            check(lowered.dataflow)
        return lowered

    def files(self) -> dict[str, bytes]:
        """What a compiled folder is verified against."""
        return {"model.onnx": self.model} | self._graphs("constants.npz")

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

    def _graphs(self, constants: str) -> dict[str, bytes]:
        from hlsgen.graph import text as graph_text

        parts = (self.integer.host_before, self.integer.hardware, self.integer.host_after)
        return {
            "integer.txt": graph_text.to_text(*parts).encode(),
            constants: _npz(graph_text.constants_of(*parts)),
        }


def read_network(
    model: str | os.PathLike[str] | onnx.ModelProto,
    calibrate: str | os.PathLike[str] | None,
    progress: Progress,
) -> NetworkSource:
    """Read an ONNX model, quantised with the samples of an npz file if ``calibrate`` names one. Raises HlsgenError."""
    import onnx

    from hlsgen.frontend.declared import declared_outputs
    from hlsgen.frontend.model_file import load, load_whole
    from hlsgen.frontend.onnx_reader import read_model
    from hlsgen.frontend.qonnx import in_standard_operators
    from hlsgen.passes import to_integer

    progress("reading the model", None)
    given = model
    if calibrate is not None:
        from hlsgen.frontend.calibrate import calibrate as quantise

        model = quantise(model, calibrate)
    graph = read_model(model)
    proto = in_standard_operators(load_whole(model))
    integer = to_integer(graph)
    content = proto.SerializeToString()
    if isinstance(given, onnx.ModelProto):
        title = name = given.graph.name or "network"
        digest = sha256(given.SerializeToString())
    else:
        title, name = Path(given).name, Path(given).stem
        digest = sha256(Path(given).read_bytes())
    quantised = "" if calibrate is None else f", quantised with {Path(calibrate).name}"
    note = load(given).note
    origin = f"network {title} (SHA-256 {digest}){quantised}{note and ', '}{note}"
    return NetworkSource(content, integer, declared_outputs(proto, integer), name, origin)


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    import numpy as np

    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()

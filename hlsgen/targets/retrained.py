"""Other constants for a circuit whose weights are loadable: those of a network of the same architecture, in the order of its parameter port, and
the folder of the circuit with that network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from hlsgen.artefact.digest import sha256
from hlsgen.artefact.folder import MANIFEST, Artefact, Folder, stale
from hlsgen.artefact.parameter_port import PARAMETER_FILE, RETRAINED, refuse_retrained
from hlsgen.artefact.report import Head, Report
from hlsgen.board import load_board
from hlsgen.errors import BadOption, HlsgenError, TypeMismatch
from hlsgen.progress import Progress
from hlsgen.targets.network_source import NetworkSource
from hlsgen.targets.stream_network import (
    StreamNetworkOptions,
    options_from_json,
    planned,
)

if TYPE_CHECKING:
    from hlsgen.artefact.port import PortLayout
    from hlsgen.dataflow.ir import Dataflow
    from hlsgen.lowering.lower import Lowered


def retrained_image(folder: Folder, network: NetworkSource, progress: Progress) -> bytes:
    """The bytes that make the circuit of a folder compute ``network``. Raises BadOption for a design without loadable weights, TypeMismatch with
    the difference for a network of another architecture or with constants that do not fit, and HlsgenError."""
    from hlsgen.lowering.lower import lower
    from hlsgen.rtl.parameters import parameter_image
    from hlsgen.verify.stored import stored_reference

    refuse_retrained(folder)
    options = _options(folder)
    compiled = lower(stored_reference(folder, "numpy").model.hardware, True, True)
    given = network.lowered(True, progress, True, compiled.layers)
    _check_same(compiled, given, network.name)
    progress("solving for unroll factors", None)
    board = load_board(options.board)
    plan = planned(compiled.dataflow, board, options)
    return parameter_image(replace(plan, dataflow=given.dataflow))


def retrained_artefact(folder: Folder, network: NetworkSource, progress: Progress) -> Artefact:
    """The circuit of a folder with ``network`` in place of its own: what the host computes and what answers are compared with are this network's,
    and its bytes are loaded before it is run. Raises as ``retrained_image``."""
    image = retrained_image(folder, network, progress)
    kept = {name: folder.read(name) for name in folder.manifest.files}
    details = {**folder.manifest.details, RETRAINED: network.origin}
    return Artefact(
        {**kept, **network.files(), PARAMETER_FILE: image},
        replace(folder.manifest, declared=network.declared, details=details),
        network.reported(_report(folder, network.origin)),
    )


def _report(folder: Folder, origin: str) -> Report:
    """The report of the circuit, which is the same, with what is loaded."""
    known = dict(folder.report())
    head = Head(**{name: known.pop(name, None) for name in asdict(Head())})
    name = str(known.pop("name", folder.manifest.top))
    try:
        text = (folder.directory / "report.txt").read_text("utf-8")
    except OSError:
        text = ""
    loaded = f"weights: those of {origin}, loaded before the first sample\n"
    return Report(name, head, {**known, RETRAINED: origin}, f"{text}\n{loaded}")


def _options(folder: Folder) -> StreamNetworkOptions:
    """What the design was asked to be."""
    try:
        given = folder.manifest.details["loadable"]
    except KeyError:
        raise BadOption(
            str(folder.directory / MANIFEST),
            "expected a network compiled with --weights loadable, found one whose weights are fixed",
            "Compile it again: hlsgen compile MODEL.onnx --weights loadable.",
        ) from None
    try:
        return options_from_json(given)
    except (AttributeError, KeyError, TypeError, ValueError, HlsgenError) as error:
        problem = f"expected the options of a design with loadable weights, found {error!r}"
        raise stale(folder.directory / MANIFEST, problem) from None


def _check_same(compiled: Lowered, given: Lowered, name: str) -> None:
    """Raise TypeMismatch with the first difference of two networks in anything but what is loaded."""
    for compiled_fact, given_fact in zip_longest(
        _facts(compiled), _facts(given), fillvalue="nothing"
    ):
        if compiled_fact != given_fact:
            raise TypeMismatch(
                f"network {name}",
                f"expected the architecture that was compiled: {compiled_fact}; found {given_fact}",
                "Train and quantise the same network with the same options, or compile a design of this one.",
            )


def _facts(lowered: Lowered) -> Iterator[str]:
    """What two networks must have in common: ports, processes with their operators, and the constants that are not loaded."""
    yield from map(_port, (*lowered.inputs, *lowered.outputs))
    yield from _structure(lowered.dataflow)


def _port(layout: PortLayout) -> str:
    shape = "x".join(map(str, layout.tensor_shape))
    return f"value {layout.value} {layout.element} {shape}"


def _structure(dataflow: Dataflow) -> Iterator[str]:
    from hlsgen.dataflow.text import to_text

    process = ""
    for line in to_text(dataflow).splitlines():
        if line.startswith("process "):
            process = f" of {line.removeprefix('process ')}"
        yield f"{line.strip()}{process if line.startswith('  ') else ''}"
    for store in dataflow.stores.values():
        if not store.loadable:
            yield f"constants {store.name} {store.values.ravel().tolist()!s:.60}"
            yield f"all of them, with SHA-256 {sha256(store.values.tobytes())}"

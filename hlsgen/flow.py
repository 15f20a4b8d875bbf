"""The only list of steps from a model to a compiled design, and what can be done with one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadFile, BadOption
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from hlsgen.algebra.unroll import Unroll
    from hlsgen.bitstream.build import BuildResult
    from hlsgen.dataflow.ir import Dataflow
    from hlsgen.passes import IntegerModel
    from hlsgen.verify.kernel import KernelVerifyResult
    from hlsgen.verify.result import VerifyResult

SCHEDULES = ("stream", "grid")


@dataclass(frozen=True)
class Compiled:
    """A design in its folder: ``design.v``, ``manifest.json``, ``report.json``, ``report.txt`` and its references."""

    directory: Path
    report: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def verilog(self) -> str:
        """The text of the design's Verilog."""
        return (self.directory / "design.v").read_text()

    def verify(
        self,
        inputs: Mapping[str, np.ndarray] | None = None,
        samples: int | None = None,
        stall: str = "random",
        engine: str = "cocotb",
        reference: str = "numpy",
        seed: int = 0,
        progress: Progress = silent,
    ) -> VerifyResult | KernelVerifyResult:
        """Simulate the Verilog on samples (axis 0) and compare every output element; see ``hlsgen.verify``."""
        from hlsgen.verify.verify import verify

        return verify(
            self.directory,
            inputs,
            samples=samples,
            stall=stall,
            engine=engine,
            reference=reference,
            seed=seed,
            progress=progress,
        )

    def build(self, board: str | None = None, progress: Progress = silent) -> BuildResult:
        """Synthesise, place and route to a bitstream; see ``hlsgen.bitstream``."""
        from hlsgen.bitstream.build import build

        return build(self.directory, board=board, progress=progress)


def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    board: str | None = None,
    schedule: str = "stream",
    multipliers: int | None = None,
    target_fps: float | None = None,
    calibrate: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Unroll] | None = None,
    fabric: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    dump: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Compiled:
    """Compile an ONNX model, or a kernel (FILE.py:name, FILE.dot, FILE.xml), to Verilog.

    ``schedule`` "stream": an array for every layer, sized for ``board``. "grid": a program for one fabric, a preset or a TOML file
    (``fabric``; mac_8x8 if None), which computes layer after layer.
    ``multipliers`` bounds the multipliers that are mapped to DSP blocks; ``target_fps`` asks for the smallest design that
    reaches so many inferences a second at the board's clock (both: stream); ``calibrate`` is an npz file of samples with which a float model is
    quantised; ``overrides`` fixes the unrolling of single processes; ``output`` is the folder written (a new temporary one
    if None); ``dump`` a folder for the text form of every IR. Raises HlsgenError.
    """
    if schedule not in SCHEDULES:
        raise BadOption(
            "--schedule",
            f"expected one of {', '.join(SCHEDULES)}; found {schedule!r}",
            "Choose a schedule of this list.",
        )
    _check_options(schedule, fabric, multipliers, target_fps, overrides)
    from hlsgen.flow_kernel import is_kernel

    if is_kernel(model):
        assert isinstance(model, str | os.PathLike)
        _refuse_network_options(board, multipliers, target_fps, calibrate, overrides, dump)
        if schedule == "grid":
            return map_kernel(model, fabric=fabric, output=output, progress=progress)
        return _compile_kernel(model, output, progress)
    with _folder(output) as directory, nullcontext() if dump is None else _folder(dump) as dumps:
        progress("reading the model", None)
        source, integer = _import_model(model, calibrate)
        progress("lowering to processes and channels", None)
        from hlsgen.dataflow.check import check as check_dataflow
        from hlsgen.lowering.lower import lower_with_ports

        lowered = lower_with_ports(integer.hardware, nudged=schedule == "stream")
        check_dataflow(lowered.dataflow)
        if schedule == "grid":
            from hlsgen.flow_grid import compile_to_grid

            design = compile_to_grid(lowered, fabric, board, progress)
        else:
            from hlsgen.flow_stream import compile_to_stream

            design = compile_to_stream(lowered, board, multipliers, target_fps, overrides, progress)
        if dumps is not None:
            _dump(dumps, integer, lowered.dataflow, design.schedule)
        _write(directory, {**_references(source, integer), **design.files}, design.manifest)
    return Compiled(directory, design.report, design.manifest)


def map_kernel(
    kernel: str | os.PathLike[str],
    fabric: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    seed: int = 0,
    time_limit: float = 100.0,
    exact: bool = True,
    as_given: bool = False,
    progress: Progress = silent,
) -> Compiled:
    """Map a kernel (FILE.py:name, FILE.dot, FILE.xml) to a fabric (cgra_4x4 if None), a preset or a TOML file.

    ``exact``: small graphs are also searched by a solver, where OR-Tools is installed; ``as_given`` keeps every operation of the graph.
    Raises HlsgenError.
    """
    from hlsgen.flow_kernel import check_search, map_to_grid, read_kernel

    check_search(seed, time_limit)
    source = read_kernel(kernel)
    with _folder(output) as directory:
        design = map_to_grid(source, fabric, seed, time_limit, exact, as_given, progress)
        _write(directory, design.files, design.manifest)
    return Compiled(directory, design.report, design.manifest)


def emit_fabric(
    fabric: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Compiled:
    """The Verilog of a fabric, a preset or a TOML file. Raises HlsgenError."""
    from hlsgen.flow_fabric import fabric_parts

    with _folder(output) as directory:
        design = fabric_parts(fabric, progress)
        _write(directory, design.files, design.manifest)
    return Compiled(directory, design.report, design.manifest)


def _compile_kernel(
    kernel: str | os.PathLike[str],
    output: str | os.PathLike[str] | None,
    progress: Progress,
) -> Compiled:
    from hlsgen.flow_kernel import compile_to_pipeline, read_kernel

    source = read_kernel(kernel)
    with _folder(output) as directory:
        design = compile_to_pipeline(source, progress)
        _write(directory, design.files, design.manifest)
    return Compiled(directory, design.report, design.manifest)


def _check_options(
    schedule: str,
    fabric: str | os.PathLike[str] | None,
    multipliers: int | None,
    target_fps: float | None,
    overrides: Mapping[str, Unroll] | None,
) -> None:
    """Refuse options of the other schedule."""
    given = {
        "--fabric": ("grid", fabric is not None),
        "--multipliers": ("stream", multipliers is not None),
        "--target-fps": ("stream", target_fps is not None),
        "--unroll": ("stream", bool(overrides)),
    }
    for option, (wanted, present) in given.items():
        if present and wanted != schedule:
            raise BadOption(
                option,
                f"expected --schedule {wanted}, found --schedule {schedule}",
                f"Leave {option} out, or compile with --schedule {wanted}.",
            )


def _refuse_network_options(*given: object) -> None:
    """Refuse what a kernel cannot be told; ``given`` in the order of the names here."""
    names = ("--board", "--multipliers", "--target-fps", "--calibrate", "--unroll", "--dump")
    for name, value in zip(names, given, strict=True):
        if value is not None and value != {}:
            raise BadOption(
                name,
                f"expected a network, since kernels take no {name}; found a kernel",
                f"Leave {name} out{' and give it to hlsgen build' if name == '--board' else ''}.",
            )


def _import_model(
    model: str | os.PathLike[str] | onnx.ModelProto, calibrate: str | os.PathLike[str] | None
) -> tuple[bytes, IntegerModel]:
    """The quantised model as bytes (ONNX Runtime's reference, external data taken in), and its integer form."""
    import onnx

    from hlsgen.frontend.onnx_reader import read_model
    from hlsgen.passes import to_integer

    if calibrate is not None:
        from hlsgen.frontend.calibrate import calibrate as quantise

        model = quantise(model, calibrate)
    graph = read_model(model)
    # Safe to load whole: the reader has refused external data outside the model's folder.
    proto = model if isinstance(model, onnx.ModelProto) else onnx.load(os.fspath(model))
    return proto.SerializeToString(), to_integer(graph)


def _dump(directory: Path, integer: IntegerModel, dataflow: Dataflow, schedule: str) -> None:
    """The text form of every IR, each with the npz file of its constants."""
    from hlsgen.dataflow import text as dataflow_text
    from hlsgen.graph import text as graph_text

    parts = (integer.host_before, integer.hardware, integer.host_after)
    (directory / "integer.txt").write_text(graph_text.to_text(*parts))
    (directory / "integer.npz").write_bytes(_npz(graph_text.constants_of(*parts)))
    (directory / "dataflow.txt").write_text(dataflow_text.to_text(dataflow))
    (directory / "dataflow.npz").write_bytes(_npz(dataflow_text.store_arrays(dataflow)))
    (directory / "schedule.txt").write_text(schedule)


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    import io

    import numpy as np

    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


@contextmanager
def _folder(output: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The folder to write to, made if it is missing, and gone again where the design is refused. Raises BadFile where it cannot be written."""
    directory = Path(output or tempfile.mkdtemp(prefix="hlsgen_"))
    folders = (directory, *directory.parents)
    made = [folder for folder in folders if not folder.exists()] if output else [directory]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise BadFile(
            str(directory),
            f"expected a folder that can be written, found: {error.strerror}",
            "Name another folder, or change its permissions.",
        ) from None
    try:
        yield directory
    except BaseException:
        with suppress(OSError):  # where something was written into one
            for folder in made:
                folder.rmdir()
        raise


def _write(directory: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    """Write the files and, last, the manifest: a folder without one is never taken for a compiled design."""
    target = directory / "manifest.json"
    target.unlink(missing_ok=True)
    for stale in ("verify.json", "build.json"):
        (directory / stale).unlink(missing_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    partial = directory / "manifest.json.partial"
    partial.write_text(json.dumps(manifest, indent=1))
    os.replace(partial, target)


def _references(source: bytes, integer: IntegerModel) -> dict[str, bytes]:
    """What a compiled folder is verified against."""
    from hlsgen.graph import text as graph_text

    parts = (integer.host_before, integer.hardware, integer.host_after)
    return {
        "model.onnx": source,
        "integer.txt": graph_text.to_text(*parts).encode(),
        "constants.npz": _npz(graph_text.constants_of(*parts)),
    }

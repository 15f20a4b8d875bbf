"""The only list of steps from a model to a compiled design, and what can be done with one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadFile, BadOption
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from hlsgen.build.build import BuildResult
    from hlsgen.dataflow.ir import Dataflow
    from hlsgen.passes import IntegerModel
    from hlsgen.schedule.ir import StreamSchedule, Unroll
    from hlsgen.verify.result import VerifyResult

DEFAULT_BOARD = "ulx3s_85f"
SCHEDULES = ("stream",)


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
        inputs: Mapping[str, np.ndarray],
        samples: int | None = None,
        stall: str = "random",
        engine: str = "cocotb",
        reference: str = "numpy",
        seed: int = 0,
        progress: Progress = silent,
    ) -> VerifyResult:
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
        """Synthesise, place and route to a bitstream; see ``hlsgen.build``."""
        from hlsgen.build.build import build

        return build(self.directory, board=board, progress=progress)


def compile(
    model: str | os.PathLike[str] | onnx.ModelProto,
    board: str | None = None,
    schedule: str = "stream",
    multipliers: int | None = None,
    target_fps: float | None = None,
    calibrate: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Unroll] | None = None,
    output: str | os.PathLike[str] | None = None,
    dump: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Compiled:
    """Compile an ONNX model to Verilog.

    ``multipliers`` bounds the multipliers that are mapped to DSP blocks; ``target_fps`` asks for the smallest design that
    reaches so many inferences a second at the board's clock; ``calibrate`` is an npz file of samples with which a float model is
    quantised; ``overrides`` fixes the unrolling of single processes; ``output`` is the folder written (a new temporary one
    if None); ``dump`` a folder for the text form of every IR. Raises HlsgenError.
    """
    if schedule not in SCHEDULES:
        raise BadOption(
            "--schedule",
            f"expected one of {', '.join(SCHEDULES)}; found {schedule!r}",
            "Choose a schedule of this list.",
        )
    directory = _output_directory(output)
    dumps = None if dump is None else _output_directory(dump)

    progress("reading the model", None)
    source, integer = _import_model(model, calibrate)
    progress("lowering to processes and channels", None)
    from hlsgen.dataflow.check import check as check_dataflow
    from hlsgen.dataflow.lower import lower_with_ports

    lowered = lower_with_ports(integer.hardware)
    check_dataflow(lowered.dataflow)
    progress("solving for unroll factors", None)
    plan, report, report_text = _schedule(
        lowered.dataflow, board, multipliers, target_fps, overrides
    )
    if dumps is not None:
        _dump(dumps, integer, plan)
    progress("emitting Verilog", None)
    from hlsgen.rtl.emit import emit
    from hlsgen.rtl.verilog import to_verilog

    design = emit(plan, lowered, board=report["board"])
    verilog = to_verilog(design)
    manifest = design.manifest_for(verilog)
    _write(directory, _files(source, integer, verilog, report, report_text), manifest)
    return Compiled(directory, report, manifest)


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


def _schedule(
    dataflow: Dataflow,
    board_name: str | None,
    multipliers: int | None,
    target_fps: float | None,
    overrides: Mapping[str, Unroll] | None,
) -> tuple[StreamSchedule, dict[str, Any], str]:
    from hlsgen.arch.board import load_board
    from hlsgen.report import report, report_text
    from hlsgen.schedule.check import check
    from hlsgen.schedule.stream import StreamOptions, schedule

    board = load_board(board_name or DEFAULT_BOARD)
    interval = None
    if target_fps is not None:
        if not 0 < target_fps <= board.clock_mhz * 1e6:
            raise BadOption(
                "--target-fps",
                f"expected more than 0 and at most {board.clock_mhz * 1e6:g} (one per clock cycle of"
                f" {board.name}), found {target_fps:g}",
                "Ask for a rate in this range.",
            )
        interval = int(board.clock_mhz * 1e6 / target_fps)
    options = StreamOptions(
        multipliers=multipliers, target_interval=interval, overrides=overrides or {}
    )
    plan = schedule(dataflow, board, options)
    check(plan)
    data = report(plan, board)
    return plan, data, report_text(data)


def _dump(directory: Path, integer: IntegerModel, plan: StreamSchedule) -> None:
    """The text form of every IR, each with the npz file of its constants."""
    from hlsgen.dataflow import text as dataflow_text
    from hlsgen.graph import text as graph_text
    from hlsgen.schedule import text as schedule_text

    parts = (integer.host_before, integer.hardware, integer.host_after)
    (directory / "integer.txt").write_text(graph_text.to_text(*parts))
    (directory / "integer.npz").write_bytes(_npz(graph_text.constants_of(*parts)))
    (directory / "dataflow.txt").write_text(dataflow_text.to_text(plan.dataflow))
    (directory / "dataflow.npz").write_bytes(_npz(dataflow_text.store_arrays(plan.dataflow)))
    (directory / "schedule.txt").write_text(schedule_text.to_text(plan))


def _npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    import io

    import numpy as np

    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def _output_directory(output: str | os.PathLike[str] | None) -> Path:
    """The folder to write to, made if it is missing; raises BadFile where it cannot be written."""
    if output is None:
        return Path(tempfile.mkdtemp(prefix="hlsgen_"))
    directory = Path(output)
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
    return directory


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


def _files(
    source: bytes,
    integer: IntegerModel,
    verilog: str,
    report: Mapping[str, Any],
    report_text: str,
) -> dict[str, bytes]:
    """The content of a compiled folder but for its manifest."""
    from hlsgen.graph import text as graph_text

    parts = (integer.host_before, integer.hardware, integer.host_after)
    return {
        "model.onnx": source,
        "integer.txt": graph_text.to_text(*parts).encode(),
        "constants.npz": _npz(graph_text.constants_of(*parts)),
        "design.v": verilog.encode(),
        "report.json": json.dumps(report, indent=1).encode(),
        "report.txt": report_text.encode(),
    }

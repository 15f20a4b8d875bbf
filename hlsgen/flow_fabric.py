"""The steps from a fabric to a folder with its Verilog."""

from __future__ import annotations

import hashlib
import os

from hlsgen.flow_parts import CompiledParts, fabric_file, report_files
from hlsgen.progress import Progress


def fabric_parts(fabric_name: str | os.PathLike[str], progress: Progress) -> CompiledParts:
    """The Verilog, file and figures of a fabric. Raises HlsgenError."""
    from hlsgen.fabric.file import load_fabric
    from hlsgen.fabric.report import fabric_report, fabric_report_text
    from hlsgen.rtl.fabric import emit_fabric, manifest
    from hlsgen.rtl.verilog import to_verilog

    name = os.fspath(fabric_name)
    fabric = load_fabric(name)
    progress("emitting Verilog", None)
    verilog = to_verilog(emit_fabric(fabric))
    report = fabric_report(fabric)
    text = fabric_report_text(report)
    files = {"design.v": verilog.encode(), f"{fabric.name}.toml": fabric_file(name)}
    digest = hashlib.sha256(files["design.v"]).hexdigest()
    described = manifest(fabric) | {"verilog_sha256": digest}
    return CompiledParts(files | report_files(report, text), report, described, text)

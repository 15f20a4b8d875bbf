"""A compiled design whose Verilog is the netlist that synthesis makes of it: what verifies the design verifies its cells."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from hlsgen.artefact.digest import sha256
from hlsgen.artefact.folder import MANIFEST, Folder
from hlsgen.artefact.manifest import DESIGN
from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.netlist_verilog import MODELS, netlist_verilog
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.errors import BadOption
from hlsgen.processes import Running
from hlsgen.progress import Progress, silent


def netlist_design(
    folder: Folder, family: str, output: Path, progress: Progress = silent, large: bool = False
) -> Folder:
    """Synthesise the design of ``folder`` for ``family`` and write the same design as cells to the new folder ``output``.

    ``output/netlist`` keeps the files of synthesis; its steps that an earlier call did on the same Verilog are not done again. ``large`` as
    in ``SynthesisJob``. Raises BadFile, BadOption (a family whose cells have no models), ToolFailed.
    """
    if family not in MODELS:
        raise BadOption(
            f"netlist of family {family}",
            f"expected one of {', '.join(MODELS)}, whose cells have models; found {family!r}",
            "Simulate the Verilog of the design instead.",
        )
    work = output / "netlist"
    work.mkdir(parents=True, exist_ok=True)
    (work / DESIGN).write_bytes(folder.read(DESIGN))
    top = folder.manifest.top
    place = Workplace(work, progress, Running())
    synthesised(TOOLCHAINS[family], place, SynthesisJob((DESIGN,), top, large=large))
    return with_verilog(folder, output, netlist_verilog(work, family, top, progress).encode())


def with_verilog(folder: Folder, output: Path, content: bytes) -> Folder:
    """The design of ``folder`` in the folder ``output``, with other Verilog for the same circuit."""
    output.mkdir(parents=True, exist_ok=True)
    for name in folder.manifest.files:
        shutil.copyfile(folder.directory / name, output / name)
    (output / DESIGN).write_bytes(content)
    files = {**folder.manifest.files, DESIGN: sha256(content)}
    manifest = replace(folder.manifest, files=files)
    (output / MANIFEST).write_text(manifest.to_text(), "utf-8")
    return Folder(output, manifest)

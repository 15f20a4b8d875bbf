"""Fabrics alone, and what every program for a fabric has in common: its circuit, its file and its load port."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from hlsgen.artefact.board_ports import BoardPort, BoardPorts
from hlsgen.artefact.digest import sha256
from hlsgen.artefact.folder import MANIFEST, Artefact, Folder, stale
from hlsgen.errors import BadFile, BadOption
from hlsgen.progress import Progress
from hlsgen.targets.target import Target

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.artefact.manifest import Manifest
    from hlsgen.fabric.ir import Fabric
    from hlsgen.host.traffic import Traffic
    from hlsgen.verify.reference import Reference, Samples
    from hlsgen.verify.run import Request, Runs


@dataclass(frozen=True)
class FabricOptions:
    """The fabric's file says everything."""

    name: str | None = None


class FabricAlone(Target[str | os.PathLike[str]]):
    """See :class:`hlsgen.targets.target.Target`."""

    kind: ClassVar[str] = "fabric"
    source: ClassVar[str] = "fabric"
    schedule: ClassVar[str] = "grid"
    options: ClassVar[type] = FabricOptions

    def compile(
        self, source: str | os.PathLike[str], options: FabricOptions, progress: Progress
    ) -> Artefact:
        """The circuit of a fabric, a preset or a TOML file."""
        from hlsgen.fabric.report import fabric_report

        circuit = fabric_circuit(source, options.name, progress)
        return Artefact(circuit.files(), circuit.manifest, fabric_report(circuit.fabric))

    def check_verify(self, folder: Folder, engine: str) -> None:
        _nothing_to_verify(folder)

    def reference(self, folder: Folder, name: str) -> Reference:
        _nothing_to_verify(folder)

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        _nothing_to_verify(folder)

    def board_ports(self, folder: Folder) -> BoardPorts:
        return load_port(fabric_of(folder))

    def traffic(self, folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
        _nothing_to_verify(folder)


@dataclass(frozen=True, eq=False)
class FabricCircuit:
    """``manifest`` without a program's ports and details, which name the fabric."""

    fabric: Fabric
    verilog: str
    toml: bytes
    manifest: Manifest

    def files(self) -> dict[str, bytes]:
        """File name -> content."""
        return {"design.v": self.verilog.encode(), f"{self.fabric.name}.toml": self.toml}


def fabric_circuit(
    source: str | os.PathLike[str], name: str | None, progress: Progress
) -> FabricCircuit:
    """The circuit of a fabric, a preset or a TOML file, named ``name`` (as the fabric if None). Raises HlsgenError.

    Nothing in it tells the program: all programs of a fabric have the same Verilog, and share its simulator.
    """
    from hlsgen.fabric.file import load_fabric
    from hlsgen.rtl.fabric import emit_fabric
    from hlsgen.rtl.names import design_name
    from hlsgen.rtl.verilog import to_verilog

    path = os.fspath(source)
    fabric = load_fabric(path)
    progress("emitting Verilog", None)
    design = emit_fabric(fabric, design_name(name, fabric.name))
    preset = resources.files("hlsgen.fabrics") / f"{path}.toml"
    toml = preset.read_bytes() if preset.is_file() else Path(path).read_bytes()
    verilog = to_verilog(design, f"fabric {fabric.name} (SHA-256 {sha256(toml)})")
    return FabricCircuit(fabric, verilog, toml, design.manifest)


def fabric_of(folder: Folder) -> Fabric:
    """The fabric whose circuit a folder holds; raises BadFile where its file is not the one that was compiled."""
    from hlsgen.fabric.file import load_fabric

    name = f"{folder.manifest.details.get('fabric')}.toml"
    folder.read(name)
    return load_fabric(str(folder.directory / name))


def program_part(folder: Folder, name: str) -> np.ndarray:
    """A file of words for the load port (uint32)."""
    import numpy as np

    content = folder.read(name)
    if len(content) % 4:
        raise stale(folder.directory / name, f"expected words of 4 bytes, found {len(content)}")
    return np.frombuffer(content, dtype="<u4").astype(np.uint32)


def incomplete(folder: Folder, error: Exception) -> BadFile:
    """The details of a manifest lack what a program needs."""
    problem = f"expected the manifest of a program for a fabric, found {error!r}"
    return stale(folder.directory / MANIFEST, problem)


def check_engine(engine: str) -> None:
    """Raise BadOption for a simulator that does not know the load port."""
    if engine not in ("cocotb", "board"):
        raise BadOption(
            "--engine",
            f"expected cocotb or board for a design of schedule grid, found {engine}",
            "Leave --engine out.",
        )


def load_port(fabric: Fabric) -> BoardPorts:
    """The serial line carries the words of the load port and those that the fabric sends back; its streams are not used."""
    from hlsgen.fabric.floorplan import floorplan

    return BoardPorts(
        inputs=(BoardPort("s_axis_load", 32, None, last=False),),
        outputs=(BoardPort("m_axis_unload", 32, None),),
        tied={"s_axis_stream_tdata": 0, "s_axis_stream_tvalid": 0, "m_axis_stream_tready": 1},
        large=True,
        floorplan=floorplan(fabric),
    )


def load_port_traffic(
    count: int,
    words: np.ndarray,
    results: int,
    outputs: Callable[[np.ndarray], Mapping[str, np.ndarray]],
) -> Traffic:
    """A program of the load port (uint32) as the link carries it; ``results`` words come back, of which ``outputs`` makes tensors."""
    import numpy as np

    from hlsgen.host.traffic import Traffic

    def tensors(raw: Sequence[bytes]) -> Mapping[str, np.ndarray]:
        return outputs(np.frombuffer(raw[0], dtype="<u4").astype(np.uint32))

    return Traffic(count, (words.astype("<u4").tobytes(),), (4 * results,), tensors)


def _nothing_to_verify(folder: Folder) -> NoReturn:
    raise BadFile(
        str(folder.directory),
        f"expected a network or a kernel, found only the fabric {folder.manifest.details.get('fabric')}",
        "Map a kernel to it (hlsgen map) or compile a network for it (--schedule grid).",
    )

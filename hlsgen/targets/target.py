"""What a target is: one kind of design, how it is compiled, run, verified and connected to a board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from hlsgen.artefact.board_ports import BoardPorts
from hlsgen.artefact.folder import MANIFEST, Artefact, Folder
from hlsgen.errors import BadOption
from hlsgen.progress import Progress
from hlsgen.verify.reference import Reference
from hlsgen.verify.run import Runner

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.host.traffic import Traffic

Source = TypeVar("Source", contravariant=True)


class Target(Runner, Protocol[Source]):
    """``source``: "network", "kernel" or "fabric"; ``schedule``: as ``--schedule`` names it; ``options``: the dataclass of what can be asked of
    it, every field with a default. The kind that manifests name is ``schedule_source``."""

    kind: ClassVar[str]
    source: ClassVar[str]
    schedule: ClassVar[str]
    has_waves: ClassVar[bool] = False
    """Whether ``verify`` writes the waves of samples."""
    options: ClassVar[type[Any]]

    def compile(self, source: Source, options: Any, progress: Progress) -> Artefact:
        """The design; ``options`` is of the type ``self.options``. Raises HlsgenError."""

    def check_verify(self, folder: Folder, engine: str) -> None:
        """Raise BadOption or BadFile for what cannot be verified of this kind of design; everything can unless a target says otherwise."""
        return None

    def flags(self, folder: Folder) -> tuple[str, ...]:
        """Outputs of one bit that the circuit has beside its streams. Raises BadOption where not all other ports are streams of samples,
        as they are where a target says so."""
        raise BadOption(
            str(folder.directory / MANIFEST),
            f"expected a network or kernel with --schedule stream, found {self.kind}",
            "Compile it with --schedule stream; a fabric's design.v can be used as its header says.",
        )

    def reference(self, folder: Folder, name: str) -> Reference:
        """What the design of a folder is compared with; ``name`` as ``--reference``. Raises BadFile, BadOption."""

    def board_ports(self, folder: Folder) -> BoardPorts:
        """What the serial line of a board reaches. Raises BadOption."""

    def traffic(self, folder: Folder, hardware: Mapping[str, np.ndarray], count: int) -> Traffic:
        """What that line carries for ``count`` samples (value name -> (count, *tensor_shape) integers). Raises BadFile."""

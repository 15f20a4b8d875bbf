"""One file for each kind of design: what is asked of it, how it is compiled, run, verified and connected to a board.

A new schedule is a folder ``schedule/<schedule>_<source>``, a file here and an entry of ``TARGETS``; nothing else asks for kinds.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from hlsgen.artefact.folder import MANIFEST, Folder, stale
from hlsgen.targets.fabric import FabricAlone
from hlsgen.targets.grid_kernel import GridKernel
from hlsgen.targets.grid_network import GridNetwork
from hlsgen.targets.stream_kernel import StreamKernel
from hlsgen.targets.stream_network import StreamNetwork
from hlsgen.targets.target import Target

AnyTarget: TypeAlias = Target[Any]
TARGETS: tuple[AnyTarget, ...] = (
    StreamNetwork(),
    StreamKernel(),
    GridNetwork(),
    GridKernel(),
    FabricAlone(),
)


def target_of(folder: Folder) -> AnyTarget:
    """The target that compiled the design of a folder; raises BadFile."""
    kinds = {target.kind: target for target in TARGETS}
    kind = folder.manifest.kind
    if kind not in kinds:
        problem = f"expected a design of kind {', '.join(kinds)}; found {kind!r}"
        raise stale(folder.directory / MANIFEST, problem)
    return kinds[kind]

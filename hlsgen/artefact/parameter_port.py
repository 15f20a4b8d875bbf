"""The port through which the weights of a design are exchanged, where it was compiled so."""

from __future__ import annotations

from hlsgen.artefact.manifest import Manifest

PARAMETERS = "s_parameters"
"""Its prefix; it takes a byte in every cycle. No stream of samples is called so."""
PARAMETER_PARTS = {"tdata": 8, "tvalid": 1, "tready": 1, "tlast": 1}
"""Its signals and their bits; all but ``tready`` are inputs."""


def has_parameter_port(manifest: Manifest) -> bool:
    """Whether the weights of a design are loadable."""
    return "loadable" in manifest.details

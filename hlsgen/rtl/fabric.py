"""From a Fabric to an Amaranth component with a load port, and its manifest."""

from __future__ import annotations

from hlsgen.artefact.manifest import TOP, Manifest
from hlsgen.fabric.ir import Fabric
from hlsgen.rtl.emit import Design
from hlsgen.rtl.fabric_shapes import grid_shape
from hlsgen.rtl_templates.fabric.top import FabricTop


def emit_fabric(fabric: Fabric, name: str = TOP) -> Design:
    """The circuit of a fabric."""
    manifest = Manifest("fabric", top=name, details={"fabric": fabric.name})
    return Design(FabricTop(grid_shape(fabric)), manifest)

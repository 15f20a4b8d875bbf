"""From a Fabric to an Amaranth component with a load port, and its manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from amaranth.lib import wiring

from hlsgen.artefact.manifest import TOP, Manifest
from hlsgen.fabric.ir import Fabric
from hlsgen.rtl.emit import Design
from hlsgen.rtl.fabric_shapes import grid_shape
from hlsgen.rtl_templates.fabric.memory_tile import MemoryTile
from hlsgen.rtl_templates.fabric.pe import FabricPe
from hlsgen.rtl_templates.fabric.top import FabricTop
from hlsgen.rtl_templates.shared_unit import SharedUnit


def emit_fabric(fabric: Fabric, name: str = TOP) -> Design:
    """The circuit of a fabric. Processing elements and tiles of one shape are one module, instantiated many times."""
    shape = grid_shape(fabric)
    pes = _once([pe for _, pe in shape.cells], FabricPe, f"{name}.pe")
    tiles = _once([tile for _, _, tile in shape.tiles], MemoryTile, f"{name}.tile")

    def shared(units: Mapping[Any, tuple[str, wiring.Component]], one: Any) -> SharedUnit:
        module, unit = units[one]
        return SharedUnit(unit.signature, module)

    top = FabricTop(shape, lambda one: shared(pes, one), lambda one: shared(tiles, one))
    manifest = Manifest("fabric", top=name, details={"fabric": fabric.name})
    return Design(top, manifest, (*pes.values(), *tiles.values()))


def _once(
    shapes: Iterable[Any], make: Callable[[Any], wiring.Component], name: str
) -> dict[Any, tuple[str, wiring.Component]]:
    """Shape -> (module name, unit), for every different shape."""
    return {
        one: (f"{name}_{number}", make(one)) for number, one in enumerate(dict.fromkeys(shapes))
    }

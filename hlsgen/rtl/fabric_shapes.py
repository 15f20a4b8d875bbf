"""The shapes of a fabric's units, computed from the fabric: what ``rtl_templates`` is told of it."""

from __future__ import annotations

from hlsgen.arch.configuration import LINES, LOOPS
from hlsgen.arch.configuration_words import Fields, control_fields, pe_fields
from hlsgen.arch.fabric import Cell, Fabric
from hlsgen.arch.switch import (
    crossbar_sources,
    operand_sources,
    outgoing,
    registered_sources,
)
from rtl_templates.fabric_shape import ControlShape, FieldList, PeShape, RunShape


def run_shape(fabric: Fabric) -> RunShape:
    """What loop control tells every unit."""
    return RunShape(LINES, fabric.stages, fabric.contexts, fabric.registers)


def pe_shape(fabric: Fabric, cell: Cell) -> PeShape:
    """The processing element of a cell."""
    return PeShape(
        run=run_shape(fabric),
        operators=fabric.kind(cell).latencies,
        links=tuple(outgoing(fabric, cell)),
        registered=registered_sources(fabric, cell),
        operand=operand_sources(fabric, cell),
        crossbar=crossbar_sources(fabric, cell),
        word_bits=fabric.word_bits,
        accumulator_bits=fabric.accumulator_bits,
        drain=fabric.drain,
        fields=_plain(pe_fields(fabric, cell)),
    )


def control_shape(fabric: Fabric) -> ControlShape:
    """Loop control."""
    return ControlShape(run_shape(fabric), LOOPS, _plain(control_fields(fabric)))


def _plain(fields: Fields) -> FieldList:
    """Names and bits only, as the templates take them."""
    return tuple((field.name, field.bits) for field in fields)

"""A fabric whose multiplexers take some of the sources only: links, configurations, and programs in the circuit as in the cycle model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hlsgen.rtl_templates.fabric.pe import FabricPe
from support import fabric_bench
from support.example_fabrics import straight_fabric
from support.random_configurations import random_program

from hlsgen.cycle_model.program import run_program
from hlsgen.errors import IllegalGraph
from hlsgen.fabric.configuration import (
    Configuration,
    Generator,
    GeneratorLoop,
    PeContext,
    ReadContext,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_check import check_configuration
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.switch import incoming, outgoing, sources
from hlsgen.rtl.fabric_shapes import pe_shape


@pytest.mark.parametrize("seed", range(6))
def test_random_programs_run_as_in_the_cycle_model(seed: int) -> None:
    fabric = straight_fabric()
    words, stream = random_program(fabric, seed, 8)
    want = run_program(fabric, words, stream)
    got = fabric_bench.run(fabric, words, stream, seed)
    assert got.run_cycles == want.run_cycles
    np.testing.assert_array_equal(got.unload, want.unload)
    assert got.stream_out == want.stream_out


def test_a_link_that_nothing_can_enter_is_not_there() -> None:
    fabric = straight_fabric()
    assert {cell: list(outgoing(fabric, cell)) for cell in fabric.cells} == {
        (0, 0): ["E", "S"],
        (0, 1): ["E", "S"],
        (0, 2): ["S"],
        (1, 0): ["N", "E"],
        (1, 1): ["E"],
        (1, 2): [],
    }
    assert list(incoming(fabric, (0, 0))) == ["S"] and list(incoming(fabric, (1, 2))) == ["N", "W"]
    assert not hasattr(FabricPe(pe_shape(fabric, (1, 1))), "in_E")


def test_multiplexers_choose_among_what_is_named_and_there() -> None:
    fabric = straight_fabric()
    assert sources(fabric, (0, 0), "b") == ("constant", "memory_north")
    assert sources(fabric, (1, 0), "N") == ("memory_west",)
    assert sources(fabric, (0, 1), "b") == ("memory_north",)
    assert sources(fabric, (1, 1), "memory") == ()


def configured(fabric: Fabric, context: PeContext) -> Configuration:
    """A configuration of one context, of the cell in the second row and column."""
    return Configuration(fabric_hash(fabric), 1, (1,), (), 3, (((1, 1), (context,)),), ())


@pytest.mark.parametrize(
    "context",
    [
        PeContext("multiply_accumulate", a="W", b="constant"),
        PeContext("multiply_accumulate", a="N", b="N"),
        PeContext("multiply_accumulate", a="W", b="N", initial="b_constant"),
        PeContext(a="W", b="N", links=(("E", "N"),)),
        PeContext(a="W", b="N", links=(("W", "N"),)),
        PeContext("multiply_accumulate", a="W", b="N", predicate="W"),
    ],
)
def test_a_configuration_that_needs_a_source_that_is_not_built_is_refused(
    context: PeContext,
) -> None:
    fabric = straight_fabric()
    with pytest.raises(IllegalGraph, match="expected"):
        pack(fabric, configured(fabric, context))
    free = replace(fabric, pe_kinds=tuple(replace(k, sources=()) for k in fabric.pe_kinds))
    assert pack(free, configured(free, context))


def test_a_configuration_that_waits_for_a_stream_is_refused_where_there_are_none() -> None:
    fabric = straight_fabric()
    tile = TileConfiguration(reads=(ReadContext("stream"),))
    told = Configuration(fabric_hash(fabric), 1, (3,), (), 3, (), ((fabric.tiles[0].name, tile),))
    with pytest.raises(IllegalGraph, match="expected no port taking from stream_in, found 1"):
        pack(fabric, told)


@pytest.mark.parametrize(
    ("tile", "expected"),
    [
        (
            TileConfiguration(reads=(ReadContext("address"),)),
            "none, affine, indexed, found address",
        ),
        (
            TileConfiguration(
                writes=(WriteContext("indexed", index="memory_west", data="memory_west"),)
            ),
            "none, affine, found indexed",
        ),
        (
            TileConfiguration(writes=(WriteContext("affine", data="memory_west", predicate="N"),)),
            "no predicate on a fabric without streams, found one",
        ),
    ],
)
def test_what_tiles_made_for_networks_cannot_do_is_refused(
    tile: TileConfiguration, expected: str
) -> None:
    fabric, walk = straight_fabric(), (Generator((GeneratorLoop(2, 1),)),)
    tile = replace(tile, read_generators=walk, write_generators=walk)
    told = Configuration(fabric_hash(fabric), 1, (3,), (), 3, (), ((fabric.tiles[0].name, tile),))
    with pytest.raises(IllegalGraph, match=expected):
        check_configuration(fabric, told)

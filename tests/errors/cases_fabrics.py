"""Refusals of fabrics: their files, configurations, programs, mappings of kernels and plans of networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from errors.messages import Case, rows
from fabric import test_configuration as configurations
from fabric import test_fabric_file as files
from fabric import test_program as programs
from schedule.grid_kernel import test_map as maps
from schedule.grid_kernel import test_mapping_check as mappings
from schedule.grid_kernel import test_run_kernel as runs
from schedule.grid_network import test_plan as plans
from support.example_fabrics import small_fabric
from support.example_graphs import fir
from support.example_nets import convolution_net, vector_net
from support.network_fabric import network_fabric

from hlsgen.dataflow.ir import Dataflow
from hlsgen.fabric.configuration import Configuration
from hlsgen.fabric.configuration_packing import pack, unpack
from hlsgen.fabric.file import load_fabric, parse_fabric
from hlsgen.fabric.ir import Fabric, PeKind
from hlsgen.fabric.packets import WritePacket, from_words
from hlsgen.loops.ir import Kernel, LoopGraph
from hlsgen.loops.text import parse
from hlsgen.schedule.grid_kernel.check import check_mapping
from hlsgen.schedule.grid_kernel.map import map_graph
from hlsgen.schedule.grid_kernel.mapping import GridMapping
from hlsgen.schedule.grid_kernel.run_kernel import map_kernel
from hlsgen.schedule.grid_network.plan import plan_network


def described(old: str, new: str) -> Case:
    return lambda folder: parse_fabric("mine", files.edited(old, new))


def packed(make: Callable[[], Configuration]) -> Case:
    return lambda folder: pack(small_fabric(), make())


def program_of(words: tuple[int, ...]) -> Case:
    return lambda folder: from_words(words)


def named(name: str) -> Case:
    return lambda folder: load_fabric(name)


def bytes_in_a_file(folder: Path) -> object:
    (folder / "bytes.toml").write_bytes(b'title = "\xff\xfe"\n')
    return load_fabric(str(folder / "bytes.toml"))


def fabric_cases() -> dict[str, Case]:
    cases = {
        f"file: {name}": described(old, new)
        for table in (files.WRONG_FORM, files.ILLEGAL)
        for name, (old, new, _) in table.items()
    }
    cases |= {
        f"configuration: {name}": packed(make) for name, (make, _) in configurations.REFUSED.items()
    }
    for words, _ in rows(programs.test_words_that_are_no_program_are_refused):
        cases[f"program: {words}"] = program_of(words)
    for name, _ in rows(files.test_an_unknown_name_is_answered_with_the_nearest):
        cases[f"preset: {name}"] = named(name)
    control = pack(small_fabric(), configurations.plain())[-1]
    return cases | {
        "file: none": lambda folder: load_fabric(str(folder / "none.toml")),
        "file: not UTF-8": bytes_in_a_file,
        "configuration: unit": lambda folder: unpack(
            small_fabric(), [control, WritePacket(0, 0, (0xFFFFFFFF,))]
        ),
        "configuration: interval": lambda folder: unpack(
            small_fabric(), [WritePacket(configurations.CONTROL_UNIT, 0, (0xFFFFFFF8, 7))]
        ),
    }


def mapped(graph: LoopGraph, fabric: Fabric, **options: object) -> Case:
    return lambda folder: map_graph(graph, fabric, **options)  # type: ignore[arg-type]


def checked(mapping: GridMapping) -> Case:
    return lambda folder: check_mapping(mapping)


def run(graph: LoopGraph, fabric: Fabric) -> Case:
    return lambda folder: map_kernel(Kernel("k", (graph,), "here"), fabric)


def mapping_cases() -> dict[str, Case]:
    cases = {
        f"mapping: {words}": checked(wrong)
        for wrong, words in rows(mappings.test_broken_rule_is_named)
    }
    ends, small = maps.ends(), load_fabric("cgra_4x4")
    bare = replace(ends, pe_kinds=(*ends.pe_kinds[:2], PeKind("east", (("move", 1),))))
    tiny = replace(small, tiles=tuple(replace(tile, words=4) for tile in small.tiles))
    cycle = parse("loop_graph bad s32\nloop n 4\na = add b 1\nb = xor a 2\n")
    marked = tuple(
        replace(operation, predicate=operation.clear) if operation.name == "sum" else operation
        for operation in fir().operations
    )
    return cases | {
        "map: operator": mapped(maps.RING, bare),
        "map: sources": mapped(maps.RING, load_fabric("mac_8x8")),
        "map: contexts": mapped(maps.RING, replace(ends, contexts=3), exact=False, time_limit=0.0),
        "map: memory": mapped(maps.RING, tiny),
        "map: cycle": mapped(cycle, small),
        "map: home": mapped(maps.RING, small, homes={"x": "north_9"}),
        "run: width of words": run(fir(), runs.narrow()),
        "run: predicated accumulation": run(replace(fir(), operations=marked), small),
    }


def planned(fabric: Fabric, net: Callable[[], Dataflow], samples: int = 1) -> Case:
    return lambda folder: plan_network(fabric, net(), samples)


def plan_cases() -> dict[str, Case]:
    good = network_fabric()
    slow = PeKind("slow", (("multiply_accumulate", 4), ("maximum_accumulate", 4)))
    kinds = (("mac", "slow", "mac", "mac"), *good.kinds[1:])
    single = replace(good, contexts=1)
    return {
        "no drain": planned(replace(good, drain=False), vector_net),
        "operator": planned(network_fabric(operators=("multiply_accumulate",)), plans.residual_net),
        "made for kernels": planned(load_fabric("cgra_4x4"), vector_net),
        "latencies": planned(
            replace(good, pe_kinds=(*good.pe_kinds, slow), kinds=kinds), vector_net
        ),
        "loops": planned(replace(good, loops=4), vector_net),
        "words": planned(replace(good, word_bits=7), vector_net),
        "links": planned(replace(good, hops=(2,)), vector_net),
        "contexts of an addition": planned(single, plans.residual_net),
        "contexts of a table": planned(single, plans.table_net),
        "activations": planned(network_fabric(2, 3, west=130), plans.residual_net),
        "activations of a batch": planned(network_fabric(2, 3, west=200), convolution_net, 2),
        "samples of a batch": planned(network_fabric(4, 3), convolution_net, 3),
        "weights": planned(network_fabric(2, 3, north=32), convolution_net),
    }

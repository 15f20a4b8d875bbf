"""The figures of mappings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hlsgen.artefact.report import Head, Report
from hlsgen.fabric.switch import outgoing
from hlsgen.loops.outline import outline
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Send


def map_report(mapping: GridMapping) -> dict[str, Any]:
    """The figures of one mapping.

    ``ops`` operations, ``edges`` operands that are values; ``ii`` the interval and ``mii`` its lower bound, the largest of ``res_mii``,
    ``mem_mii`` and ``rec_mii``; ``pe_use`` and ``link_use``: shares of all PE slots and link slots that are used, 0 to 1;
    ``smaller_infeasible``: the interval is above ``mii`` and every smaller one was proved infeasible; ``stopped``: why the search for a
    smaller one ended ("" where there is none); ``pes_at_work``: in each slot, of ``pes``; ``operations``: see ``loops.outline``.
    """
    fabric, ii = mapping.fabric, mapping.ii
    alus = sum(place.unit == "alu" for place in mapping.placements.values())
    links = sum(len(outgoing(fabric, cell)) for cell in fabric.cells)
    return {
        "ops": len(mapping.graph.operations),
        "edges": len(mapping.routes),
        "ii": ii,
        "mii": mapping.bounds.mii,
        "res_mii": mapping.bounds.resource,
        "mem_mii": mapping.bounds.memory,
        "rec_mii": mapping.bounds.recurrence,
        "proved_optimal": mapping.proved_optimal,
        "smaller_infeasible": mapping.proved_optimal and ii > mapping.bounds.mii,
        "stopped": mapping.stopped,
        "seconds": round(mapping.seconds, 3),
        "seed": mapping.seed,
        "pe_use": round(alus / (len(fabric.cells) * ii), 4),
        "link_use": round(len(sends(mapping)) / max(1, links * ii), 4),
        "pes": len(fabric.cells),
        "pes_at_work": [
            sum(p.unit == "alu" and p.time % ii == slot for p in mapping.placements.values())
            for slot in range(ii)
        ],
        "operations": outline(
            mapping.graph, {name: place.time for name, place in mapping.placements.items()}
        ),
    }


def kernel_report(
    name: str, mappings: Sequence[GridMapping], run_cycles: Sequence[int], text: str
) -> Report:
    """``run_cycles`` of every run of an execution; ``text``: the mappings for people."""
    cycles = sum(run_cycles)
    head = Head(interval_cycles=cycles, latency_cycles=cycles)
    return Report(name, head, mapping_figures(mappings), text)


def mapping_figures(mappings: Sequence[GridMapping]) -> dict[str, Any]:
    """``map_report`` of the only graph of a kernel; of several: each with its name under ``graphs``, and the sums of ops, edges and seconds."""
    reports = [map_report(mapping) for mapping in mappings]
    if len(reports) == 1:
        return reports[0]
    named = [
        {"name": mapping.graph.name, **report}
        for mapping, report in zip(mappings, reports, strict=True)
    ]
    return {
        "graphs": named,
        **{key: sum(r[key] for r in reports) for key in ("ops", "edges", "seconds")},
    }


def sends(mapping: GridMapping) -> set[tuple[str, Send]]:
    """Every (operation, link that its value takes in a cycle of iteration 0)."""
    return {
        (mapping.producer(use), move)
        for use, route in mapping.routes.items()
        for move in route
        if isinstance(move, Send)
    }

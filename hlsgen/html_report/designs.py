"""Sections of the page that depend on what was compiled: layers of networks, loop graphs of kernels, PEs of fabrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hlsgen.html_report.content import Bar, Section, Table, TableCell
from hlsgen.html_report.documents import Documents
from hlsgen.html_report.pictures import drawings, kernel_picture, network_picture
from hlsgen.html_report.timelines import phases_timeline, pipeline_timeline


def picture(documents: Documents) -> Section:
    """The network, or the loop graphs with their mappings."""
    pictures = []
    if "graph" in documents.report:
        pictures.append(network_picture(documents))
    for name, graph in loop_graphs(documents):
        pictures.append(kernel_picture(graph, name))
    texts: tuple[str, ...] = ()
    if documents.layers and "graph" in documents.report:
        texts = ("A line's figure is the depth of the buffer before its reader: words × lanes.",)
    shown = tuple(pictures)
    return Section("picture", "Picture", texts, pictures=shown, drawings=drawings(documents))


def loop_graphs(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, figures) of every loop graph of a kernel."""
    report = documents.report
    if "operations" in report:
        yield str(report["name"]), report
    for graph in report.get("graphs", ()):
        if "operations" in graph:
            yield str(graph["name"]), graph


def layers(documents: Documents) -> Section:
    """A row for every layer; of kernels, for every loop graph."""
    if documents.layers:
        is_stream = "unroll" in documents.layers[0]
        table = _stream_layers(documents) if is_stream else _grid_layers(documents)
        return Section("layers", "Layers", tables=(table,))
    rows = [_graph_row(name, graph) for name, graph in loop_graphs(documents)]
    columns = ("loop graph", "operations", "interval of iterations", "lower bound", "PE use")
    tables = (Table("Loop graphs", columns, tuple(rows)),) if rows else ()
    return Section("layers", "Loop graphs", tables=tables)


def timeline(documents: Documents) -> Section:
    """One sample through the design: predicted, and simulated where it was."""
    shown = []
    if "timeline" in documents.report:
        shown.append(pipeline_timeline(documents.report["timeline"], "predicted (event model)"))
    if documents.verified.get("timeline"):
        shown.append(pipeline_timeline(documents.verified["timeline"], "simulated (RTL)"))
    if documents.report.get("phases"):
        shown.append(phases_timeline(documents.report["phases"], "predicted"))
    return Section("timeline", "Timeline", timelines=tuple(shown))


def processing_elements(documents: Documents) -> Section:
    """Which share of the PEs works: by run of a network, by slot of a kernel; empty for circuits without a fabric."""
    report = documents.report
    if report.get("phases"):
        rows = [
            (f"{k}", p["process"], p["kind"], p["cycles"], p["macs"], _share(p["mac_use"]))
            for k, p in enumerate(report["phases"])
        ]
        columns = ("run", "layer", "kind", "cycles", "MACs", "use of the PEs")
        return _elements(Table("Runs of a sample", columns, tuple(rows)))
    tables = []
    for name, graph in loop_graphs(documents):
        if "pes_at_work" in graph:
            slots = tuple(
                (f"{slot}", count, _share(count / graph["pes"]))
                for slot, count in enumerate(graph["pes_at_work"])
            )
            tables.append(Table(f"Slots of {name}", ("slot", "PEs at work", "share"), slots))
    return _elements(*tables)


def _elements(*tables: Table) -> Section:
    return Section("pes", "PEs", tables=tables)


def _stream_layers(documents: Documents) -> Table:
    built = {row["name"]: row for row in documents.built.get("layers", ())}
    rows: list[tuple[TableCell, ...]] = []
    for layer in documents.layers:
        factors = " ".join(f"{name}{n}" for name, n in layer["unroll"].items() if n > 1)
        row: list[TableCell] = [layer["name"], layer["macs"], factors or "1", layer["multipliers"]]
        row += [layer["cycles"], _share(layer["busy"])]
        for kind in ("lut", "ff", "dsp", "bram"):
            row.append(layer[kind])
            if built:
                row.append(built.get(layer["name"], {}).get(kind))
        rows.append(tuple(row))
    columns = ["layer", "MACs", "unrolling", "multipliers", "cycles", "busy"]
    for title in ("LUT", "FF", "DSP", "RAM"):
        columns += [title, f"{title} built"] if built else [title]
    caption = "Layers, predicted" + (" and built" if built else "")
    marked = documents.report.get("bottleneck")
    return Table(caption, tuple(columns), tuple(rows), marked, "the slowest")


def _grid_layers(documents: Documents) -> Table:
    rows = tuple(
        (
            layer["name"],
            layer["macs"],
            layer["runs"],
            layer["cycles"],
            layer["copy_cycles"],
            layer["waiting_cycles"],
            _share(layer["mac_use"]),
        )
        for layer in documents.layers
    )
    columns = ("layer", "MACs", "runs", "cycles", "of them copies", "waiting", "use of the PEs")
    return Table("Layers, predicted", columns, rows)


def _graph_row(name: str, graph: Mapping[str, Any]) -> tuple[TableCell, ...]:
    bound = graph.get("mii", graph.get("rec_mii"))
    use = _share(graph["pe_use"]) if "pe_use" in graph else None
    return (name, graph["ops"], graph["ii"], bound, use)


def _share(share: float) -> Bar:
    return Bar(share, f"{share:.0%}")

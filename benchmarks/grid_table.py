"""The tables of loop kernels, fabrics and networks on fabrics, from their records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.anchors import LOOPS_ON_PES, MULTI_HOP
from benchmarks.kernel_rows import SIZES
from benchmarks.markdown import number, percent, table
from benchmarks.models import network
from benchmarks.record import Record, records
from hlsgen.fabric.file import load_fabric

BOARD = "ulx3s_85f"


def _bounds(kernel: Mapping[str, Any]) -> Sequence[str]:
    return tuple(number(kernel[key]) for key in ("res_mii", "mem_mii", "rec_mii", "mii", "ii"))


def _kernels() -> str:
    rows = [
        (
            kernel["name"],
            number(kernel["ops"]),
            *_bounds(kernel),
            "yes" if kernel["proved_optimal"] else kernel["stopped"],
            number(kernel["seconds"], 2),
            number(MULTI_HOP.get(kernel["name"])),
        )
        for record in records("kernels")
        for kernel in record.values["kernels"]
    ]
    return table(
        "Kernel | Operations | MII of resources | of memory | of recurrences | MII | II | Nothing smaller is possible | Seconds "
        "| II of a PathFinder mapper on a multi-hop fabric",
        rows,
    )


def _large_kernels() -> str:
    rows = [
        (
            _short(kernel["name"]),
            number(kernel["ops"]),
            *_bounds(kernel),
            number(kernel["ii"] / kernel["mii"], 2),
            number(kernel["seconds"], 1),
        )
        for record in records("large_kernels")
        for kernel in record.values["kernels"]
    ]
    return table(
        "Graph | Operations | MII of resources | of memory | of recurrences | MII | II | II / MII | Seconds",
        rows,
    )


def _short(place: str) -> str:
    """``folder/file`` of a graph without what all names have in common."""
    return place.removesuffix(".xml").removesuffix("_DFG").replace("_INNERMOST", "")


def _grids() -> str:
    sizes = [f"{size}x{size}" for size in SIZES]
    rows = [
        (
            record.design,
            number(record.values["ops"]),
            *(
                f"{interval} ({bound})"
                for interval, bound, _ in map(record.values["intervals"].__getitem__, sizes)
            ),
        )
        for record in records("grids")
    ]
    return table(f"Graph | Operations | {' | '.join(sizes)}", rows)


def _examples() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            record.design,
            _each(values["grid"], "ops"),
            _each(values["grid"], "mii"),
            _each(values["grid"], "ii"),
            _cycles(values["grid_cycles"], values["grid_predicted_cycles"]),
            _each(values["stream"], "ii"),
            _cycles(values["stream_cycles"], values["stream_predicted_cycles"]),
            number(values["grid_elements"] + values["stream_elements"]),
            number(values["grid_mismatches"] + values["stream_mismatches"]),
            number(LOOPS_ON_PES.get(record.design)),
        )

    return table(
        "Kernel | Operations | MII | II on cgra_4x4 | Cycles in RTL | II as a fixed pipeline | Cycles in RTL, arrays in and out included "
        "| Elements compared | Mismatches | II of neura on 4x4",
        map(cells, records("examples")),
    )


def _each(graphs: Sequence[Mapping[str, Any]], key: str) -> str:
    return " + ".join(number(graph[key]) for graph in graphs)


def _cycles(measured: Sequence[int], predicted: Sequence[int]) -> str:
    """The cycles of every run; what was predicted beside those that differ."""
    shown = " + ".join(map(number, measured))
    if measured == predicted:
        return shown
    return f"{shown} (predicted {' + '.join(map(number, predicted))})"


LAYERS = {
    "gemm_128": "Gemm, 64 rows, K = 128, 64 columns: 64 tiles",
    "resnet8_conv_3x3": "ResNet-8's second convolution, 3 x 3",
}


def _layers() -> str:
    return table(
        "Layer on mac_8x8 | MAC | Cycles in RTL | Predicted | MAC use | Mismatches",
        (
            (
                LAYERS[record.design],
                number(record.values["macs"]),
                number(record.values["run_cycles"]),
                number(record.values["predicted_cycles"]),
                percent(record.values["mac_use"]),
                number(record.values["mismatches"]),
            )
            for record in records("layers")
        ),
    )


def _networks() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            " + ".join(map(_title, record.design.split("+"))),
            number(values.get("macs")),
            number(_shared(values, "cycles")),
            number(_shared(values, "predicted_cycles")),
            percent(values.get("mac_use")),
            number(_rate(record)),
            number(_streamed(record)),
            number(values["elements"]),
            number(values["mismatches"]),
            number(values.get("ort_integer_mismatches")),
        )

    return table(
        "Network on mac_8x8 | MAC | Cycles in RTL, one sample | Predicted | MAC use | Inferences a second on the ULX3S 85F, at the clock of the fabric's bitstream "
        "| of the network's own bitstream | Elements compared | Mismatches | Unlike ONNX Runtime, int8 kernels allowed",
        map(cells, records("networks")),
    )


def _rate(record: Record) -> float | None:
    """Inferences a second of a network on its fabric, whose words to load and to send cross beside the runs."""
    cycles = _shared(record.values, "cycles")
    clocks = [
        fabric.values["clock_mhz"]
        for fabric in records("fabrics")
        if fabric.design == f"{record.options['fabric']}@{BOARD}"
    ]
    return 1e6 * clocks[0] / cycles if clocks and cycles and "mac_use" in record.values else None


def _streamed(record: Record) -> float | None:
    """Inferences a second of the ``stream`` design of the same network on the same board, where its record has a clock."""
    rates = [
        stream.values.get("inferences_per_second")
        for stream in records("boards")
        if stream.design == f"{record.design}@{BOARD}"
    ]
    return rates[0] if rates else None


def _title(design: str) -> str:
    """``network_by_N``: N samples at a time."""
    name, _, together = design.partition("_by_")
    return network(name).title + (f", batch of {together}" if together else "")


def _shared(values: Mapping[str, Any], key: str) -> float | None:
    """Cycles of a batch for each of its samples."""
    return values[key] / values.get("batch", 1) if key in values else None


def _network_layers() -> str:
    rows = [
        (
            _title(record.design),
            layer["name"],
            number(layer["macs"]),
            number(layer["cycles"]),
            percent(layer["mac_use"]),
            number(layer["loaded_words"]),
        )
        for record in records("networks")
        for layer in record.values.get("layers", ())
    ]
    return table(
        "Network | Layer | MAC | Cycles | MAC use | Words of weights loaded per sample", rows
    )


def _fabrics() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            record.options["fabric"],
            "placed and routed" if "fmax_mhz" in values else "synthesised",
            record.options["board"] if record.options["board"] != "none" else values["family"],
            *(number(values[key]) for key in ("lut", "ff", "dsp", "bram")),
            number(values.get("fmax_mhz"), 1),
        )

    return table(
        "Fabric | How far | For | LUT | FF | DSP | Block RAM | Fmax, MHz",
        map(cells, records("fabrics")),
    )


def _built_fabrics() -> str:
    """The README's table: fabrics with a bitstream."""
    return table(
        "Fabric | Board | PEs | LUT | DSP | Block RAM | Fmax, MHz",
        (
            (
                record.options["fabric"],
                record.options["board"],
                number(len(load_fabric(record.options["fabric"]).cells)),
                *(number(record.values[key]) for key in ("lut", "dsp", "bram")),
                number(record.values["fmax_mhz"], 1),
            )
            for record in records("fabrics")
            if record.values.get("bitstream")
        ),
    )


def _summary() -> str:
    """The README's table: networks on one fabric."""

    def cells(record: Record) -> Iterable[str]:
        values = record.values
        exact = not values["mismatches"] and values["ort_matched"]
        return (
            _title(record.design),
            "mac_8x8",
            "yes" if exact else "no",
            number(values["macs"]),
            number(_shared(values, "cycles")),
            percent(values["mac_use"]),
        )

    networks = [record for record in records("networks") if "macs" in record.values]
    return table(
        "Network | Fabric | Bit-exact in RTL | MAC | Cycles per inference | MAC use of the 64 PEs",
        map(cells, networks),
    )


def _kernel_summary() -> str:
    """The README's table: how many kernels and graphs reach their bound."""
    rows = []
    examples = [graph for record in records("examples") for graph in record.values["grid"]]
    small = [kernel for record in records("kernels") for kernel in record.values["kernels"]]
    large = [kernel for record in records("large_kernels") for kernel in record.values["kernels"]]
    groups = (
        ("Loops of the kernels in Python of `examples/kernels`", examples),
        ("Kernels of the Morpher project with loop counters in the graph", small),
        ("Graphs of 50 to 120 operations of that project", large),
    )
    for title, graphs in groups:
        if graphs:
            worst = max(graph["ii"] / graph["mii"] for graph in graphs)
            rows.append(
                (
                    title,
                    number(len(graphs)),
                    number(sum(graph["ii"] == graph["mii"] for graph in graphs)),
                    number(worst, 2),
                    number(max(graph["seconds"] for graph in graphs), 1),
                )
            )
    return table(
        "Kernels | Loop graphs | At the lower bound MII | Worst II / MII | Longest search, s", rows
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "grid-summary": _summary,
    "kernel-summary": _kernel_summary,
    "fabric-summary": _built_fabrics,
    "kernels": _kernels,
    "large-kernels": _large_kernels,
    "grids": _grids,
    "examples": _examples,
    "layers": _layers,
    "networks": _networks,
    "network-layers": _network_layers,
    "fabrics": _fabrics,
}

"""The table of boards that are simulated whole, from the records of ``emulated``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from benchmarks.markdown import number, percent, table
from benchmarks.record import Record, records


def _emulated() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        name, board = record.design.split("@")
        return (
            name,
            board,
            number(values["samples"]),
            f"{values['mismatches']:,} of {values['elements']:,}",
            f"{values['ort_mismatches']:,}",
            number(values["predicted_interval_cycles"]),
            number(values["measured_cycles"] / values["measured_samples"], 1),
            number(values["clock_mhz"], 1),
        )

    return table(
        "Design | Board | Samples | Elements that differ | from ONNX Runtime | Interval predicted"
        " | Cycles a sample, counted on the board | Clock, MHz, counted",
        map(cells, records("emulated")),
    )


def _swapped() -> str:
    def rows() -> Iterable[Iterable[str]]:
        for record in records("swapped"):
            for place, run in enumerate(record.values["runs"], 1):
                yield (
                    record.options["fabric"],
                    record.values["board"],
                    f"{place}. {run['network']}",
                    number(run["samples"]),
                    number(run["bytes_in"]),
                    number(run["bytes_out"]),
                    f"{run['mismatches']:,} of {run['elements']:,}",
                )

    return table(
        "Fabric | Board | Program | Samples | Bytes to the board | Bytes back | Elements that differ",
        rows(),
    )


def _line() -> str:
    def rows() -> Iterable[Iterable[str]]:
        for record in sorted(records("line"), key=lambda r: r.values["sample_bytes"]):
            for name, run in record.values.items():
                if name in ("many", "single"):
                    yield (
                        number(record.values["sample_bytes"]),
                        f"{run['samples']} in one run" if name == "many" else "one a run",
                        number(run["payload_bytes"]),
                        number(run["bytes_to_board"]),
                        number(run["bytes_to_host"]),
                        number(run["bit_times"]),
                        percent(run["share_of_bytes"]),
                        percent(run["idle_share"]),
                        percent(run["efficiency"]),
                        number(run["mismatches"]),
                    )

    return table(
        "Bytes of a sample | Samples | Bytes of elements, each way | Bytes to the board | to the host | Bit times | Elements of all bytes | Idle"
        " | Efficiency | Elements that differ",
        rows(),
    )


def _loss() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        return (
            number(values["sample_bytes"]),
            number(values["payload_bytes"]),
            number(values["bytes_to_board"] + values["bytes_to_host"]),
            number(values["damaged_bytes"]),
            number(values["refused"]),
            number(values["mismatches"]),
        )

    return table(
        "Bytes of a sample | Bytes of elements, each way | All bytes, both ways | Bytes damaged | Frames that the board refused"
        " | Elements lost or wrong",
        map(cells, (record for record in records("line") if "damaged_bytes" in record.values)),
    )


def _link() -> str:
    def cells(record: Record) -> Iterable[str]:
        values = record.values
        plain, pll = values["oscillator"], values["pll"]
        return (
            record.design,
            values["family"],
            *(number(plain[key]) for key in ("lut", "ff", "bram")),
            *(number(pll[key]) for key in ("lut", "ff", "bram")),
            number(values["capacity_bytes"]),
        )

    return table(
        "Board | Family | LUT | FF | RAM blocks | LUT with PLL | FF with PLL | RAM blocks with PLL | Bytes of each buffer",
        map(cells, records("link")),
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "emulated": _emulated,
    "swapped": _swapped,
    "line": _line,
    "loss": _loss,
    "link": _link,
}

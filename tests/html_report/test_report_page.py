"""The page of a design is whole, needs nothing but itself, and says what the documents beside it say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.report_pages import ReadPage, read_page

import hlsgen
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadFile
from hlsgen.html_report.documents import documents_of
from hlsgen.html_report.page import page, write_page

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DIGITS = EXAMPLES / "digits" / "digits.onnx"
KERNEL = EXAMPLES / "kernels" / "fir.py"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> hlsgen.Compiled:
    output = tmp_path_factory.mktemp("pages") / "digits"
    return hlsgen.compile(DIGITS, board="icebreaker", interval=6000, output=output)


def html_of(compiled: hlsgen.Compiled) -> str:
    return (compiled.directory / "report.html").read_text("utf-8")


def check_whole(read: ReadPage) -> None:
    """No faults, every anchor and label there once, nothing from elsewhere."""
    assert not read.faults and not read.inside
    assert len(read.ids) == len(set(read.ids))
    for address in read.addresses:
        assert address.startswith(("#", "data:image/svg+xml;base64,")), address
        assert not address.startswith("#") or address[1:] in read.ids, address
    assert not read.elements & {"script", "link", "iframe", "object", "embed", "form"}


def row(read: ReadPage, name: str) -> list[str]:
    """The row of a table that begins with a name."""
    (only,) = [row for row in read.rows if row and row[0].split(" the slowest")[0] == name]
    return only


def test_the_page_of_a_network_is_whole_and_needs_nothing_else(digits: hlsgen.Compiled) -> None:
    html = html_of(digits)
    check_whole(read_page(html))
    assert html.count("http") == 0


def test_every_layer_has_its_row_and_its_figures_are_those_of_the_report(
    digits: hlsgen.Compiled,
) -> None:
    report = json.loads((digits.directory / "report.json").read_text())
    read = read_page(html_of(digits))
    for layer in report["layers"]:
        cells = row(read, layer["name"])
        factors = " ".join(f"{name}{n}" for name, n in layer["unroll"].items() if n > 1) or "1"
        figures = [f"{layer['macs']:,}", factors, f"{layer['multipliers']:,}"]
        figures += [f"{layer['cycles']:,}", f"{layer['busy']:.0%}"]
        assert cells[1:] == [*figures, *(f"{layer[k]:,}" for k in ("lut", "ff", "dsp", "bram"))]
    assert row(read, "cycles a sample")[1] == f"{report['interval_cycles']:,}"
    assert row(read, "LUT")[1] == f"{report['lut']:,}"
    assert row(read, report["bottleneck"])[0].endswith("the slowest")


def test_both_twins_name_every_layer_with_the_same_cycles(digits: hlsgen.Compiled) -> None:
    text = (digits.directory / "report.txt").read_text()
    read = read_page(html_of(digits))
    for layer in digits.report["layers"]:
        (line,) = [line for line in text.splitlines() if line.startswith(f"{layer['name']} ")]
        assert f"{layer['cycles']:,}" in line and f"{layer['ff']:,}" in line.split()
        assert f"{layer['cycles']:,}" in row(read, layer["name"])


def test_the_picture_has_every_process_and_every_buffer(digits: hlsgen.Compiled) -> None:
    html = html_of(digits)
    for layer in digits.report["layers"]:
        assert f"<title>{layer['name']}; " in html
        for buffer in layer["buffers"]:
            assert f">{buffer['depth']:,} × {buffer['lanes']}</text>" in html
    assert html.count("; bottleneck</title>") == 1


def test_the_same_design_has_the_same_page_and_no_path_of_this_machine(
    digits: hlsgen.Compiled, tmp_path: Path
) -> None:
    again = hlsgen.compile(DIGITS, board="icebreaker", interval=6000, output=tmp_path / "again")
    assert html_of(again) == html_of(digits)
    assert str(DIGITS.parent) not in html_of(digits)
    assert (
        "hlsgen compile digits.onnx --schedule stream --board icebreaker --interval 6000 -o DIR"
        in html_of(digits)
    )


def test_a_verification_adds_what_it_found(digits: hlsgen.Compiled, tmp_path: Path) -> None:
    fresh = hlsgen.compile(DIGITS, board="icebreaker", interval=6000, output=tmp_path / "verified")
    assert "not verified yet" in html_of(fresh)
    samples = dict(np.load(EXAMPLES / "digits" / "samples.npz"))
    result = fresh.verify(inputs=samples, samples=2, engine="fast")
    html = html_of(fresh)
    read = read_page(html)
    check_whole(read)
    assert f"{result.elements:,} output elements of 2 samples compared" in html
    assert row(read, "cycles a sample")[2] == f"{result.interval_cycles:,}"
    assert "hlsgen verify DIR --samples 2 --engine fast" in html


def test_pages_of_kernels_and_fabrics_are_whole(tmp_path: Path) -> None:
    pipeline = hlsgen.compile(f"{KERNEL}:fir", output=tmp_path / "pipeline")
    mapped = hlsgen.map_kernel(f"{KERNEL}:fir", exact=False, output=tmp_path / "mapped")
    fabric = hlsgen.emit_fabric("icebreaker_2x2", output=tmp_path / "fabric")
    for compiled in (pipeline, mapped, fabric):
        check_whole(read_page(html_of(compiled)))
    for graph, compiled in ((pipeline.report["graphs"][0], pipeline), (mapped.report, mapped)):
        for operation in graph["operations"]:
            assert f"<title>{operation['name']}; {operation['operator']}" in html_of(compiled)
    assert "data:image/svg+xml;base64," in html_of(mapped)
    assert "PEs at work" in html_of(mapped)


def test_the_page_of_a_network_on_a_grid_has_the_use_of_the_pes_in_every_run(
    tmp_path: Path,
) -> None:
    compiled = hlsgen.compile(DIGITS, schedule="grid", output=tmp_path / "grid")
    read = read_page(html_of(compiled))
    check_whole(read)
    for number, phase in enumerate(compiled.report["phases"]):
        cells = row(read, f"{number}")
        assert cells[1:] == [
            phase["process"],
            phase["kind"],
            f"{phase['cycles']:,}",
            f"{phase['macs']:,}",
            f"{phase['mac_use']:.0%}",
        ]


def test_names_are_escaped_everywhere(digits: hlsgen.Compiled) -> None:
    wild = "<script>alert(1)</script>&\"'"
    documents = documents_of(open_folder(digits.directory))
    name = digits.report["layers"][0]["name"]
    text = json.dumps(dict(documents.report)).replace(f'"{name}"', json.dumps(wild))
    html = page(replace(documents, report=json.loads(text)))
    check_whole(read_page(html))
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_folder_whose_report_was_damaged_is_refused(
    digits: hlsgen.Compiled, tmp_path: Path
) -> None:
    fresh = hlsgen.compile(DIGITS, board="icebreaker", interval=6000, output=tmp_path / "damaged")
    (fresh.directory / "report.json").write_text('{"layers": [{"name": 3}], "graph": []}')
    with pytest.raises(BadFile, match="expected the documents of a compiled design"):
        write_page(open_folder(fresh.directory))
    (fresh.directory / "report.json").unlink()
    write_page(open_folder(fresh.directory))
    check_whole(read_page(html_of(fresh)))


def test_a_build_stands_beside_the_prediction_layer_by_layer(digits: hlsgen.Compiled) -> None:
    documents = documents_of(open_folder(digits.directory))
    layers = [
        {"name": layer["name"], "lut": 7_000 + k, "ff": k, "dsp": k, "bram": k}
        for k, layer in enumerate(digits.report["layers"])
    ]
    path = [{"where": "replay_0", "layer": None, "logic_ns": 1.5, "routing_ns": 2.25, "cells": 9}]
    built = {
        **{"board": "icebreaker", "title": "the board", "seeds": {"1": 30.0}, "clock_mhz": 30.0},
        **{"fmax_mhz": 31.5, "oscillator_mhz": 12.0, "lut": 4_000, "ff": 2_000, "dsp": 6},
        **{"bram": 16, "available": {"lut": 5_280, "ff": 5_280, "dsp": 8, "bram": 30}},
        **{"layers": layers, "critical_path": {"ns": 3.75, "parts": path}, "tools": {}},
    }
    read = read_page(page(replace(documents, built=built)))
    check_whole(read)
    for layer, predicted in zip(layers, digits.report["layers"], strict=True):
        cells = row(read, str(layer["name"]))
        assert cells[6:8] == [f"{predicted['lut']:,}", f"{layer['lut']:,}"]
    assert row(read, "LUT")[1:] == [f"{digits.report['lut']:,}", "4,000", "5,280", "76%"]
    assert ["replay_0", "1.5", "2.25", "9"] in read.rows
    assert "hlsgen build DIR --board icebreaker" in " ".join(read.text)

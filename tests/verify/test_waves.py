"""Waves of a few samples, and a setup of the viewer whose signals are all in them, grouped by layer."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.quantised_models import conv_model

import hlsgen
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadFile, BadOption, ToolFailed
from hlsgen.progress import silent
from hlsgen.targets.stream_network import StreamNetwork
from hlsgen.verify.run import Failure, Request
from hlsgen.verify.simulators import Simulator
from hlsgen.verify.waves import (
    _check_fst,
    forget_mismatch,
    gtkwave_text,
    waves_of_mismatch,
    write_waves,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> hlsgen.Compiled:
    model = conv_model("u8", True, (1, 2, 3, 3), (2, 2, 1, 1))[0]
    return hlsgen.compile(model, output=tmp_path_factory.mktemp("waves") / "small", name="waved")


def inputs(count: int) -> dict[str, np.ndarray]:
    model = conv_model("u8", True, (1, 2, 3, 3), (2, 2, 1, 1))[0]
    (value,) = model.graph.input
    return {
        value.name: np.random.default_rng(0).integers(0, 256, (count, 2, 3, 3)).astype(np.uint8)
    }


def signals_of(vcd: str) -> set[str]:
    """Full names of the signals in the head of a VCD file, with their bits."""
    scope: list[str] = []
    names = set()
    for line in vcd.partition("$enddefinitions")[0].splitlines():
        words = line.split()
        if "$scope" in words:
            scope.append(words[2])
        elif "$upscope" in words:
            scope.pop()
        elif "$var" in words:
            names.add(".".join([*scope, "".join(words[4:-1])]))
    return names


def test_every_layer_has_its_group_with_its_stream(small: hlsgen.Compiled) -> None:
    text = gtkwave_text(small.verilog, small.manifest, "w.vcd")
    groups = re.findall(r"@800200\n-(.*)", text)
    assert groups == ["ports", *(point.name for point in small.manifest.processes)]
    for point in small.manifest.processes:
        assert re.search(rf"^waved\.{point.instance}\.o__payload.*\[\d+:0\]$", text, re.MULTILINE)


@pytest.mark.slow
def test_the_viewer_is_told_signals_that_are_there_by_layer(
    small: hlsgen.Compiled, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "small.vcd"
    assert small.verify(inputs=inputs(3), samples=3, waves=path).good
    known = signals_of(path.read_text())
    lines = path.with_suffix(".gtkw").read_text().splitlines()
    assert lines[0] == '[dumpfile] "small.vcd"'
    shown = [line for line in lines[1:] if not line.startswith(("@", "-"))]
    assert len(shown) > 10 and set(shown) <= known
    groups = re.findall(r"@800200\n-(.*)", "\n".join(lines))
    assert groups == ["ports", *(point.name for point in small.manifest.processes)]
    layer = small.manifest.processes[0]
    assert any(f".{layer.instance}.o__payload" in line for line in shown)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["network", "kernel"])
def test_waves_of_a_fabric_have_its_ports_and_every_tile(kind: str, tmp_path: Path) -> None:
    given = None
    if kind == "network":
        model = conv_model("u8", True, (1, 2, 3, 3), (2, 2, 1, 1))[0]
        design = hlsgen.compile(model, schedule="grid", fabric="mac_2x2", output=tmp_path / "grid")
        given = inputs(3)
    else:
        fir = Path(__file__).parents[2] / "examples" / "kernels" / "fir.py"
        design = hlsgen.map_kernel(
            f"{fir}:fir", exact=False, time_limit=10.0, output=tmp_path / "grid"
        )
    path = tmp_path / "grid.vcd"
    assert design.verify(inputs=given, samples=2, waves=path).good
    known = signals_of(path.read_text())
    lines = path.with_suffix(".gtkw").read_text().splitlines()
    shown = [line for line in lines[1:] if not line.startswith(("@", "-"))]
    assert set(shown) <= known
    named = {line.rpartition(".")[2].partition("[")[0] for line in shown}
    assert {"clk", "rst", "s_axis_load_tvalid", "m_axis_unload_tdata", "busy"} <= named
    assert len(known) > 500, "what is inside, too"


def test_what_has_no_waves_is_refused(small: hlsgen.Compiled, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="ends in"):
        small.verify(inputs=inputs(1), waves=tmp_path / "waves.txt")
    with pytest.raises(BadOption, match="on a board"):
        small.verify(inputs=inputs(1), engine="board", waves=tmp_path / "waves.vcd")
    (tmp_path / "folder.vcd").mkdir()
    request = Request("none", "fast", "numpy", 0)
    with pytest.raises(BadFile, match="can be written"):
        folder = open_folder(small.directory)
        write_waves(
            folder, StreamNetwork(), inputs(1), request, None, tmp_path / "folder.vcd", silent
        )


def test_a_machine_that_cannot_write_fst_is_told_what_to_install() -> None:
    without = Simulator(Path("verilator"), None, "false", "make", "5.48")
    with pytest.raises(ToolFailed, match="liblz4-dev") as caught:
        _check_fst(without)
    assert len(str(caught.value).splitlines()) == 3


def failed(sample: int, count: int) -> Failure:
    return Failure(inputs(count), "none", 0, sample, {}, {})


def test_a_mismatch_is_told_with_a_reason_where_waves_cannot_be_or_would_be_large(
    small: hlsgen.Compiled,
) -> None:
    folder, request = open_folder(small.directory), Request("none", "fast", "numpy", 0)
    for end in (".fst", ".vcd"):
        (small.directory / f"mismatch{end}").mkdir()
    told = waves_of_mismatch(folder, StreamNetwork(), request, failed(1, 3), silent)
    assert told.startswith("waves: not written: expected a file that can be written")
    long = replace(folder.manifest, interval_cycles=10**9)
    told = waves_of_mismatch(
        replace(folder, manifest=long), StreamNetwork(), request, failed(1, 3), silent
    )
    assert told.endswith("--waves FILE.fst writes them")
    for end in (".fst", ".vcd"):
        (small.directory / f"mismatch{end}").rmdir()


def test_waves_of_an_earlier_mismatch_do_not_stay_beside_a_later_verification(
    small: hlsgen.Compiled,
) -> None:
    others = small.directory / "mine.fst"
    stale = [small.directory / f"mismatch{end}" for end in (".fst", ".vcd", ".gtkw")]
    for path in (others, *stale):
        path.write_text("old")
    inputs = {p.value: np.zeros((1, *p.tensor_shape[1:]), np.int64) for p in small.manifest.inputs}
    forget_mismatch(open_folder(small.directory))
    assert others.exists() and not any(path.exists() for path in stale)
    others.unlink()
    stale[0].write_text("old")
    assert small.verify(inputs, engine="fast").good and not stale[0].exists()

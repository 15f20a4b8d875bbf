"""Points of an exploration are built side by side, once."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from support.quantised_models import conv_model

from hlsgen.artefact.folder import Folder
from hlsgen.bitstream import build
from hlsgen.bitstream.steps import BuildStep, StepPool, Workplace
from hlsgen.errors import BadOption, ToolFailed
from hlsgen.flow_explore import explore
from hlsgen.flow_explore_build import build_points
from hlsgen.processes import started
from hlsgen.progress import silent


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explored") / "small.onnx"
    path.write_bytes(conv_model("u8", True, (1, 4, 6, 6), (4, 4, 2, 2))[0].SerializeToString())
    return path


def test_points_are_built_once_and_stand_beside_what_was_predicted(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def pretended(folder: Folder, *arguments: object, **options: object) -> None:
        ran.append(folder.directory.name)
        report = folder.report()
        figures = {name: report[name] for name in ("lut", "dsp", "bram")}
        folder.write("build.json", json.dumps(figures | {"fmax_mhz": 50.0}))

    monkeypatch.setattr(build, "build_design", pretended)
    study = explore(small, ["icebreaker"], points=8, checks=3, output=tmp_path)
    two = build_points(small, study, 2, tmp_path)
    built = [point for point in two.points if point.built_lut is not None]
    assert len(ran) == len(built) == 2
    assert all((p.built_lut, p.built_dsp, p.built_mhz) == (p.lut, p.dsp, 50.0) for p in built)
    assert {p.number for p in built} <= {p.number for p in study.front}
    recorded = json.loads((tmp_path / "explore.json").read_text())["points"]
    assert sum(entry["built_lut"] is not None for entry in recorded) == 2
    again = explore(small, ["icebreaker"], points=8, checks=3, output=tmp_path)
    three = build_points(small, again, 3, tmp_path)
    assert len(ran) == 3 == len(set(ran)), "what is built is not built again"
    assert sum(point.built_lut is not None for point in three.points) == 3


def test_a_point_that_cannot_be_built_is_named_and_the_others_go_on(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []

    def pretended(folder: Folder, *arguments: object, **options: object) -> None:
        if not failed:
            failed.append(folder.directory.name.removeprefix("point_"))
            raise ToolFailed("nextpnr", "expected exit code 0, found 1; the log", "Read it.")
        folder.write("build.json", json.dumps({"lut": 1, "dsp": 2, "bram": 3, "fmax_mhz": 4.0}))

    monkeypatch.setattr(build, "build_design", pretended)
    study = explore(small, ["icebreaker"], points=8, checks=2, output=tmp_path)
    both = build_points(small, study, 2, tmp_path)
    assert sum(point.built_lut is not None for point in both.points) == 1
    reason = "nextpnr: expected exit code 0, found 1; the log"
    assert both.refused == {f"point {failed[0]}": reason} and reason in both.text()
    with pytest.raises(BadOption, match="--build"):
        build_points(small, study, 0, tmp_path)


def test_a_build_that_fails_does_not_end_those_beside_it(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool of one fails while that of another runs."""
    ends = threading.Event()

    def pretended(folder: Folder, *arguments: object, pool: StepPool, **options: object) -> None:
        def route(place: Workplace) -> None:
            first = not ends.is_set()
            ends.set()
            if first:
                raise ToolFailed("nextpnr", "exit code 125\n  ERROR: no places\nend", "Read it.")
            with started(
                [sys.executable, "-c", "import time; time.sleep(1)"], place.running
            ) as program:
                assert program.wait() == 0
            folder.write("build.json", json.dumps({"lut": 1, "dsp": 2, "bram": 3, "fmax_mhz": 4.0}))

        place = Workplace(folder.directory, silent, pool.running.branch())
        pool.run([BuildStep("route", (), (), (), route)], place)

    monkeypatch.setattr(build, "build_design", pretended)
    study = explore(small, ["icebreaker"], points=8, checks=2, output=tmp_path)
    both = build_points(small, study, 2, tmp_path)
    assert sum(point.built_lut is not None for point in both.points) == 1
    assert list(both.refused.values()) == ["nextpnr: ERROR: no places"]


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["lut", "fps"])
def test_what_is_built_is_within_a_tenth_of_what_was_predicted(
    small: Path, tmp_path: Path, objective: str
) -> None:
    """The smallest point and the fastest, which the placer finds places for."""
    from hlsgen.board import load_board
    from hlsgen.cost.link import link_cost

    study = explore(small, ["icebreaker"], objective, points=8, checks=1, output=tmp_path)
    (point,) = (p for p in build_points(small, study, 1, tmp_path).points if p.built_lut)
    assert point.built_dsp == point.dsp
    link = link_cost(load_board("icebreaker"))
    assert point.built_lut == pytest.approx(point.lut + link.lut, rel=0.1)

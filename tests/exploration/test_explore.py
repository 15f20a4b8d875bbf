"""An exploration finds the front, plans as compile does, goes on where it was interrupted, and refuses in three lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.quantised_models import conv_model
from support.report_pages import read_page

import hlsgen
from hlsgen.errors import BadFile, BadOption, DoesNotFit, HlsgenError
from hlsgen.exploration import search
from hlsgen.exploration.study import Study
from hlsgen.exploration.study_point import StudyPoint
from hlsgen.flow_explore import explore, pick

FIGURES = ("interval_cycles", "latency_cycles", "lut", "ff", "dsp", "bram", "clock_mhz")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explored") / "small.onnx"
    path.write_bytes(conv_model("u8", True, (1, 4, 6, 6), (4, 4, 2, 2))[0].SerializeToString())
    return path


def test_what_is_planned_is_what_compile_predicts(small: Path, tmp_path: Path) -> None:
    study = explore(small, ["ulx3s_85f", "icebreaker"], points=24, checks=5, output=tmp_path / "o")
    planned = [point for point in study.points if point.is_planned]
    assert len(planned) == 5
    for point in planned:
        report = pick(small, study, point.number, output=tmp_path / f"{point.number}").report
        assert report["board"] == point.board
        assert [report[key] for key in FIGURES] == [getattr(point, key) for key in FIGURES]
        assert report["fps"] == pytest.approx(point.fps, abs=1e-3)


def test_sketches_are_near_what_is_planned(small: Path) -> None:
    sketched = explore(small, points=16, checks=0)
    planned = explore(small, points=16, checks=6)
    before = {point.key: point for point in sketched.points}
    for point in planned.points:
        if point.is_planned:
            assert point.interval_cycles == pytest.approx(
                before[point.key].interval_cycles, rel=0.03
            )
            assert point.lut == pytest.approx(before[point.key].lut, rel=0.1, abs=100)


def point(number: int, fps: float, lut: int, latency: int | None = None) -> StudyPoint:
    return StudyPoint(
        number=number,
        key=f"{number}",
        board="b",
        asked_interval=9,
        dsp_budget=None,
        interval_cycles=10,
        lut=lut,
        dsp=0,
        bram=0,
        clock_mhz=1.0,
        fps=fps,
        input_lanes=(1,),
        sketched_lut=lut,
        sketched_fps=fps,
        is_planned=latency is not None,
        latency_cycles=latency,
    )


def test_no_point_of_the_front_is_beaten_and_every_other_is() -> None:
    points = (
        point(1, 5, 100),
        point(2, 9, 300),
        point(3, 5, 120),
        point(4, 4, 100),
        point(5, 9, 200),
    )
    study = Study("m", "fps", points, {})
    assert [p.number for p in study.front] == [5, 1]
    assert study.best == points[4]
    smallest = Study("m", "lut", points, {})
    assert smallest.best == points[0]
    assert Study("m", "latency", points, {}).best is None
    timed = Study("m", "latency", (*points, point(6, 1, 500, 7), point(7, 1, 400, 8)), {})
    assert [p.number for p in timed.front] == [6, 7] and timed.best is timed.points[5]


def test_the_energy_proxy_is_area_times_the_cycles_of_a_sample() -> None:
    few = replace(point(1, 9, 1000), interval_cycles=10, dsp=2, bram=1)
    many = replace(point(2, 5, 400), interval_cycles=40)
    assert (few.energy_proxy, many.energy_proxy) == (10 * (1000 + 2 * 150 + 100), 40 * 400)
    study = Study("m", "energy-proxy", (few, many), {})
    assert study.best is few and "14,000" in study.text() and "14,000" in study.page()
    assert [entry["energy_proxy"] for entry in study.to_dict()["points"]] == [14000, 16000]
    assert "energy" not in Study("m", "fps", (few, many), {}).text()


def test_the_best_by_the_objective_is_planned(small: Path) -> None:
    for objective in ("fps", "lut", "energy-proxy"):
        study = explore(small, ["icebreaker"], objective, points=12, checks=1)
        assert study.best is not None and study.best.is_planned, objective


def test_an_interrupted_exploration_goes_on_and_nothing_is_sketched_twice(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    real, real_plan = search.sketch, search.planned

    def counted(*arguments: object) -> object:
        calls.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    def interrupted(*arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(search, "sketch", counted)
    monkeypatch.setattr(search, "planned", interrupted)
    with pytest.raises(KeyboardInterrupt):
        explore(small, points=10, checks=2, output=tmp_path / "out")
    assert calls
    calls.clear()
    monkeypatch.setattr(search, "planned", real_plan)
    study = explore(small, points=10, checks=2, output=tmp_path / "out")
    assert not calls and sum(p.is_planned for p in study.points) == 2
    monkeypatch.setattr(search, "planned", interrupted)  # plans are kept, too
    assert explore(small, points=10, checks=2, output=tmp_path / "out").points == study.points


def test_the_record_and_the_page_say_what_the_study_says(small: Path, tmp_path: Path) -> None:
    study = explore(small, points=12, checks=1, output=tmp_path / "out")
    record = json.loads((tmp_path / "out" / "explore.json").read_text())
    assert record == json.loads(json.dumps(study.to_dict()))
    html = (tmp_path / "out" / "explore.html").read_text()
    read = read_page(html)
    assert not read.faults and not read.inside and "http" not in html
    assert all(address[1:] in read.ids for address in read.addresses)
    assert html.count("<circle") == len(study.points)
    assert study.text().splitlines()[0].startswith("small.onnx: ")
    assert repr(study) == study.text() and "<svg" in study._repr_html_()


def test_a_board_on_which_nothing_fits_is_named_and_others_go_on(tmp_path: Path) -> None:
    large = tmp_path / "large.onnx"
    large.write_bytes(conv_model("u8", True, (1, 64, 2, 2), (400, 64, 1, 1))[0].SerializeToString())
    study = explore(large, ["icebreaker", "ulx3s_85f"], points=8, checks=0)
    assert study.refused == {"icebreaker": "no design fits"}
    assert {p.board for p in study.points} == {"ulx3s_85f"}
    with pytest.raises(DoesNotFit):
        explore(large, ["icebreaker"], points=4, checks=0)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"objective": "beauty"}, BadOption, "--objective"),
        ({"points": 0}, BadOption, "--points"),
        ({"checks": -1}, BadOption, "--check"),
        ({"boards": ["none_such"]}, BadOption, "none_such"),
        ({"boards": 3}, BadOption, "boards"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    small: Path, options: dict[str, object], error: type[HlsgenError], words: str
) -> None:
    with pytest.raises(error) as caught:
        explore(small, **options)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 3 and words in str(caught.value)


def test_folders_of_something_else_are_left_alone(small: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BadFile, match="new or empty"):
        explore(small, points=4, checks=0, output=tmp_path)
    (tmp_path / "explore.json").write_text('{"points": [{}]}')
    with pytest.raises(BadFile, match="record of an earlier"):
        explore(small, points=4, checks=0, output=tmp_path)


def test_a_number_that_no_point_has_cannot_be_picked(small: Path) -> None:
    study = explore(small, points=4, checks=0)
    with pytest.raises(BadOption, match="--pick"):
        pick(small, study, 99)
    assert hlsgen.explore is explore


def test_what_was_built_of_a_picked_point_stands_beside_what_was_predicted(
    small: Path, tmp_path: Path
) -> None:
    study = explore(small, ["icebreaker"], points=4, checks=1, output=tmp_path)
    assert "built" not in study.text()
    point = study.points[1]
    folder = pick(small, study, point.number, output=tmp_path / "point_2").directory
    again = explore(small, ["icebreaker"], points=4, checks=1, output=tmp_path)
    assert again.points == study.points, "picked, but not built"
    build = {"lut": 4321, "dsp": 5, "bram": 6, "fmax_mhz": 34.56}
    (folder / "build.json").write_text(json.dumps(build))
    built = explore(small, ["icebreaker"], points=4, checks=1, output=tmp_path)
    (marked,) = (p for p in built.points if p.built_lut is not None)
    assert (marked.key, marked.lut) == (point.key, point.lut)
    figures = (marked.built_lut, marked.built_dsp, marked.built_bram, marked.built_mhz)
    assert figures == (4321, 5, 6, 34.56)
    assert "built LUT" in built.text() and "built MHz" in built.page()
    assert "4,321" in built.page() and "34.6" in built.page()
    recorded = json.loads((tmp_path / "explore.json").read_text())["points"]
    assert [p["built_mhz"] for p in recorded if p["key"] == point.key] == [34.56]
    hlsgen.compile(small, board="icebreaker", interval=point.asked_interval * 3, output=folder)
    (folder / "build.json").write_text(json.dumps(build))
    moved = explore(small, ["icebreaker"], points=4, checks=1, output=tmp_path)
    assert moved.points == study.points, "another design was compiled there"
    (folder / "build.json").write_text("{")
    spoilt = explore(small, ["icebreaker"], points=4, checks=1, output=tmp_path)
    assert spoilt.points == study.points

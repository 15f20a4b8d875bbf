"""An exploration looks at fabrics and words of inputs too, as compile has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.quantised_models import conv_model

from hlsgen.cost.fabric import fabric_cost
from hlsgen.errors import BadOption, DoesNotFit, HlsgenError, UnsupportedOp
from hlsgen.exploration import grid_points
from hlsgen.fabric.file import load_fabric
from hlsgen.flow_explore import explore, pick

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
BUILT = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explored") / "wide.onnx"
    path.write_bytes(conv_model("u8", True, (1, 4, 6, 6), (4, 4, 2, 2))[0].SerializeToString())
    return path


def test_a_point_on_a_fabric_has_the_cycles_that_compile_reports(
    wide: Path, tmp_path: Path
) -> None:
    study = explore(wide, ["ulx3s_85f"], schedules=["grid"], fabrics=["mac_2x2"])
    assert [(p.schedule, p.fabric, p.batch) for p in study.points] == [
        ("grid", "mac_2x2", 1),
        ("grid", "mac_2x2", 2),
    ]
    for point in study.points:
        design = pick(wide, study, point.number, output=tmp_path / f"{point.number}")
        said = [design.report[key] for key in ("interval_cycles", "latency_cycles")]
        assert said == [point.interval_cycles, point.latency_cycles]
        assert design.manifest.board == point.board
        assert (design.report["fabric"], design.report["samples"]) == ("mac_2x2", point.batch)
        assert f"--schedule grid --fabric mac_2x2 --batch {point.batch}" in point.command("w.onnx")


def test_both_schedules_stand_in_one_front_and_are_known_again(
    wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"points": 8, "checks": 0, "schedules": ["stream", "grid"], "output": tmp_path / "o"}
    study = explore(wide, ["ulx3s_85f", "ulx3s_25f"], **asked)  # type: ignore[arg-type]
    assert {(p.board, p.fabric) for p in study.points if p.schedule == "grid"} == {
        ("ulx3s_85f", "mac_2x2"),
        ("ulx3s_85f", "mac_8x8"),
        ("ulx3s_25f", "mac_2x2"),
    }
    assert "mac_8x8" in study.text() and "mac_8x8" in study.page()
    assert "fabric mac_8x16" in study.refused  # no board has room for it

    def planned_again(*arguments: object) -> object:
        raise AssertionError("a point that is known is planned again")

    monkeypatch.setattr(grid_points.OnFabrics, "_head", planned_again)
    again = explore(wide, ["ulx3s_85f", "ulx3s_25f"], **asked)  # type: ignore[arg-type]
    assert again.points == study.points
    recorded = json.loads((tmp_path / "o" / "explore.json").read_text())["points"]
    assert {entry["fabric"] for entry in recorded} == {None, "mac_2x2", "mac_8x8"}


def test_a_fabric_that_does_not_compute_the_network_is_named_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    large = tmp_path / "large.onnx"
    model = conv_model("u8", True, (1, 64, 40, 40), (64, 64, 1, 1))[0]
    large.write_bytes(model.SerializeToString())
    study = explore(large, points=2, checks=0, schedules=["stream", "grid"], fabrics=["mac_2x2"])
    assert {p.schedule for p in study.points} == {"stream"}
    assert "elements in a west tile" in study.refused["fabric mac_2x2"]
    with pytest.raises(DoesNotFit, match="elements in a west tile"):
        explore(large, schedules=["grid"], fabrics=["mac_2x2"])


def test_lanes_are_those_of_every_input_and_compile_has_them(wide: Path, tmp_path: Path) -> None:
    study = explore(wide, points=12, checks=2, lanes=[1, 4])
    assert {(p.asked_lanes, p.input_lanes) for p in study.points} == {(1, (1,)), (4, (4,))}
    fastest = {n: min(p.asked_interval for p in study.points if p.asked_lanes == n) for n in (1, 4)}
    assert fastest[1] == 4 * fastest[4]  # one channel a cycle
    for point in (p for p in study.points if p.is_planned):
        design = pick(wide, study, point.number, output=tmp_path / f"{point.number}")
        assert [port.lanes for port in design.manifest.inputs] == [point.asked_lanes]
        assert [design.report[key] for key in ("interval_cycles", "lut")] == [
            point.interval_cycles,
            point.lut,
        ]
        assert f"--lanes {point.asked_lanes}" in point.command("wide.onnx")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"schedules": ["spiral"]}, BadOption, "--schedule"),
        ({"schedules": []}, BadOption, "--schedule"),
        ({"fabrics": ["mac_2x2"]}, BadOption, "--fabric"),
        ({"schedules": ["grid"], "intervals": [9]}, BadOption, "--interval"),
        ({"schedules": ["grid"], "lanes": [1]}, BadOption, "--lanes"),
        ({"lanes": [3]}, BadOption, "--lanes"),
        ({"lanes": [0]}, BadOption, "--lanes"),
        ({"schedules": ["grid"], "fabrics": ["cgra_8x8"]}, UnsupportedOp, "cgra_8x8"),
        ({"schedules": ["grid"], "boards": ["icebreaker"]}, DoesNotFit, "room for one"),
        ({"intervals": [2], "lanes": [1]}, DoesNotFit, "at most 2 cycles"),
    ],
)
def test_what_cannot_be_asked_of_schedules_and_lanes_is_refused(
    wide: Path, options: dict[str, object], error: type[HlsgenError], words: str
) -> None:
    with pytest.raises(error) as caught:
        explore(wide, **options)  # type: ignore[arg-type]
    assert len(str(caught.value).splitlines()) == 3 and words in str(caught.value)


@pytest.mark.parametrize(
    ("fabric", "record"), [("mac_8x8", "fabrics-mac_8x8"), ("mac_2x2", "fabrics-mac_2x2@ulx3s_25f")]
)
def test_what_a_fabric_takes_is_near_what_was_synthesised(fabric: str, record: str) -> None:
    values = json.loads((BUILT / f"{record}.json").read_text())["values"]
    cost = fabric_cost("ecp5", load_fabric(fabric))
    assert cost is not None
    assert (cost.dsp, cost.bram) == (values["dsp"], values["bram"] - 3 * ("board" in values))
    link = 972 if "board" in values else 0
    assert cost.lut + link == pytest.approx(values["lut"], rel=0.05)
    assert cost.ff == pytest.approx(values["ff"], rel=0.08)


@pytest.mark.parametrize(
    ("family", "rows", "columns", "synthesised"),
    [
        ("ecp5", 1, 2, (6011, 4577, 6, 10)),
        ("ecp5", 2, 4, (11904, 9332, 16, 20)),
        ("gowin", 2, 4, (13313, 11510, 32, 20)),
        ("xilinx7", 2, 4, (7861, 7868, 16, 20)),
    ],
)
def test_smaller_fabrics_are_estimated_as_they_were_synthesised(
    family: str, rows: int, columns: int, synthesised: tuple[int, int, int, int], tmp_path: Path
) -> None:
    text = (Path(__file__).parents[2] / "fabrics" / "mac_2x2.toml").read_text()
    row = ["edge", *["mac"] * (columns - 1)]
    text = text.replace("rows = 2", f"rows = {rows}").replace("columns = 2", f"columns = {columns}")
    text = text.replace('[["edge", "mac"], ["edge", "mac"]]', json.dumps([row] * rows))
    text = text.replace("words = 16384", "words = 4096").replace("meters = 1024", "meters = 256")
    (tmp_path / "small.toml").write_text(text)
    cost = fabric_cost(family, load_fabric(str(tmp_path / "small.toml")))
    assert cost is not None and (cost.dsp, cost.bram) == synthesised[2:]
    assert (cost.lut, cost.ff) == pytest.approx(synthesised[:2], rel=0.08)
    assert fabric_cost("ice40", load_fabric("mac_2x2")) is None

"""A kernel mapped with many seeds: the best is written, what is done is kept, here and on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hlsgen import flow, flow_sweep
from hlsgen.cli import app
from hlsgen.errors import BadFile, BadOption
from hlsgen.flow_sweep import MappedSeed, map_seeds

FIR = f"{Path(__file__).parents[1] / 'examples' / 'kernels' / 'fir.py'}:fir"
QUICK = {"exact": False, "time_limit": 10.0}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seeds that were mapped; seed 1 is a cycle better than it is."""
    seeds: list[int] = []
    real = flow.map_kernel

    def mapped(*arguments: Any, seed: int, **options: Any) -> flow.Compiled:
        seeds.append(seed)
        return real(*arguments, seed=seed, **options)

    monkeypatch.setattr(flow_sweep, "map_kernel", mapped)
    return seeds


def test_the_best_seed_is_written_and_nothing_is_mapped_twice(
    tmp_path: Path, ran: list[int]
) -> None:
    design, tried = map_seeds(FIR, 3, tmp_path / "fir", options=QUICK)
    best = min(tried, key=lambda one: (one.interval_cycles or 0, one.latency_cycles or 0, one.seed))
    assert design.report["interval_cycles"] == best.interval_cycles
    assert [one.seed for one in tried] == [0, 1, 2] and sorted(ran) == sorted([0, 1, 2, best.seed])
    assert f"--seed {best.seed}" in design.manifest.made_by["command"] or best.seed == 0
    ran.clear()
    again, five = map_seeds(FIR, 4, tmp_path / "fir", options=QUICK)
    assert five[:3] == tried and ran.count(3) >= 1 and len(ran) == 2
    assert again.manifest.verilog_sha256 == design.manifest.verilog_sha256


def test_a_seed_without_a_mapping_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = flow.map_kernel

    def mapped(*arguments: Any, seed: int, **options: Any) -> flow.Compiled:
        if seed == 0:
            raise BadOption("kernel", "expected a mapping, found none", "Try another seed.")
        return real(*arguments, seed=seed, **options)

    monkeypatch.setattr(flow_sweep, "map_kernel", mapped)
    _, tried = map_seeds(FIR, 2, tmp_path / "fir", options=QUICK)
    assert tried[0] == MappedSeed(0, None, None) and tried[1].interval_cycles
    with pytest.raises(BadOption, match="expected a mapping"):
        map_seeds(FIR, 1, tmp_path / "none", options=QUICK)


def test_what_cannot_be_swept_is_refused_in_three_lines(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="--seeds") as caught:
        map_seeds(FIR, 0, tmp_path / "fir")
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(BadFile, match=r"none\.py") as missing:
        map_seeds("none.py:fir", 2, tmp_path / "fir")
    assert len(str(missing.value).splitlines()) == 3
    for options in (["--seeds", "2"], ["--cluster", "tcp://h:1", "-o", f"{tmp_path / 'o'}"]):
        told = CliRunner().invoke(app, ["map", FIR, *options])
        assert isinstance(told.exception, BadOption) or told.exit_code == 2, told.output
    both = CliRunner().invoke(
        app, ["map", FIR, "--seeds", "2", "--seed", "1", "-o", f"{tmp_path / 'o'}"]
    )
    assert isinstance(both.exception, BadOption) or both.exit_code == 2


def test_the_command_says_what_each_seed_gave(tmp_path: Path) -> None:
    options = ["--seeds", "2", "--time-limit", "10", "-o", f"{tmp_path / 'fir'}"]
    told = CliRunner().invoke(app, ["map", FIR, *options])
    assert told.exit_code == 0 and "cycles of an execution by seed: 0: " in told.output
    assert (tmp_path / "fir" / "manifest.json").is_file()


@pytest.fixture
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as local:
        yield local.scheduler_address


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_cluster_gives_what_this_machine_gives(address: str, tmp_path: Path) -> None:
    _, here = map_seeds(FIR, 2, tmp_path / "here", options=QUICK)
    design, there = map_seeds(FIR, 2, tmp_path / "there", options=QUICK, cluster=address)
    assert here == there and design.report["interval_cycles"]

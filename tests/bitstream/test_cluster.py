"""Steps on a cluster of two worker processes are those of this machine; a worker or a client may die."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cluster_steps import failing, slow, started_by

from hlsgen import flow
from hlsgen.bitstream import cluster
from hlsgen.bitstream.cluster import Cluster, pool_of
from hlsgen.bitstream.steps import BuildStep, LocalCores, StepPool, Workplace
from hlsgen.errors import BadOption, ToolFailed
from hlsgen.progress import silent

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as local:
        yield local.scheduler_address


def place_of(folder: Path, pool: StepPool) -> Workplace:
    folder.mkdir(exist_ok=True)
    (folder / "in.txt").write_text("a line\n")
    return Workplace(folder, silent, pool.running)


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def test_a_cluster_leaves_the_files_and_records_that_this_machine_leaves(
    address: str, tmp_path: Path
) -> None:
    steps = [slow(name, tmp_path / "log", 0) for name in ("a", "b", "c")]
    local = LocalCores()
    local.run(steps, place_of(tmp_path / "here", local))
    with pool_of(address) as pool:
        assert pool.width == 2
        place = place_of(tmp_path / "there", pool)
        done = pool.run(steps, place)
        assert [(one.name, one.reused) for one in done] == [(n, False) for n in "abc"]
        assert all(one.reused for one in pool.run(steps, place))
    for name in "abc":
        here, there = (tmp_path / side / f"{name}.txt" for side in ("here", "there"))
        assert here.read_text() == there.read_text() == "a line\n" * 2
    # What the cluster did is known here, too.
    assert all(one.reused for one in local.run(steps, place))
    assert len(started_by(tmp_path / "log")) == 6


def test_both_workers_work_at_the_same_time_and_say_what_they_do(
    address: str, tmp_path: Path
) -> None:
    told: list[tuple[str, float | None]] = []
    with pool_of(address) as pool:
        place = place_of(tmp_path, pool)
        place = Workplace(place.folder, lambda *what: told.append(what), pool.running)
        pool.run([slow(name, tmp_path / "log", 3) for name in ("a", "b")], place)
    assert len(set(started_by(tmp_path / "log"))) == 2
    assert ("working on a", 0.5) in told and ("working on b", 0.5) in told


def test_a_worker_that_is_killed_leaves_its_step_to_another(address: str, tmp_path: Path) -> None:
    log, killed = tmp_path / "log", []

    def kill(what: str, fraction: float | None) -> None:
        if not killed:
            killed.append(started_by(log)[0])
            os.kill(killed[0], signal.SIGKILL)

    with pool_of(address) as pool:
        place = place_of(tmp_path, pool)
        (done,) = pool.run([slow("a", log, 4)], Workplace(tmp_path, kill, pool.running))
    assert (done.name, done.reused) == ("a", False)
    assert (place.folder / "a.txt").read_text() == "a line\n" * 2
    assert len(started_by(log)) == 2 and started_by(log)[0] == killed[0] != started_by(log)[1]


def test_a_client_that_was_killed_finds_its_step_again(address: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "in.txt").write_text("a line\n")
    code = f"""
from pathlib import Path
from support.cluster_steps import slow
from hlsgen.bitstream.cluster import pool_of
from hlsgen.bitstream.steps import Workplace
from hlsgen.progress import silent
with pool_of({address!r}) as pool:
    pool.run([slow("a", Path({str(log)!r}), 6)], Workplace(Path({str(tmp_path)!r}), silent, pool.running))
"""
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    client = subprocess.Popen([sys.executable, "-c", code], env=environment)
    wait_for(log.exists)
    time.sleep(1)  # it is published
    client.kill()
    client.wait()
    with pool_of(address) as pool:
        (done,) = pool.run([slow("a", log, 6)], place_of(tmp_path, pool))
        assert isinstance(pool, Cluster) and not pool.client.list_datasets()
    assert done.seconds >= 6 and (tmp_path / "a.txt").read_text() == "a line\n" * 2
    assert len(started_by(log)) == 1, "it was computed twice"


def test_what_is_interrupted_ends_on_its_worker(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"

    def interrupt(what: str, fraction: float | None) -> None:
        pool.running.stop()

    with pool_of(address) as pool:
        place_of(tmp_path, pool)
        with pytest.raises(KeyboardInterrupt):
            pool.run([slow("a", log, 600)], Workplace(tmp_path, interrupt, pool.running))
        wait_for(lambda: "ended" in log.read_text())
    assert not (tmp_path / "a.txt").exists()


def test_an_error_on_a_worker_names_the_log_that_is_here(address: str, tmp_path: Path) -> None:
    step = BuildStep("tool", ("in.txt",), ("out.txt",), (), failing)
    with pool_of(address) as pool, pytest.raises(ToolFailed) as caught:
        pool.run([step], place_of(tmp_path, pool))
    assert str(caught.value).splitlines() == [
        f"tool, log {tmp_path / 'tool.log'}",
        "expected exit code 0, found 1",
        "Read the log.",
    ]
    assert (tmp_path / "tool.log").read_text() == "no room"


def test_workers_with_another_hlsgen_are_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "program", lambda: "another")
    with pool_of(address) as pool, pytest.raises(ToolFailed, match="same hlsgen"):
        pool.run([slow("a", tmp_path / "log", 0)], place_of(tmp_path, pool))


@pytest.mark.slow
def test_a_bitstream_of_the_cluster_is_that_of_this_machine(address: str, tmp_path: Path) -> None:
    """yosys and nextpnr for the digits network; two seeds, so that both workers place and route."""
    digits = TESTS.parent / "examples" / "digits" / "digits.onnx"
    built = []
    for where, asked in (("there", address), ("here", None)):
        design = flow.compile(digits, board="icebreaker", interval=6000, output=tmp_path / where)
        built.append(design.build(seeds=2, cluster=asked))
    there, here = built
    assert (there.seed, there.seeds, there.lut) == (here.seed, here.seeds, here.lut)
    assert len(there.seeds) == 2 and there.bitstream == here.bitstream == "icebreaker.bin"
    bits = [(tmp_path / where / "icebreaker.bin").read_bytes() for where in ("there", "here")]
    assert bits[0] == bits[1] and len(bits[0]) > 100_000


def test_a_cluster_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = flow.compile(TESTS.parent / "examples" / "digits" / "digits.onnx", output=tmp_path)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    for asked in ("tcp://127.0.0.1:9", "no address", 3):
        with pytest.raises(BadOption) as caught:
            design.build(cluster=asked)
        assert len(str(caught.value).splitlines()) == 3 and caught.value.where == "--cluster"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolFailed, match=r"hlsgen\[cluster\]") as missing:
        design.build(cluster="tcp://127.0.0.1:9")
    assert len(str(missing.value).splitlines()) == 3

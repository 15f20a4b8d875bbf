"""A step that is done is not done again; an interrupted build goes on where it stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hlsgen.bitstream.steps import BuildStep, LocalCores, Workplace, run_step
from hlsgen.errors import ToolFailed
from hlsgen.processes import Running, started
from hlsgen.progress import silent


def place_of(folder: Path) -> Workplace:
    return Workplace(folder, silent, Running())


def copying(runs: list[str], settings: tuple[str, ...] = (), name: str = "copy") -> BuildStep:
    """From ``in.txt`` to ``out.txt``, and says that it ran."""

    def work(place: Workplace) -> None:
        runs.append(name)
        (place.folder / "out.txt").write_text((place.folder / "in.txt").read_text())

    return BuildStep(name, ("in.txt",), ("out.txt",), settings, work)


def test_a_step_is_done_once(tmp_path: Path) -> None:
    runs: list[str] = []
    (tmp_path / "in.txt").write_text("a")
    assert not run_step(copying(runs), place_of(tmp_path)).reused
    assert run_step(copying(runs), place_of(tmp_path)).reused
    assert runs == ["copy"]


@pytest.mark.parametrize("change", ["input", "setting", "output", "no output", "record"])
def test_a_step_is_done_again_when_anything_it_depends_on_changed(
    tmp_path: Path, change: str
) -> None:
    runs: list[str] = []
    (tmp_path / "in.txt").write_text("a")
    run_step(copying(runs), place_of(tmp_path))
    settings = ()
    match change:
        case "input":
            (tmp_path / "in.txt").write_text("b")
        case "setting":
            settings = ("another",)
        case "output":
            (tmp_path / "out.txt").write_text("cut")
        case "no output":
            (tmp_path / "out.txt").unlink()
        case "record":
            (tmp_path / "steps" / "copy.json").write_text("{")
    assert not run_step(copying(runs, settings), place_of(tmp_path)).reused
    assert (tmp_path / "out.txt").read_text() == (tmp_path / "in.txt").read_text()
    assert runs == ["copy", "copy"]


def test_an_interrupted_step_is_not_taken_for_done(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a")

    def stopped(place: Workplace) -> None:
        (place.folder / "out.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_step(BuildStep("copy", ("in.txt",), ("out.txt",), (), stopped), place_of(tmp_path))
    runs: list[str] = []
    assert not run_step(copying(runs), place_of(tmp_path)).reused
    assert (tmp_path / "out.txt").read_text() == "a"


def waiting(name: str, seconds: float) -> BuildStep:
    """Runs a program for so long."""

    def work(place: Workplace) -> None:
        command = [sys.executable, "-c", f"import time; time.sleep({seconds})"]
        with started(command, place.running) as program:
            if program.wait():
                raise ToolFailed(name, "expected exit code 0, found a signal", "Run it again.")
        (place.folder / name).write_text("")

    return BuildStep(name, (), (name,), (), work)


def test_steps_side_by_side_run_at_the_same_time(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    def work(name: str) -> BuildStep:
        def meet(place: Workplace) -> None:
            both.wait()
            (place.folder / name).write_text("")

        return BuildStep(name, (), (name,), (), meet)

    done = LocalCores(2).run([work("a"), work("b")], place_of(tmp_path))
    assert [step.name for step in done] == ["a", "b"]


def test_builds_that_share_the_cores_run_no_more_steps_than_there_are_cores(tmp_path: Path) -> None:
    cores, at_once, most = LocalCores(2), [0], [0]

    def work(place: Workplace) -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        time.sleep(0.1)
        at_once[0] -= 1

    def build(name: str) -> None:
        (tmp_path / name).mkdir()
        steps = [BuildStep(step, (), (), (), work) for step in "abc"]
        cores.run(steps, place_of(tmp_path / name))

    builds = [threading.Thread(target=build, args=(name,)) for name in ("one", "two")]
    for thread in builds:
        thread.start()
    for thread in builds:
        thread.join()
    assert most[0] == 2


def test_where_one_of_several_fails_the_others_end(tmp_path: Path) -> None:
    def fails(place: Workplace) -> None:
        raise ToolFailed("a", "expected more", "Do more.")

    place = place_of(tmp_path)
    began = time.monotonic()
    with pytest.raises(ToolFailed, match="expected more"):
        LocalCores(2).run([BuildStep("a", (), (), (), fails), waiting("b", 600)], place)
    assert time.monotonic() - began < 300


def test_a_program_that_starts_after_the_stop_ends_at_once() -> None:
    running = Running()
    running.stop()
    with started([sys.executable, "-c", "import time; time.sleep(600)"], running) as program:
        assert isinstance(program, subprocess.Popen)
        assert program.wait() != 0

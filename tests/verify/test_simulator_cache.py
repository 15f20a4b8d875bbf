"""Built simulators are shared by designs of the same Verilog, by concurrent processes too, and take a bounded space."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.toy_designs import write_toy

from hlsgen.errors import BadFile, BadOption, ToolFailed
from hlsgen.verify import executables, simulator_cache
from hlsgen.verify.executables import Bench, build_bench
from hlsgen.verify.simulator_cache import cache_folder, cached_file
from hlsgen.verify.simulators import Simulator, find_simulator

MEGABYTE = 1_000_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "cache"))
    return cache_folder()


def writer(size: int = 1, calls: list[str] | None = None) -> Callable[[Path], str]:
    """A build that writes a program of ``size`` bytes, and counts itself."""

    def build(work: Path) -> str:
        (work / "simulator").write_bytes(bytes(size))
        (work / "rubbish.o").write_bytes(b"of the compiler")
        (work / "rubbish").mkdir()
        if calls is not None:
            calls.append(work.name)
        return "{}"

    return build


def test_the_folder_is_the_users_cache_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named" / "simulators"
    monkeypatch.delenv("HLSGEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "hlsgen" / "simulators"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "hlsgen" / "simulators"


def test_a_program_is_built_once_and_nothing_else_is_kept(cache: Path) -> None:
    calls: list[str] = []
    first = cached_file("a" * 32, "simulator", writer(calls=calls))
    assert cached_file("a" * 32, "simulator", writer(calls=calls)) == first
    assert cached_file("b" * 32, "simulator", writer(calls=calls)) != first
    assert len(calls) == 2
    assert sorted(path.name for path in first.parent.iterdir()) == ["simulator", "whole.json"]
    assert not list(cache.glob("unfinished_*"))


def test_a_build_that_was_cut_short_is_not_taken_for_a_whole_one(cache: Path) -> None:
    program = cached_file("a" * 32, "simulator", writer(5))
    (program.parent / "whole.json").unlink()
    program.write_bytes(b"cut")
    (cache / f"unfinished_{'a' * 32}").mkdir()  # of a process that was killed
    assert cached_file("a" * 32, "simulator", writer(5)).read_bytes() == bytes(5)


def test_a_build_that_fails_leaves_nothing_and_lets_the_next_one_try(cache: Path) -> None:
    def fail(work: Path) -> str:
        (work / "simulator").write_bytes(b"half")
        raise ToolFailed("make", "expected success, found failure", "Look.")

    with pytest.raises(ToolFailed):
        cached_file("a" * 32, "simulator", fail)
    assert [path for path in cache.iterdir() if path.is_dir()] == []
    assert cached_file("a" * 32, "simulator", writer()).exists()


def test_who_needs_the_same_program_at_the_same_time_waits_for_the_one_who_builds(
    cache: Path,
) -> None:
    calls: list[str] = []

    def slow(work: Path) -> str:
        time.sleep(0.3)
        return writer(calls=calls)(work)

    threads = [
        threading.Thread(target=cached_file, args=("a" * 32, "simulator", slow)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_what_was_used_longest_ago_makes_room(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HLSGEN_CACHE_MB", "3")
    keys = [letter * 32 for letter in "abcd"]
    for age, key in enumerate(keys[:3]):
        program = cached_file(key, "simulator", writer(MEGABYTE - 1000))
        hours = 3600 * (10 - age)
        os.utime(program.parent / "whole.json", (time.time() - hours,) * 2)
    cached_file(keys[0], "simulator", writer())  # used again: b is now the oldest
    cached_file(keys[3], "simulator", writer(MEGABYTE - 1000))
    assert [(cache / key).exists() for key in keys] == [True, False, True, True]


def test_a_program_in_use_stays_however_little_room_there_is(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HLSGEN_CACHE_MB", "0")
    first = cached_file("a" * 32, "simulator", writer(MEGABYTE))
    second = cached_file("b" * 32, "simulator", writer(MEGABYTE))
    assert first.exists() and second.exists()
    os.utime(first.parent / "whole.json", (0, 0))
    cached_file("c" * 32, "simulator", writer())
    assert not first.exists() and second.exists()


def test_what_killed_processes_left_goes_after_a_day(cache: Path) -> None:
    cached_file("a" * 32, "simulator", writer())
    for name, age in (("old", 2 * simulator_cache.ABANDONED_SECONDS), ("new", 0)):
        (cache / f"unfinished_{name}").mkdir()
        (cache / f"unfinished_{name}.log").write_text("log")
        for path in cache.glob(f"unfinished_{name}*"):
            os.utime(path, (time.time() - age,) * 2)
    cached_file("b" * 32, "simulator", writer())
    left = sorted(path.name for path in cache.glob("unfinished_*"))
    assert left == ["unfinished_new", "unfinished_new.log"]


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HLSGEN_CACHE", str(tmp_path / "file"))
    with pytest.raises(BadFile, match="HLSGEN_CACHE"):
        cached_file("a" * 32, "simulator", writer())


def test_a_size_that_is_not_a_number_is_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HLSGEN_CACHE_MB", "much")
    with pytest.raises(BadOption, match="HLSGEN_CACHE_MB"):
        cached_file("a" * 32, "simulator", writer())


BENCH = Bench("verify", "top", "0" * 64, ("-cc",), {"ports.h": "// none"})
SIMULATOR = Simulator(Path("verilator"), None, "true", "make", "5.48")
OTHERS: dict[str, tuple[Bench, Simulator]] = {
    "bench": (Bench("other", "top", "0" * 64, ("-cc",), {"ports.h": "// none"}), SIMULATOR),
    "Verilog": (Bench("verify", "top", "1" * 64, ("-cc",), {"ports.h": "// none"}), SIMULATOR),
    "arguments": (Bench("verify", "top", "0" * 64, ("-O3",), {"ports.h": "// none"}), SIMULATOR),
    "source": (Bench("verify", "top", "0" * 64, ("-cc",), {"ports.h": "// one"}), SIMULATOR),
    "file": (Bench("verify", "top", "0" * 64, ("-cc",), {"others.h": "// none"}), SIMULATOR),
    "version": (BENCH, Simulator(Path("verilator"), None, "true", "make", "5.50")),
    "compiler": (BENCH, Simulator(Path("verilator"), None, "echo", "make", "5.48")),
}


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_determines_the_program_is_in_its_key(what: str) -> None:
    assert executables._key(*OTHERS[what]) != executables._key(BENCH, SIMULATOR)


def test_flags_of_the_environment_are_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = executables._key(BENCH, SIMULATOR)
    monkeypatch.setenv("CXXFLAGS", "-O0")
    assert executables._key(BENCH, SIMULATOR) != before


def test_folders_of_one_verilog_share_the_program(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds: list[Path] = []
    real = executables._build

    def counted(work: Path, directory: Path, bench: Bench, simulator: Simulator) -> None:
        builds.append(directory)
        real(work, directory, bench, simulator)

    monkeypatch.setattr(executables, "_build", counted)
    first = tmp_path / "first"
    write_toy(first)
    shutil.copytree(first, tmp_path / "second")
    digest = hashlib.sha256((first / "design.v").read_bytes()).hexdigest()
    bench = Bench("lint", "hlsgen_top", digest, ("--lint-only", "-Wno-fatal"), {})
    monkeypatch.setattr(executables, "run_tool", _no_tool)
    programs = {
        build_bench(tmp_path / name, bench, find_simulator()) for name in ("first", "second")
    }
    assert len(programs) == 1 and len(builds) == 1
    assert not (first / "build").exists()


def _no_tool(command: object, where: str, log: Path, work: Path, environment: object) -> None:
    log.write_text("")
    (work / "Vtop_classes.mk").write_text("VM_GLOBAL_FAST = \\\n  verilated \\\n")
    for name in ("runtime.o", "runtime.h.gch"):
        (work / name).write_text("common to all")
    (work / "simulator").write_text("program")


def test_what_programs_of_a_bench_have_in_common_is_compiled_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def noted(command: list[str], where: str, log: Path, work: Path, environment: object) -> None:
        commands.append(command)
        _no_tool(command, where, log, work, environment)

    monkeypatch.setattr(executables, "run_tool", noted)
    write_toy(tmp_path)
    digest = hashlib.sha256((tmp_path / "design.v").read_bytes()).hexdigest()
    for arguments in (("-cc",), ("-cc", "--vpi")):
        for text in ("// one", "// another"):
            bench = Bench("verify", "hlsgen_top", digest, arguments, {"ports.h": text})
            build_bench(tmp_path, bench, find_simulator())
    for name, option in (("runtime.o", "USER_LDLIBS="), ("runtime.h.gch", "USER_CPPFLAGS=")):
        assert sum(name in command for command in commands) == 2
        given = [word for command in commands for word in command if word.startswith(option)]
        assert len(given) == 4 and len(set(given)) == 2


def test_verilog_that_was_changed_after_compilation_is_not_built(
    tmp_path: Path, cache: Path
) -> None:
    write_toy(tmp_path)
    bench = Bench("lint", "hlsgen_top", "0" * 64, (), {})
    with pytest.raises(BadFile, match=r"design\.v"):
        build_bench(tmp_path, bench, find_simulator())


def test_a_tool_that_fails_leaves_the_log_that_its_error_names(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "design.v").write_text("no Verilog")
    digest = hashlib.sha256(b"no Verilog").hexdigest()
    bench = Bench("lint", "top", digest, ("--lint-only",), {})
    with pytest.raises(ToolFailed) as caught:
        build_bench(tmp_path, bench, find_simulator())
    (log,) = cache.glob("unfinished_*.log")
    assert str(log) in str(caught.value) and "syntax error" in log.read_text()

"""What becomes of failures that nobody foresaw, of signals and of closed streams: three lines, clean folders, no orphans."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_cli import DIGITS, refused, run

from hlsgen import cli_lists, processes
from hlsgen.errors import BadFile, InternalError
from hlsgen.failures import house_error, naming


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """``command`` run by the shell, with ``hlsgen`` as this hlsgen."""
    program = f'hlsgen() {{ "{sys.executable}" -m hlsgen "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device\nFree some space"),
        (errno.EACCES, "Permission denied\nChange the permissions"),
        (errno.ENAMETOOLONG, "File name too long\nGive a shorter name"),
        (errno.EIO, "Input/output error\nCheck the file"),
    ],
)
def test_what_the_machine_refuses_names_the_file(number: int, words: str) -> None:
    error = house_error(OSError(number, os.strerror(number), "design.v"), "hlsgen compile")
    assert isinstance(error, BadFile) and error.exit_code == 2
    assert str(error).startswith("design.v\nexpected") and words in str(error)


def test_no_memory_is_the_machines_fault() -> None:
    assert "memory" in str(house_error(MemoryError(), "hlsgen compile big.onnx"))


def test_a_fault_of_hlsgen_says_so_names_the_node_and_keeps_its_traceback() -> None:
    try:
        with naming("net.onnx, node conv1 (Conv)"):
            raise ZeroDivisionError("in a pass")
    except ZeroDivisionError as caught:
        error = house_error(caught, "hlsgen compile net.onnx")
    assert isinstance(error, InternalError) and error.exit_code == 3
    where, problem, remedy = str(error).splitlines()
    assert where == "net.onnx, node conv1 (Conv)"
    assert "fault of hlsgen itself" in problem and "in a pass" in problem
    file = Path(re.search(r"with (\S+),", remedy)[1])  # type: ignore[index]
    text = file.read_text()
    file.unlink()
    assert "hlsgen compile net.onnx" in text and "Traceback" in text and "in a pass" in text


def test_an_error_of_the_house_passes_unchanged() -> None:
    error = BadFile("x", "expected y, found z", "Do it.")
    with pytest.raises(BadFile) as caught, naming("node"):
        raise error
    assert caught.value is error is house_error(error, "hlsgen")


def test_the_command_line_turns_any_failure_into_three_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError("impossible")

    monkeypatch.setattr(cli_lists, "_table", fail)
    code, _, error = run(capsys, "boards")
    assert code == 3 and len(error.strip().splitlines()) == 3
    Path(re.search(r"with (\S+),", error)[1]).unlink()  # type: ignore[index]


@pytest.mark.parametrize("command", ["boards", "fabrics", "ops", f"check {DIGITS}", "--help"])
def test_output_to_a_full_disk_is_an_error(command: str) -> None:
    done = shell(f"hlsgen {command} > /dev/full")
    refused((done.returncode, "", done.stderr), "No space left")


def test_closed_streams_are_an_error_or_do_no_harm() -> None:
    done = shell("hlsgen boards >&-")
    refused((done.returncode, "", done.stderr), "standard output", "closed")
    assert shell("hlsgen boards >&- 2>&-").returncode == 2
    done = shell("hlsgen boards <&- 2>&-")
    assert done.returncode == 0 and "icebreaker" in done.stdout


def test_a_reader_that_has_enough_ends_the_command_without_a_word() -> None:
    done = shell("hlsgen ops | true; echo ${PIPESTATUS[0]}")
    # 0 where the list was in the pipe before its reader went
    assert done.stderr == "" and done.stdout.strip() in ("0", "141")
    done = shell("hlsgen --help | sleep 0; echo ${PIPESTATUS[0]}")
    assert done.stderr == "" and done.stdout.strip() in ("0", "141")


SLEEPER = """
import subprocess, sys, time
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) for _ in range(2)]
print(*(child.pid for child in children), flush=True)
time.sleep(600)
"""


def gone(process: int) -> bool:
    """Whether a process has ended within some seconds (a zombie has)."""
    for _ in range(200):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_program_ends_with_all_that_it_started() -> None:
    command = (sys.executable, "-c", SLEEPER)
    with (
        pytest.raises(KeyboardInterrupt),
        processes.started(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        children = [int(number) for number in process.stdout.readline().split()]
        raise KeyboardInterrupt
    assert process.returncode == -signal.SIGKILL
    assert len(children) == 2 and all(map(gone, children))


def test_a_program_beyond_its_time_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run((sys.executable, "-c", SLEEPER), timeout=0.2, capture_output=True)


STOPPED = """
import signal, sys, tempfile
from hlsgen import cli, cli_lists, processes

# Whoever runs the tests may ignore some of them (nohup, a shell's background); a signal that is ignored stays so in hlsgen.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

def wait(columns, rows):
    with tempfile.TemporaryDirectory(dir=FOLDER):
        processes.run((sys.executable, "-c", PROGRAM))

FOLDER, PROGRAM = sys.argv[1:]
cli_lists._table = wait
sys.argv[1:] = ["boards"]
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_programs_and_removes_temporary_folders(
    number: signal.Signals, tmp_path: Path
) -> None:
    command = (sys.executable, "-c", STOPPED, str(tmp_path), SLEEPER)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        children = [int(pid) for pid in process.stdout.readline().split()]
        assert len(children) == 2 and list(tmp_path.iterdir())
        process.send_signal(number)
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
        code = process.returncode
    refused((code, "", error), f"signal {number.name}")
    assert not list(tmp_path.iterdir())
    assert all(map(gone, children))

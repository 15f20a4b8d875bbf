"""How the command line is called: as a script, as a module, with ``-h``, ``--version``, and by the shell's completion."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hlsgen import __version__


def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m hlsgen ARGUMENTS``."""
    return subprocess.run(
        [sys.executable, "-m", "hlsgen", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def completed(words: str) -> list[str]:
    """What bash is offered for the last of ``words``."""
    place = str(len(words.split(" ")) - 1)
    done = call(_HLSGEN_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=place)
    assert done.returncode == 0, done
    return done.stdout.split()


def test_the_version_is_printed() -> None:
    done = call("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"hlsgen {__version__}\n", "")


@pytest.mark.parametrize("command", [(), ("compile",), ("boards",)])
def test_the_short_option_for_help_is_the_long_one(command: tuple[str, ...]) -> None:
    short, long = call(*command, "-h"), call(*command, "--help")
    assert short.returncode == long.returncode == 0
    assert "Usage: hlsgen" in short.stdout
    assert short.stdout == long.stdout


def test_the_module_runs_the_commands_and_gives_their_exit_code() -> None:
    assert "icebreaker" in call("boards").stdout
    refused = call("compile", "none.onnx")
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("hlsgen ver", ["verify"]),
        ("hlsgen compile --bo", ["--board"]),
        ("hlsgen compile --board ulx3s", ["ulx3s_12f", "ulx3s_25f", "ulx3s_85f"]),
        ("hlsgen build --board pynq", ["pynq_z2"]),
        ("hlsgen map --fabric mac", ["mac_2x2", "mac_8x16", "mac_8x8"]),
        ("hlsgen fabric cgra_4", ["cgra_4x4"]),
    ],
)
def test_the_shell_completes_commands_options_boards_and_fabrics(
    words: str, offered: list[str]
) -> None:
    assert completed(words) == offered

"""What a user of Python sees: lists of what there is, results that print, outputs by name, progress without a terminal."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
from support.report_pages import read_page

import hlsgen
from hlsgen.errors import BadOption, TypeMismatch
from hlsgen.progress import lines, spaced_lines, terminal

DIGITS = Path(__file__).resolve().parents[1] / "examples" / "digits"


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> hlsgen.Compiled:
    output = tmp_path_factory.mktemp("python") / "digits"
    return hlsgen.compile(DIGITS / "digits.onnx", board="icebreaker", interval=6000, output=output)


def samples(count: int) -> dict[str, np.ndarray]:
    return {name: array[:count] for name, array in np.load(DIGITS / "samples.npz").items()}


def test_what_there_is_is_listed() -> None:
    assert "icebreaker" in [board.name for board in hlsgen.list_boards()]
    assert "cgra_4x4" in [fabric.name for fabric in hlsgen.list_fabrics()]
    assert "Conv" in [row[0] for row in hlsgen.list_operators()]
    assert hlsgen.list_boards() == hlsgen.list_boards()


def test_a_design_shows_itself_in_two_lines_and_in_a_notebook(digits: hlsgen.Compiled) -> None:
    shown = repr(digits).splitlines()
    assert len(shown) == 2
    assert shown[0].startswith("digits: stream_network for icebreaker, in ")
    assert f"interval_cycles {digits.report['interval_cycles']:,}" in shown[1]
    read = read_page(digits._repr_html_())
    assert not read.faults and not read.inside and "svg" in read.elements


def test_outputs_come_by_name_and_the_verilog_gives_the_same(digits: hlsgen.Compiled) -> None:
    meaning = digits.run(samples(3))
    assert list(meaning) == [port.value for port in digits.manifest.outputs]
    simulated = digits.run(samples(3), engine="fast")
    for name, values in meaning.items():
        assert len(values) == 3
        np.testing.assert_array_equal(simulated[name], values)
    verified = digits.verify(inputs=samples(3), engine="fast")
    assert repr(verified).splitlines()[0] == "good"
    assert "<pre>good" in verified._repr_html_()


def test_an_engine_and_inputs_that_are_not_there_are_refused(digits: hlsgen.Compiled) -> None:
    with pytest.raises(BadOption, match="expected one of integer, cocotb, fast"):
        digits.run(samples(1), engine="magic")
    with pytest.raises((BadOption, TypeMismatch)):
        digits.run({"nothing": np.zeros((1, 1))})


def test_progress_without_a_terminal_is_a_line_a_step_and_no_more_in_between() -> None:
    log = io.StringIO()
    progress = lines(seconds=100, file=log)
    for share in (0.0, 0.5, 1.0):
        progress("placing", share)
    progress("routing", None)
    assert log.getvalue().splitlines() == ["hlsgen: placing 0%", "hlsgen: routing"]
    often = lines(seconds=0, file=log)
    often("packing", 0.25)
    often("packing", 0.5)
    assert log.getvalue().splitlines()[2:] == ["hlsgen: packing 25%", "hlsgen: packing 50%"]


def wait_for(log: io.StringIO, lines: int) -> list[str]:
    """So many lines of a log, or those that came within half a minute."""
    for _ in range(3000):
        if log.getvalue().count("\n") >= lines:
            break
        time.sleep(0.01)
    return log.getvalue().splitlines()


def test_a_step_that_says_nothing_is_named_again_and_again_in_a_log() -> None:
    log = io.StringIO()
    with spaced_lines(seconds=0.01, file=log) as progress:
        progress("routing", None)
        written = wait_for(log, 2)
        progress("packing", 0.5)
        length = len(wait_for(log, 2))
        later = wait_for(log, length + 2)
    assert all(re.fullmatch(r"hlsgen: routing \(\d+ s\)", line) for line in written)
    assert re.fullmatch(r"hlsgen: packing 50% \(\d+ s\)", later[-1])
    after = log.getvalue()
    time.sleep(0.05)
    assert log.getvalue() == after, "nothing is written once it is over"


def test_what_is_over_soon_or_quiet_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        with terminal(quiet) as progress:
            progress("reading", None)
    assert capsys.readouterr().err == ""


def test_a_log_that_is_closed_ends_the_lines_and_not_the_work() -> None:
    log = io.StringIO()
    with spaced_lines(seconds=0.01, file=log) as progress:
        progress("placing", None)
        log.close()
        time.sleep(0.05)
    progress("still at work", None)

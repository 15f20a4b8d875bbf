"""The whole verification on toys: what is right passes, and every kind of fault is found and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.toy_designs import ToyReference, toy_samples, words_per_sample, write_toy

from hlsgen.artefact.folder import open_folder
from hlsgen.errors import Mismatch
from hlsgen.targets.stream_network import StreamNetwork
from hlsgen.verify.result import VerifyResult
from hlsgen.verify.run import Request
from hlsgen.verify.verify import verify_design


def _verify(directory: Path, engine: str, stall: str = "random", samples: int = 6) -> VerifyResult:
    request = Request(stall, engine, "numpy", 3)
    reference = ToyReference()
    given = reference.samples(toy_samples(samples), None, 0)
    return verify_design(open_folder(directory), StreamNetwork(), reference, given, request)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("toy")
    write_toy(directory)
    return directory


@pytest.mark.parametrize("engine", ["fast", "cocotb"])
@pytest.mark.parametrize("stall", ["random", "none"])
def test_a_right_design_has_no_mismatch_and_its_exact_timing(
    toy: Path, engine: str, stall: str
) -> None:
    result = _verify(toy, engine, stall)
    assert result.good and result.mismatches == 0
    sevens = int((toy_samples(6)["x"] == -6).sum())
    assert (result.ort_mismatches, result.ort_integer_mismatches) == (sevens, 0)
    assert sevens and result.ort_matched == "integer"
    assert (result.samples, result.elements) == (6, 6 * 24)
    assert result.interval_cycles == words_per_sample(3)
    assert result.latency_cycles == words_per_sample(3) + 1
    written = json.loads((toy / "verify.json").read_text())
    assert written["mismatches"] == 0 and written["interval_cycles"] == result.interval_cycles
    assert not list(toy.glob(".hlsgen_unfinished_*"))


@pytest.mark.parametrize(
    "lanes", [pytest.param(1, marks=pytest.mark.slow), 17, pytest.param(9, marks=pytest.mark.slow)]
)
def test_words_of_any_width_pass_through_the_fast_engine(tmp_path: Path, lanes: int) -> None:
    write_toy(tmp_path, lanes)
    assert _verify(tmp_path, "fast", samples=40).mismatches == 0


def test_a_wrong_element_is_named_and_the_first_wrong_process_found(tmp_path: Path) -> None:
    write_toy(tmp_path, lanes=4, fault="wrong value", faulty=0)
    result = _verify(tmp_path, "fast", samples=4)
    # Word 13 is pixel 1 of sample 2 (6 words each): channel 0, row 0, column 1.
    assert result.mismatches == 1
    (wrong,) = result.shown
    assert (wrong.sample, wrong.value, wrong.index) == (2, "y", (0, 0, 0, 1))
    assert wrong.got == wrong.want + 1
    assert result.finding is not None
    assert "negate" in result.finding and "sample 2 [0, 1, 0]" in result.finding
    assert "got" in result.text() and "first wrong process" in result.text()
    written = json.loads((tmp_path / "verify.json").read_text())
    assert written["mismatches"] == 1
    (waves,) = (path for path in tmp_path.glob("mismatch.*") if path.suffix in (".vcd", ".fst"))
    told = f"waves: {waves} (samples 1 to 2); gtkwave {waves.name} mismatch.gtkw"
    assert waves.stat().st_size and result.waves == written["waves"] == told
    assert told in result.text()
    assert (tmp_path / "mismatch.gtkw").read_text().startswith(f'[dumpfile] "{waves.name}"')


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["fast", "cocotb"])
def test_a_valid_that_is_withdrawn_is_a_broken_rule(tmp_path: Path, engine: str) -> None:
    write_toy(tmp_path, fault="valid withdrawn")
    # The word is lost as well, so that elements differ besides.
    result = _verify(tmp_path, engine)
    assert not result.good
    assert any("tvalid fell before tready" in text for text in result.violations)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["fast", "cocotb"])
def test_a_misplaced_last_fails_though_every_element_is_right(tmp_path: Path, engine: str) -> None:
    write_toy(tmp_path, fault="late last")
    with pytest.raises(Mismatch, match="tlast is 0 on word 11 of 12"):
        _verify(tmp_path, engine)
    assert json.loads((tmp_path / "verify.json").read_text())["violations"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["fast", "cocotb"])
def test_a_design_that_stops_has_its_missing_elements_counted(tmp_path: Path, engine: str) -> None:
    write_toy(tmp_path, lanes=4, fault="stops")
    result = _verify(tmp_path, engine, samples=4)
    # The stage takes 13 words of 24; each carries 4 elements.
    assert result.mismatches == 11 * 4
    assert result.interval_cycles is None
    assert any("the design stopped" in text for text in result.violations)
    assert result.finding is not None and "13 of 18 words" in result.finding


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["fast", "cocotb"])
def test_a_word_too_many_is_seen(tmp_path: Path, engine: str) -> None:
    write_toy(tmp_path, lanes=4, fault="surplus word")
    result = _verify(tmp_path, engine, samples=4)
    assert any("more than the expected" in text for text in result.violations)

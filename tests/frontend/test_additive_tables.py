"""Files of additive table networks: what they mean, as circuits too, and which are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.table_networks import additive_results

from benchmarks.table_networks import additive
from hlsgen.errors import BadFile
from hlsgen.flow import compile
from hlsgen.frontend.table_file import read_tables

SIZES, BITS = (4, 3, 2), (3, 4, 5)
Entries = dict[str, Any]


def written(folder: Path, entries: Any, output_bits: int | None = BITS[-1]) -> Path:
    path = folder / "truth_tables.json"
    path.write_text(json.dumps(entries))
    if output_bits is not None:
        widths = [*BITS[:-1], output_bits]
        (folder / "config.json").write_text(json.dumps({"layers_bitwidth": widths}))
    return path


@pytest.mark.parametrize("stall", ["none", "random"])
@pytest.mark.parametrize("seed", range(2))
def test_a_file_is_a_circuit_with_a_result_every_cycle(
    seed: int, stall: str, tmp_path: Path
) -> None:
    entries = additive(SIZES, BITS, seed)
    design = compile(
        written(tmp_path, entries), board="ulx3s_85f", interval=1, output=tmp_path / "d"
    )
    codes = np.random.default_rng(seed).integers(0, 8, (60, 4)).astype(np.uint8)
    answers = design.run({"x": codes})["y"].reshape(60, 2)
    assert np.array_equal(answers, additive_results(entries, SIZES, BITS, codes))
    result = design.verify({"x": codes}, stall=stall, engine="fast", seed=seed)
    assert result.good and result.mismatches == 0, result.text()
    assert design.report["interval_cycles"] == 1
    assert all(promise.exact for promise in design.manifest.declared)
    assert design.manifest.declared, "ONNX Runtime runs the model of a table network"


def test_upper_bits_of_an_input_byte_do_not_matter(tmp_path: Path) -> None:
    entries = additive(SIZES, BITS)
    design = compile(written(tmp_path, entries), interval=1, output=tmp_path / "d")
    codes = np.random.default_rng(3).integers(0, 256, (40, 4)).astype(np.uint8)
    answers = design.run({"x": codes})["y"].reshape(40, 2)
    assert np.array_equal(answers, additive_results(entries, SIZES, BITS, codes & 7))


def test_without_a_configuration_results_are_as_wide_as_the_last_values(tmp_path: Path) -> None:
    entries = {"0_0_0": {"acive": 1, "values_int": [5, 7]}, "0_1_0": {"values_int": [-1, 4]}}
    design = compile(written(tmp_path, entries, None), interval=1, output=tmp_path / "d")
    answers = design.run({"x": np.array([[0, 0], [1, 0], [1, 1]], np.uint8)})["y"].reshape(-1)
    assert answers.tolist() == [4, 6, 7]  # four bits: at most 7


def test_a_table_network_without_an_interval_is_the_same_circuit(tmp_path: Path) -> None:
    path = written(tmp_path, additive(SIZES, BITS))
    texts = [
        compile(path, output=tmp_path / str(options), **options).verilog
        for options in ({}, {"interval": 1})
    ]
    assert texts[0] == texts[1]


def renamed(old: str, new: str) -> Callable[[Entries], Any]:
    return lambda entries: {new if key == old else key: value for key, value in entries.items()}


def changed(key: str, **fields: Any) -> Callable[[Entries], Any]:
    return lambda entries: {**entries, key: {**entries.get(key, {}), **fields}}


def left_out(key: str) -> Callable[[Entries], Any]:
    return lambda entries: {k: v for k, v in entries.items() if k != key}


EDITS: dict[str, tuple[Callable[[Entries], Any], str]] = {
    "a short table": (changed("0_1_1", values_int=[1, 2, 3, 4]), "tables of one size"),
    "no power of two": (changed("0_0_0", values_int=[0] * 6), "power of two"),
    "a table of too many bits": (changed("0_0_0", values_int=[0] * 512), "from 2 to 256"),
    "a value that is not an integer": (changed("1_0_0", values_int=[0.5] * 16), "list of integers"),
    "no values": (lambda e: {**e, "1_0_0": {"acive": 1}}, "values_int"),
    "an edge without an object": (lambda e: {**e, "1_0_0": [1]}, "values_int"),
    "a missing edge": (left_out("0_2_1"), "found none from 2 to 1"),
    "a missing layer": (
        lambda e: {k.replace("1_", "2_", 1) if k.startswith("1_") else k: v for k, v in e.items()},
        "numbered from 0",
    ),
    "a name that is not of an edge": (renamed("1_1_1", "1_1_1_1"), "<layer>_<input>_<output>"),
    "other inputs than outputs before": (
        lambda e: {**e, "1_3_0": e["1_0_0"], "1_3_1": e["1_0_1"]},
        "3 outputs of layer 0",
    ),
    "other JSON": (lambda e: [1, 2], "network of tables"),
}


def small() -> Entries:
    return additive(SIZES, BITS)


def edited(name: str) -> Any:
    """The small network with the edit of this name."""
    return EDITS[name][0](small())


@pytest.mark.parametrize("name", EDITS)
def test_a_file_that_is_wrong_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=EDITS[name][1]):
        read_tables(written(tmp_path, edited(name)))


def test_a_file_without_json_and_a_wrong_configuration_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, additive(SIZES, BITS), 99)
    with pytest.raises(BadFile, match="bits from 1 to 32"):
        read_tables(path)
    path.write_text("{")
    with pytest.raises(BadFile, match="expected a JSON file"):
        read_tables(path)

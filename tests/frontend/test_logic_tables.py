"""Files of networks of logic: what they mean, as circuits too, from checkpoints, and which are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.table_networks import logic_results

from benchmarks.table_networks import logic
from hlsgen.errors import BadFile
from hlsgen.flow import compile
from hlsgen.frontend.logic_checkpoints import of_difflogic, of_dwn
from hlsgen.frontend.logic_tables import GATES
from hlsgen.frontend.table_file import read_tables

Content = dict[str, Any]


def small() -> Content:
    """Three bytes, two thresholds each, tables of three bits, gates, and two counts."""
    return logic(3, 2, (5, 4), classes=2)


def written(folder: Path, content: Any) -> Path:
    path = folder / "net.json"
    path.write_text(json.dumps(content))
    return path


def results(path: Path, folder: Path, codes: np.ndarray, **options: Any) -> np.ndarray:
    design = compile(path, interval=1, output=folder / "d", **options)
    result = design.verify({"x": codes}, engine="fast", stall="random")
    assert result.good and result.mismatches == 0, result.text()
    assert design.report["interval_cycles"] == 1
    assert design.manifest.declared and all(p.exact for p in design.manifest.declared)
    return design.run({"x": codes})["y"].reshape(len(codes), -1)


def test_a_network_of_an_encoder_tables_gates_and_counts_is_a_circuit(tmp_path: Path) -> None:
    content = small()
    codes = np.random.default_rng(1).integers(0, 256, (80, 3)).astype(np.uint8)
    answers = results(written(tmp_path, content), tmp_path, codes)
    assert np.array_equal(answers, logic_results(content, codes))


def test_every_gate_is_as_its_name_says(tmp_path: Path) -> None:
    layer = {"inputs": [[0, 1]] * len(GATES), "gates": list(GATES)}
    path = written(tmp_path, {"format": "hlsgen.logic", "inputs": 2, "layers": [layer]})
    pairs = [(a, b) for b in (0, 1) for a in (0, 1)]
    answers = results(path, tmp_path, np.array(pairs, np.uint8))
    for (a, b), row in zip(pairs, answers.tolist(), strict=True):
        not_a, not_b = 1 - a, 1 - b
        expected = [
            *(0, a & b, a & not_b, a, not_a & b, b, a ^ b, a | b),
            *(1 - (a | b), 1 - (a ^ b), not_b, a | not_b, not_a, not_a | b, 1 - (a & b), 1),
        ]
        assert row == expected, (a, b)


def test_a_checkpoint_of_difflogic_is_its_greatest_gates(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    first, second = random.integers(0, 4, (2, 6))
    weights = random.normal(size=(6, 16))
    content = of_difflogic([(first, second, weights)], inputs=4, classes=3)
    assert content["layers"][0]["gates"] == [list(GATES)[k] for k in weights.argmax(axis=1)]
    codes = random.integers(0, 2, (16, 4)).astype(np.uint8)
    answers = results(written(tmp_path, content), tmp_path, codes)
    assert np.array_equal(answers, logic_results(content, codes))


def test_a_checkpoint_of_a_dwn_is_its_tables_and_thresholds(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    mapping, luts = random.integers(0, 6, (4, 3)), random.normal(size=(4, 8))
    thresholds = np.array([[10.5, 100.0], [0.0, 254.9], [-3.0, 300.0]])
    content = of_dwn([(mapping, luts)], inputs=3, classes=2, thresholds=thresholds)
    codes = random.integers(0, 256, (50, 3)).astype(np.uint8)
    answers = results(written(tmp_path, content), tmp_path, codes)
    bits = (codes[:, :, None] > thresholds[None]).reshape(50, 6)
    index = (bits[:, mapping] << np.arange(3)).sum(axis=2)
    neurons = np.take_along_axis(luts[None] > 0, index[:, :, None], axis=2)[:, :, 0]
    assert np.array_equal(answers, neurons.reshape(50, 2, 2).sum(axis=2))


def layer(number: int, **fields: Any) -> Callable[[Content], Any]:
    def edit(content: Content) -> Content:
        content["layers"][number] |= fields
        return content

    return edit


def top(**fields: Any) -> Callable[[Content], Any]:
    return lambda content: {**content, **fields}


PAIRS = [[0, 1]] * 4
EDITS: dict[str, tuple[Callable[[Content], Any], str]] = {
    "a gate that is not known": (layer(1, gates=["and", "mux", "or", "a"]), "a gate of false, and"),
    "a gate missing": (layer(1, gates=["and"]), "for each of 4 neurons"),
    "no list of gates": (layer(1, gates="and"), "list of names"),
    "a place out of range": (layer(1, inputs=[[0, 5], *PAIRS[1:]]), "places from 0 to 4"),
    "a table of the wrong size": (layer(0, tables=[0, 1, 2, 3, 256]), "a table of 8 bits"),
    "too many input bits": (layer(0, inputs=[[0] * 13] * 5), "at most 12"),
    "a gate of three": (layer(1, inputs=[[0, 1, 2]] * 4), "at most 2"),
    "neurons of different fan-in": (layer(1, inputs=[[0], *PAIRS[1:]]), "one number of inputs"),
    "no places": (layer(1, inputs=[]), "for each neuron"),
    "gates and tables": (layer(1, tables=[1] * 4), "either gates or tables"),
    "no layers": (top(layers=[]), "a list of layers"),
    "classes that do not divide": (top(classes=3), "divides 4"),
    "no inputs": (top(inputs=0), "from 1 to 65,536"),
    "too wide inputs": (top(input_bits=9), "from 1 to 8"),
    "thresholds of fewer inputs": (top(thresholds=[[1]]), "each of 3 inputs"),
    "a threshold out of range": (top(thresholds=[[1], [2], [257]]), "from 0 to 256"),
    "no thresholds": (top(thresholds=[[], [], []]), "at least one"),
    "another format": (top(format="other"), "network of tables"),
}


def edited(name: str) -> Any:
    """The small network with the edit of this name."""
    return EDITS[name][0](small())


@pytest.mark.parametrize("name", EDITS)
def test_a_network_that_is_wrong_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=EDITS[name][1]):
        read_tables(written(tmp_path, edited(name)))

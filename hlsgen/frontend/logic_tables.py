"""Lookup-table and logic-gate networks (DWN, difflogic) in a small JSON form; ``docs/tables.md`` documents it.

Gates are numbered and named as in Petersen et al., "Deep differentiable logic gate networks", NeurIPS 2022, table 1; tables and encoders as in Bacellar et
al., "Differentiable weightless neural networks", ICML 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hlsgen.errors import BadFile
from hlsgen.frontend.table_model import table_model
from hlsgen.ops.lowering import SummedTables
from hlsgen.ops.table_sum import INDEX_BITS

if TYPE_CHECKING:
    import onnx

FORMAT = "hlsgen.logic"
INPUT_BITS = 8
MOST_ENTRIES = 1 << 24
"""Entries of the tables of one layer."""
GATES: Mapping[str, int] = {
    "false": 0b0000,
    "and": 0b1000,
    "a_and_not_b": 0b0010,
    "a": 0b1010,
    "not_a_and_b": 0b0100,
    "b": 0b1100,
    "xor": 0b0110,
    "or": 0b1110,
    "nor": 0b0001,
    "xnor": 0b1001,
    "not_b": 0b0011,
    "a_or_not_b": 0b1011,
    "not_a": 0b0101,
    "not_a_or_b": 0b1101,
    "nand": 0b0111,
    "true": 0b1111,
}
"""Tables by name, in difflogic's order; bit a + 2b is the result of inputs a and b."""


def is_logic(content: object) -> bool:
    """Whether a JSON value is a network of logic."""
    return isinstance(content, dict) and content.get("format") == FORMAT


def logic_model(content: Mapping[str, Any], name: str) -> onnx.ModelProto:
    """The model of a network. Raises BadFile naming the part that is wrong."""
    inputs = _integer(content, "inputs", name, 1, 1 << 16)
    bits = _integer(content, "input_bits", name, 1, INPUT_BITS, 1)
    summed: list[SummedTables] = []
    width = inputs
    if "thresholds" in content or bits > 1:
        summed.append(_encoder(content.get("thresholds"), inputs, bits, name))
        width = len(summed[0].tables)
    layers = content.get("layers")
    _require(
        isinstance(layers, list) and bool(layers), f"{name}, layers", "a list of layers", layers
    )
    for number, layer in enumerate(layers or ()):
        summed.append(_layer(layer, width, f"{name}, layer {number}"))
        width = len(summed[-1].tables)
    if "classes" in content:
        classes = _integer(content, "classes", name, 1, width)
        _require(
            width % classes == 0, f"{name}, classes", f"a number that divides {width}", classes
        )
        summed.append(_counts(width, classes))
    return table_model(name.rpartition(".")[0] or name, inputs, summed)


def _require(condition: bool, where: str, expected: str, value: object) -> None:
    if not condition:
        raise BadFile(
            where,
            f"expected {expected}, found {value!r:.60}",
            "Correct the file, or export it again; docs/tables.md says what is in it.",
        )


def _integer(
    content: Mapping[str, Any], key: str, name: str, low: int, high: int, default: int | None = None
) -> int:
    value = content.get(key, default)
    good = type(value) is int and low <= value <= high
    _require(good, f"{name}, {key}", f"an integer from {low:,} to {high:,}", value)
    assert isinstance(value, int)
    return value


def _encoder(thresholds: Any, inputs: int, bits: int, name: str) -> SummedTables:
    """A bit for every threshold of every input: whether its code is at least so large."""
    where, most = f"{name}, thresholds", 1 << bits
    good = isinstance(thresholds, list) and len(thresholds) == inputs
    _require(good, where, f"a list of thresholds for each of {inputs} inputs", thresholds)
    for row in thresholds:
        good = isinstance(row, list) and all(type(t) is int and 0 <= t <= most for t in row)
        _require(good, where, f"lists of integers from 0 to {most}", row)
    places = [place for place, row in enumerate(thresholds) for _ in row]
    _require(bool(places), where, "at least one threshold", thresholds)
    levels = np.array([level for row in thresholds for level in row])
    tables = np.arange(most) >= levels[:, None]
    return _bits(np.array(places)[:, None], tables, bits)


def _bits(places: np.ndarray, tables: np.ndarray, bits: int) -> SummedTables:
    """One table for each output; ``places`` (outputs, fan-in), ``tables`` (outputs, entries) of 0 and 1."""
    return SummedTables(places[:, None], tables[:, None].astype(np.int64), bits, 0, 0, 1)


def _layer(layer: Any, width: int, where: str) -> SummedTables:
    """A layer of gates, or of tables, of ``width`` bits."""
    kinds = {"inputs", "gates"}, {"inputs", "tables"}
    keys = set(layer) if isinstance(layer, dict) else layer
    given = sorted(keys) if isinstance(keys, set) else keys
    _require(keys in kinds, where, "an object of inputs and either gates or tables", given)
    rows = layer["inputs"]
    good = isinstance(rows, list) and bool(rows) and all(isinstance(row, list) for row in rows)
    _require(good, f"{where}, inputs", "a list of places for each neuron", rows)
    fan_in = len(rows[0])
    most = 2 if "gates" in layer else INDEX_BITS
    good = 1 <= fan_in <= most and all(len(row) == fan_in for row in rows)
    counts = sorted({len(row) for row in rows})
    _require(good, f"{where}, inputs", f"neurons of one number of inputs, at most {most}", counts)
    for number, row in enumerate(rows):
        good = all(type(place) is int and 0 <= place < width for place in row)
        _require(good, f"{where}, neuron {number}", f"places from 0 to {width - 1}", row)
    _require(
        len(rows) << fan_in <= MOST_ENTRIES,
        where,
        f"at most {MOST_ENTRIES:,} entries of tables",
        len(rows) << fan_in,
    )
    words = _gates(layer["gates"], where) if "gates" in layer else layer["tables"]
    good = isinstance(words, list) and len(words) == len(rows)
    count = len(words) if isinstance(words, list) else words
    _require(good, where, f"a gate or table for each of {len(rows)} neurons", count)
    return _bits(np.array(rows), _unpacked(words, fan_in, where), 1)


def _gates(names: Any, where: str) -> list[int]:
    """The tables of gates."""
    _require(isinstance(names, list), f"{where}, gates", "a list of names", names)
    for number, name in enumerate(names):
        known = isinstance(name, str) and name in GATES
        _require(known, f"{where}, neuron {number}", f"a gate of {', '.join(GATES)}", name)
    return [GATES[name] for name in names]


def _unpacked(words: Sequence[Any], fan_in: int, where: str) -> np.ndarray:
    """Tables (neurons, entries) of 0 and 1 from integers whose bits they are."""
    entries = 1 << fan_in
    for number, word in enumerate(words):
        good = type(word) is int and 0 <= word < 1 << entries
        _require(good, f"{where}, neuron {number}", f"a table of {entries:,} bits", word)
    size = max(1, entries // 8)
    packed = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in words), np.uint8)
    return np.unpackbits(packed.reshape(len(words), size), axis=1, bitorder="little")[:, :entries]


def _counts(width: int, classes: int) -> SummedTables:
    """How many bits of each of so many equal runs are set."""
    size = width // classes
    selection = np.arange(width).reshape(classes, size, 1)
    tables = np.broadcast_to(np.arange(2), (classes, size, 2))
    return SummedTables(selection, tables, 1, 0, 0, size)

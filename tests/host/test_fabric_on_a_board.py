"""Kernels on a fabric behind an emulated board: programs follow one another on one circuit, without another bitstream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hlsgen import flow_board
from hlsgen.errors import BadFile, BoardFailed, TypeMismatch
from hlsgen.flow import Compiled, emit_fabric, map_kernel, verify

pytest.importorskip("serial", reason="needs pyserial")
FABRIC = """
title = "two cells and a tile"
rows = 1
columns = 2
word_bits = 16
accumulator_bits = 0
hops = [1]
registers = 2
contexts = 4
stages = 4
loops = 1
trip_bits = 6

[[pe]]
name = "cell"
[pe.operators]
move = 1
subtract = 1
multiply = 2

[[tile]]
side = "west"
words = 128
bits = 16
read_generators = 2
write_generators = 1
"""
KERNELS = """
import hlsgen
from hlsgen import In, Out, s16


@hlsgen.kernel(word=s16)
def difference(a: In[s16, 24], b: In[s16, 24], out: Out[s16, 24]) -> None:
    for i in range(24):
        out[i] = a[i] - b[i]


@hlsgen.kernel(word=s16)
def scaled(x: In[s16, 40], y: Out[s16, 40]) -> None:
    for i in range(40):
        y[i] = x[i] * 5
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "kernels.py").write_text(KERNELS)
    (folder / "pair.toml").write_text(FABRIC)
    return {
        name: map_kernel(f"{folder / 'kernels.py'}:{name}", folder / "pair.toml", folder / name)
        for name in ("difference", "scaled")
    }


@pytest.fixture(scope="module")
def port(kernels: dict[str, Compiled]) -> Iterator[str]:
    names = flow_board.emulate(kernels["scaled"].directory, "icebreaker")
    try:
        yield next(names)
    finally:
        names.close()  # type: ignore[attr-defined]


def words(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, shape).astype(np.int16)


def test_kernels_are_swapped_on_one_circuit(kernels: dict[str, Compiled], port: str) -> None:
    a, b, x = words((24,), 1), words((24,), 2), words((3, 40), 3)
    with kernels["scaled"].connect(port) as board:
        for _ in range(2):
            assert (board({"x": x})["y"] == x * 5).all()
            out = board.run(kernels["difference"], a=a, b=b)["out"]
            assert out.dtype == np.int16 and (out == a - b).all()
            by_path = board.run(str(kernels["scaled"].directory), x=x[0])["y"]
            assert (by_path == x[0] * 5).all()


def test_a_kernel_is_run_and_verified_as_a_network_is(
    kernels: dict[str, Compiled], port: str
) -> None:
    given = {"x": words((5, 40), 4)}
    run = flow_board.run(kernels["scaled"].directory, given, port)
    assert (run.outputs["y"] == given["x"] * 5).all()
    assert run.measurement is None and run.samples == 5
    result = verify(kernels["difference"].directory, None, samples=2, engine="board", port=port)
    assert result.good and result.elements == 48


def test_arrays_that_do_not_fit_and_other_circuits_are_refused(
    kernels: dict[str, Compiled], port: str, tmp_path: Path
) -> None:
    folder = kernels["scaled"].directory.parent
    source, fabric = f"{folder / 'kernels.py'}:scaled", folder / "pair.toml"
    other = map_kernel(source, fabric, tmp_path / "other", name="another")
    alone = emit_fabric(fabric, tmp_path / "alone")
    with kernels["scaled"].connect(port) as board:
        with pytest.raises(TypeMismatch, match="expected int16 of shape"):
            board.run(kernels["scaled"], x=words((39,), 1))
        with pytest.raises(TypeMismatch, match="found no b"):
            board.run(kernels["difference"], a=words((24,), 1))
        with pytest.raises(BoardFailed, match=r"board, pair .*; found one for pair "):
            board.run(other, x=words((40,), 1))
        with pytest.raises(BadFile, match="found only the fabric"):
            board.run(alone)

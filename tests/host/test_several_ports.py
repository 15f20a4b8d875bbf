"""Designs with several inputs and outputs, of different sizes and rates, behind an emulated board."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from support.faulty_line import FaultyLine

from hlsgen import flow_board
from hlsgen.artefact.folder import open_folder
from hlsgen.flow import Compiled, compile
from hlsgen.host.board import connected
from hlsgen.host.line import open_line
from hlsgen.host.traffic import stream_traffic

pytest.importorskip("serial", reason="needs pyserial")
KERNEL = """
import hlsgen
from hlsgen import In, InOut, Out, s8, s16, s32


@hlsgen.kernel
def mixed(
    a: In[s8, 6, 8], b: In[s32, 8], few: In[s16, 1], total: Out[s32, 6], last: Out[s8, 6, 8], kept: InOut[s16, 6]
) -> None:
    for i in range(6):
        for j in range(8):
            total[i] = total[i] + a[i, j] * b[j]
            last[i, j] = a[i, j] + few[0]
    for i in range(6):
        kept[i] = kept[i] - few[0]
"""
KINDS = {"a": (np.int8, (6, 8)), "b": (np.int32, (8,)), "few": (np.int16, (1,))}
KINDS |= {"kept": (np.int16, (6,))}


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "mixed.py").write_text(KERNEL)
    return compile(f"{folder / 'mixed.py'}:mixed", board="icebreaker", output=folder / "design")


@pytest.fixture(scope="module")
def port(design: Compiled) -> Iterator[str]:
    names = flow_board.emulate(design.directory)
    try:
        yield next(names)
    finally:
        names.close()  # type: ignore[attr-defined]


def arrays(count: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: random.integers(-100, 100, (count, *shape)).astype(kind)
        for name, (kind, shape) in KINDS.items()
    }


def wrong(given: dict[str, np.ndarray], outputs: dict[str, np.ndarray]) -> list[str]:
    """Names of the outputs that are not what the kernel says."""
    few = given["few"].astype(np.int64)
    want = {
        "total": np.einsum("nij,nj->ni", given["a"].astype(np.int64), given["b"].astype(np.int64)),
        "last": (given["a"] + few[:, :, None]).astype(np.int8),
        "kept": given["kept"] - few,
    }
    assert outputs.keys() == want.keys()
    return [name for name in want if not np.array_equal(outputs[name], want[name])]


def test_every_input_and_output_has_its_own_stream(design: Compiled, port: str) -> None:
    given = arrays(60, 1)  # more than the buffers of the larger ports hold
    run = flow_board.run(design.directory, given, port, measured=20)
    assert wrong(given, dict(run.outputs)) == []
    assert run.measurement is not None and run.measurement.samples == 20
    assert run.measurement.cycles / 20 == pytest.approx(design.report["interval_cycles"], rel=0.1)


def test_streams_side_by_side_survive_a_line_that_damages_and_loses_bytes(
    design: Compiled, port: str
) -> None:
    given = arrays(40, 2)
    line = FaultyLine(open_line(port, 1_000_000), 1e-3, 1e-3, seed=5)
    folder = open_folder(design.directory)
    with connected(folder, line=line) as board:
        outputs = board.exchange(stream_traffic(folder, given, 40)).outputs
    assert wrong(given, dict(outputs)) == []
    assert line.faults > 5

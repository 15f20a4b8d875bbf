"""A thousand samples, each larger than any buffer between host and circuit, through an emulated board."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hlsgen
from benchmarks.line_rows import relu
from hlsgen.artefact.folder import open_folder
from hlsgen.host.board import connected
from hlsgen.host.emulator import emulated_board, running
from hlsgen.host.traffic import stream_traffic
from hlsgen.targets import target_of

pytest.importorskip("serial", reason="needs pyserial")
SHAPE = (12, 12, 8)  # 1152 bytes, where an iCE40's buffers hold 1024


def samples_pass(folder_of: Path, count: int) -> None:
    compiled = hlsgen.compile(relu(SHAPE), board="icebreaker", effort="small", output=folder_of)
    folder = open_folder(compiled.directory)
    height, width, channels = SHAPE
    given = np.random.default_rng(count).integers(-128, 128, (count, channels, height, width))
    (source,), (sink,) = folder.manifest.inputs, folder.manifest.outputs
    emulated = emulated_board(folder, target_of(folder).board_ports(folder), clock="oscillator")
    with running(emulated) as port, connected(folder, port) as board:
        assert board.connection.identity["capacity"] < np.prod(SHAPE)
        values = {source.value: given.reshape((count, *source.tensor_shape))}
        answers = board.exchange(stream_traffic(folder, values, count)).outputs[sink.value]
        assert np.array_equal(answers.reshape(given.shape), np.maximum(given, 0))
        counters = board.connection.counters()
        assert (counters["samples"], counters["refused"]) == (count, 0)


def test_samples_larger_than_the_buffers_pass(tmp_path: Path) -> None:
    samples_pass(tmp_path / "relu", 12)


@pytest.mark.slow
def test_a_thousand_of_them_pass(tmp_path: Path) -> None:
    samples_pass(tmp_path / "relu", 1000)

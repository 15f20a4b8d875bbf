"""The serial line of a simulated board: how much of its time carries elements, and whether damage costs any of them.

``python -m benchmarks.run line``: a ReLU of int8 in the top that is synthesised, whose answers are as many bytes as its samples, so that both directions
are full. Time is counted on the board, in cycles of its oscillator (COUNT), and given in bits of the line: the host's own speed hardly counts, for the
simulator is slower than a board. ``efficiency``: bits of elements in one direction over all bits that passed. ``loss``: the same circuit behind a line that
damages bytes both ways and pauses.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hlsgen
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row
from hlsgen.artefact.folder import open_folder
from hlsgen.host.board import ConnectedBoard
from hlsgen.host.connection import Connection
from hlsgen.host.emulator import emulated_board, running
from hlsgen.host.line import BoardLine, open_line
from hlsgen.host.traffic import stream_traffic
from hlsgen.targets import target_of

BOARD, CLOCK = "icebreaker", "oscillator"
SIDES = {"64": (8, 8, 1), "3k": (32, 32, 3), "27k": (96, 96, 3)}
"""Height, width and channels of a sample, by the name of its size in bytes."""
SAMPLES = {"64": 1500, "3k": 32, "27k": 4}
BITS = 10
"""Of the line, for a byte: start, eight, stop."""
DAMAGED = 1e-4
PAUSES, LONGEST_PAUSE = 0.01, 0.2
LOSS_BYTES = 10_000_000
RUN_SAMPLES = 64


@dataclass
class WatchedLine:
    """A line that counts its bytes, damages some of them and pauses now and then; the host's view of it is that of any other."""

    line: BoardLine
    damaged: float = 0.0
    pauses: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.name = self.line.name
        self.written = self.received = self.faults = 0
        self.chance = np.random.default_rng(self.seed)
        self.moments = random.Random(self.seed)

    def _passed(self, data: bytes) -> bytes:
        if self.moments.random() < self.pauses:
            time.sleep(self.moments.uniform(0, LONGEST_PAUSE))
        if not self.damaged:
            return data
        array = np.frombuffer(data, np.uint8).copy()
        hit = self.chance.random(len(array)) < self.damaged
        array[hit] ^= (1 << self.chance.integers(0, 8, len(array)))[hit].astype(np.uint8)
        self.faults += int(hit.sum())
        return array.tobytes()

    def read(self, seconds: float) -> bytes:
        """See ``BoardLine``."""
        data = self.line.read(seconds)
        self.received += len(data)
        return self._passed(data)

    def write(self, data: bytes) -> None:
        """See ``BoardLine``."""
        self.written += len(data)
        self.line.write(self._passed(data))

    def set_baud(self, baud: int) -> None:
        """See ``BoardLine``."""
        self.line.set_baud(baud)

    def close(self) -> None:
        """See ``BoardLine``."""
        self.line.close()


def relu(shape: tuple[int, int, int]) -> Any:
    """max(x, 0) of int8, as a QDQ model."""
    from onnx import TensorProto, helper, numpy_helper

    height, width, channels = shape
    dimensions = [1, channels, height, width]
    constants = [
        numpy_helper.from_array(np.float32(1 / 16), "scale"),
        numpy_helper.from_array(np.int8(0), "zero"),
    ]
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]),
        helper.make_node("Relu", ["real"], ["positive"]),
        helper.make_node("QuantizeLinear", ["positive", "scale", "zero"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(n, TensorProto.INT8, dimensions) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "relu", ports[:1], ports[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _wrong(board: ConnectedBoard, shape: tuple[int, int, int], count: int, seed: int) -> int:
    """Send samples; how many elements of the answers are not what they should be."""
    height, width, channels = shape
    given = np.random.default_rng(seed).integers(-128, 128, (count, channels, height, width))
    manifest = board.folder.manifest
    (source,), (sink,) = manifest.inputs, manifest.outputs
    values = given.reshape((count, *source.tensor_shape))
    answers = board.exchange(stream_traffic(board.folder, {source.value: values}, count))
    answer = answers.outputs[sink.value].reshape(given.shape)
    return int(np.count_nonzero(answer != np.maximum(given, 0)))


def _measure(design: str, sources: Sources, work: Path) -> Record:
    what, _, size = design.partition("@")
    shape = SIDES[size]
    options = {"board": BOARD, "effort": "small"}
    compiled = hlsgen.compile(relu(shape), output=work / f"relu_{size}", name="relu", **options)
    folder = open_folder(compiled.directory)
    board = emulated_board(folder, target_of(folder).board_ports(folder), clock=CLOCK)
    faulty = what == "loss"
    with running(board) as port:
        damaged, pauses = (DAMAGED, PAUSES) if faulty else (0.0, 0.0)
        line = WatchedLine(open_line(port, board.baud), damaged, pauses)
        try:
            connected = ConnectedBoard(folder, Connection(line))
            connected.connection.speed_up()
            values = (
                _losses(connected, line, shape)
                if faulty
                else _efficiency(connected, line, shape, SAMPLES[size])
            )
        finally:
            line.close()
    command = f"python -m benchmarks.run line {design}"
    return Record("line", design, command, options | {"clock": CLOCK}, values)


def _efficiency(
    board: ConnectedBoard, line: WatchedLine, shape: tuple[int, int, int], count: int
) -> dict[str, Any]:
    """One run of many samples, and runs of one sample."""
    size = int(np.prod(shape))
    runs: dict[str, Any] = {"sample_bytes": size}
    for name, repeats, samples in (("many", 1, count), ("single", 5, 1)):
        before, ticks = (line.written, line.received), board.connection.counters()["ticks"]
        wrong = sum(_wrong(board, shape, samples, seed) for seed in range(repeats))
        taken = board.connection.counters()["ticks"] - ticks
        identity = board.connection.identity
        bits = taken * identity["fast_baud"] / (identity["oscillator_khz"] * 1000)
        payload = repeats * samples * size
        written, received = line.written - before[0], line.received - before[1]
        runs[name] = {
            "samples": repeats * samples,
            "payload_bytes": payload,
            "bytes_to_board": written,
            "bytes_to_host": received,
            "bit_times": round(bits),
            "share_of_bytes": round(payload / written, 4),
            "idle_share": round(1 - BITS * written / bits, 4),
            "efficiency": round(BITS * payload / bits, 4),
            "mismatches": wrong,
        }
    return runs


def _losses(
    board: ConnectedBoard, line: WatchedLine, shape: tuple[int, int, int]
) -> dict[str, Any]:
    """Runs until so many bytes of elements went each way."""
    size, began = int(np.prod(shape)), time.perf_counter()
    payload = wrong = runs = 0
    while payload < LOSS_BYTES:
        wrong += _wrong(board, shape, RUN_SAMPLES, runs)
        payload, runs = payload + RUN_SAMPLES * size, runs + 1
    return {
        "sample_bytes": size,
        "payload_bytes": payload,
        "runs": runs,
        "mismatches": wrong,
        "damaged_share": DAMAGED,
        "damaged_bytes": line.faults,
        "refused": board.connection.counters()["refused"],
        "bytes_to_board": line.written,
        "bytes_to_host": line.received,
        "seconds": round(time.perf_counter() - began, 1),
    }


DESIGNS = (*(f"efficiency@{size}" for size in SIDES), "loss@3k")
line = Row(DESIGNS, _measure)

"""The real host against the real top of a board, simulated bit by bit behind a pseudo-terminal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.faulty_line import FaultyLine
from support.toy_designs import SHAPE, ToyReference, toy_samples, words_per_sample, write_toy

from hlsgen import sim
from hlsgen.artefact.board_ports import stream_board_ports
from hlsgen.artefact.folder import Folder, open_folder
from hlsgen.errors import BoardFailed
from hlsgen.host.board import ConnectedBoard, connected
from hlsgen.host.connection import Connection
from hlsgen.host.emulator import EmulatedBoard, emulated_board, running
from hlsgen.host.frames import Frame
from hlsgen.host.line import open_line
from hlsgen.host.traffic import stream_traffic
from hlsgen.targets.stream_network import StreamNetwork
from hlsgen.verify.run import Request
from hlsgen.verify.verify import verify_design

pytest.importorskip("serial", reason="needs pyserial")
BAUD = 1_000_000


@dataclass(frozen=True)
class Bench:
    folder: Folder
    board: EmulatedBoard


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The toy on an iCEBreaker, whose circuit runs at twice the oscillator."""
    folder = tmp_path_factory.mktemp("toy")
    write_toy(folder)
    design = open_folder(folder)
    ports = stream_board_ports(design.manifest, "toy")
    return Bench(design, emulated_board(design, ports, "icebreaker", "24"))


@pytest.fixture
def port(bench: Bench) -> Iterator[str]:
    with running(bench.board) as name:
        yield name


def samples(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-100, 101, (count, 1, SHAPE[2], *SHAPE[:2]))


def answered(board: ConnectedBoard, count: int, seed: int = 1) -> None:
    """Samples come back as one minus themselves."""
    given = {port.value: samples(count, seed) for port in board.folder.manifest.inputs}
    traffic = stream_traffic(board.folder, given, count)
    (answer,) = board.exchange(traffic).outputs.values()
    (value,) = given.values()
    assert np.array_equal(answer.reshape(value.shape), _meaning(value))


def _meaning(value: np.ndarray) -> np.ndarray:
    reference = ToyReference()
    (want,) = reference.integers(reference.samples({"x": value.astype(np.int8)}, None, 0)).values()
    return np.asarray(want).reshape(value.shape)


def test_a_board_says_what_it_is_and_answers_every_sample_of_more_than_its_buffers_hold(
    bench: Bench, port: str
) -> None:
    with connected(bench.folder, port) as board:
        identity = board.connection.identity
        assert (identity["inputs"], identity["outputs"], identity["measures"]) == (1, 1, 1)
        assert identity["oscillator_khz"] == 12_000
        answered(board, 200)  # 4800 bytes through buffers of 1024
        answered(board, 1, seed=2)
        assert board.connection.counters()["samples"] == 201
        assert board.connection.counters()["refused"] == 0


def test_the_circuit_is_measured_apart_from_the_line_at_its_own_clock(
    bench: Bench, port: str
) -> None:
    with connected(bench.folder, port) as board:
        answered(board, 3)
        measured = board.measure(1000)
        assert measured.samples == 1000
        words = words_per_sample(3)
        assert 0 <= measured.cycles - 1000 * words < 20
        assert measured.clock_mhz == pytest.approx(24.0, rel=0.01)
        answered(board, 3)


@pytest.mark.parametrize(("name", "clock"), [("ulx3s_25f", "50"), ("tang_nano_9k", "54")])
def test_boards_of_the_other_families_answer_a_thousand_samples_and_measure(
    bench: Bench, name: str, clock: str
) -> None:
    ports = stream_board_ports(bench.folder.manifest, "toy")
    with running(emulated_board(bench.folder, ports, name, clock)) as port:
        with connected(bench.folder, port) as board:
            answered(board, 1000)  # 24,000 bytes through buffers of 2048
            assert board.connection.counters()["refused"] == 0
            measured = board.measure(100)
            assert measured.clock_mhz == pytest.approx(float(clock), rel=0.01)
            answered(board, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "clock"), [("ulx3s_25f", "50"), ("tang_nano_9k", "54")])
def test_boards_of_the_other_families_survive_every_fault_of_the_line(
    bench: Bench, name: str, clock: str
) -> None:
    """Flipped bits, lost bytes, a host that dies in the middle of a sample, a second host, and another design."""
    ports = stream_board_ports(bench.folder.manifest, "toy")
    other = _with_another_design(bench.folder)
    with running(emulated_board(bench.folder, ports, name, clock)) as port:
        for damaged, lost in ((2e-3, 0.0), (0.0, 2e-3), (1e-3, 1e-3)):
            line = FaultyLine(open_line(port, BAUD), damaged, lost, seed=7)
            with connected(bench.folder, line=line) as board:
                answered(board, 150)
            assert line.faults > 5
        line = open_line(port, BAUD)
        Connection(line).speed_up()
        line.write(Frame(0x40, 0, bytes(10)).encoded() + Frame(0x40, 10, bytes(9)).encoded()[:8])
        line.close()
        with (
            pytest.raises(BoardFailed, match="expected the design abababab"),
            connected(other, port),
        ):
            pass
        with connected(bench.folder, port) as board:
            answered(board, 5)
            with pytest.raises(BoardFailed, match="found another program on it"):
                open_line(port, BAUD)
            answered(board, 2)


def test_a_bridge_of_12_megabaud_is_used_where_the_oscillator_has_cycles_for_it(
    bench: Bench,
) -> None:
    ports = stream_board_ports(bench.folder.manifest, "toy")
    with running(emulated_board(bench.folder, ports, "ecpix5_45f", "120")) as port:
        line = open_line(port, BAUD)
        assert Connection(line).speed_up() == 12_000_000
        line.close()
        noisy = FaultyLine(open_line(port, BAUD), 1e-3, 1e-3, seed=3)
        with connected(bench.folder, line=noisy) as board:
            answered(board, 200)
            assert board.connection.identity["fast_baud"] == 12_000_000
        assert noisy.faults > 5


class _SlowLine(FaultyLine):
    """A line of a system that takes the usual rate only."""

    def set_baud(self, baud: int) -> None:
        if baud != BAUD:
            raise BoardFailed("line", f"expected another rate, found {baud}", "Choose another.")
        super().set_baud(baud)


def test_a_system_that_refuses_the_faster_rate_stays_at_the_usual_one(
    bench: Bench, port: str
) -> None:
    line = _SlowLine(open_line(port, BAUD), 0.0, 0.0, seed=0)
    connection = Connection(line)
    assert connection.speed_up() == BAUD
    connection.reset()
    line.close()


def test_verify_on_a_board_is_the_verification_of_a_simulation(bench: Bench, port: str) -> None:
    request = Request("none", "board", "numpy", 0, port)
    reference = ToyReference()
    given = reference.samples(toy_samples(6), None, 0)
    result = verify_design(bench.folder, StreamNetwork(), reference, given, request)
    assert result.good and result.elements == 6 * 24


@pytest.mark.parametrize(("damaged", "lost"), [(2e-3, 0.0), (0.0, 2e-3), (1e-3, 1e-3)])
def test_no_element_is_lost_or_wrong_on_a_line_that_damages_and_loses_bytes(
    bench: Bench, port: str, damaged: float, lost: float
) -> None:
    line = FaultyLine(open_line(port, BAUD), damaged, lost, seed=7)
    with connected(bench.folder, line=line) as board:
        answered(board, 150)
    assert line.faults > 5


def test_a_host_that_died_in_the_middle_of_a_sample_leaves_nothing_to_the_next_one(
    bench: Bench, port: str
) -> None:
    line = open_line(port, BAUD)
    connection = Connection(line)
    connection.speed_up()
    line.write(Frame(0x40, 0, bytes(10)).encoded() + Frame(0x40, 10, bytes(9)).encoded()[:8])
    line.close()
    with connected(bench.folder, port) as board:
        answered(board, 5)


def test_a_second_host_is_told_that_the_board_is_in_use(bench: Bench, port: str) -> None:
    with connected(bench.folder, port) as board:
        with pytest.raises(BoardFailed, match="found another program on it"):
            open_line(port, BAUD)
        answered(board, 2)


def _with_another_design(folder: Folder) -> Folder:
    """The folder, as if its circuit were not the one on the board."""
    files = {**folder.manifest.files, "design.v": "ab" * 32}
    return replace(folder, manifest=replace(folder.manifest, files=files))


def test_another_design_on_the_board_is_refused(bench: Bench, port: str) -> None:
    other = _with_another_design(bench.folder)
    with (
        pytest.raises(BoardFailed, match="expected the design abababab") as caught,
        connected(other, port),
    ):
        pass
    assert len(str(caught.value).splitlines()) == 3


@contextmanager
def silent_terminal() -> Iterator[str]:
    """A serial device at which nobody answers."""
    master, slave = os.openpty()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


def test_a_port_without_a_board_is_refused_in_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hlsgen.host.connection.ANSWER_SECONDS", 0.01)
    with (
        silent_terminal() as name,
        pytest.raises(BoardFailed, match="expected an answer to IDENTIFY") as caught,
        connected(bench.folder, name),
    ):
        pass
    assert len(str(caught.value).splitlines()) == 3


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoardFailed, match="expected a serial device, found none"):
        open_line(str(tmp_path / "ttyUSB9"), BAUD)
    (tmp_path / "file").write_text("")
    with pytest.raises(BoardFailed, match="expected a serial device, found: "):
        open_line(str(tmp_path / "file"), BAUD)


def test_a_board_that_is_unplugged_ends_the_run(bench: Bench) -> None:
    with running(bench.board) as name:
        line = open_line(name, BAUD)
        connection = Connection(line, patience=0.5)
    with pytest.raises(BoardFailed, match=r"expected the (board to stay|next elements)"):
        connection.transfer([bytes(24)], [24])
    line.close()


def test_the_circuit_waits_in_reset_for_a_steady_clock(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in Path(sim.__file__).parent.iterdir():
        if file.suffix in (".v", ".cpp"):  # a PLL that never says that it is steady
            text = file.read_text().replace("assign LOCK = count[5];", "assign LOCK = 0;")
            (tmp_path / file.name).write_text(text)
    monkeypatch.setattr("hlsgen.host.emulator.sim", SimpleNamespace(__file__=tmp_path / "sim.py"))
    ports = stream_board_ports(bench.folder.manifest, "toy")
    board = emulated_board(bench.folder, ports, "icebreaker", "24")
    with running(board) as name:
        line = open_line(name, BAUD)
        connection = Connection(line, patience=0.5)
        assert connection.identity["oscillator_khz"] == 12_000  # the link does not wait
        with pytest.raises(BoardFailed, match="given 0 of 24"):
            connection.transfer([bytes(24)], [24])
        line.close()

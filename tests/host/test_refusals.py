"""What is wrong with a port, a board or a request is said in three lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.link_frames import frame, frames
from support.toy_designs import write_toy

from hlsgen import flow_board
from hlsgen.algebra.link import ANSWER, COUNTERS, IDENTIFY, IDENTITY, VERSION, FrameKind
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadOption, BoardFailed, HlsgenError
from hlsgen.host.board import ConnectedBoard
from hlsgen.host.connection import Connection
from hlsgen.host.emulator import emulated_board
from hlsgen.host.line import choose_port, open_line
from hlsgen.targets import target_of

pytest.importorskip("serial", reason="needs pyserial")
LINES = 3


def refused(call: Callable[[], object], kind: type[HlsgenError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert len(str(caught.value).splitlines()) == LINES


def ports(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """The USB serial ports of the machine, beside one that is soldered to it."""
    devices = [SimpleNamespace(device=name, vid=1) for name in names]
    devices.append(SimpleNamespace(device="/dev/ttyS0", vid=None))
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: devices)


def test_the_only_usb_port_is_taken_and_a_named_one_is_not_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ports(monkeypatch, "/dev/ttyUSB3")
    assert choose_port(None) == "/dev/ttyUSB3"
    assert choose_port("/dev/ttyUSB9") == "/dev/ttyUSB9"


def test_no_port_and_several_ports_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ports(monkeypatch)
    refused(lambda: choose_port(None), BoardFailed, "expected a USB serial port, found none")
    ports(monkeypatch, "/dev/ttyUSB1", "/dev/ttyUSB0")
    refused(lambda: choose_port(None), BadOption, "found /dev/ttyUSB0, /dev/ttyUSB1")


@pytest.mark.parametrize("call", [lambda: choose_port(None), lambda: open_line("/dev/null", 9600)])
def test_without_pyserial_its_extra_is_named(
    call: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "serial"]:
        monkeypatch.setitem(sys.modules, name, None)
    refused(call, BadOption, r"pyserial, found none[\s\S]*hlsgen\[board\]")


def test_a_device_of_others_names_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "ttyUSB0"
    device.write_text("")
    monkeypatch.setattr(os, "access", lambda *_: False)
    refused(lambda: open_line(str(device), 9600), BoardFailed, "permission denied[\\s\\S]*dialout")


class ScriptedBoard:
    """A line at whose other end each question gets an answer of these numbers, or none."""

    name = "scripted"

    def __init__(self, design: str, **identity: int) -> None:
        code = int.from_bytes(bytes.fromhex(design)[:8], "little")
        self.identity = {"version": VERSION, "measures": 1, "design": code, **identity}
        self.answers: Mapping[int, tuple[FrameKind, Mapping[str, int]]] = {
            IDENTITY.code: (IDENTITY, self.identity),
            COUNTERS.code: (COUNTERS, {"measuring": 1}),
        }
        self.waiting = b""

    def write(self, data: bytes) -> None:
        for kind, tag, _ in frames(data.lstrip(b"\0")):
            code = kind | ANSWER
            layout, values = self.answers.get(code, (None, {}))
            fields = layout.payload if layout else ()
            payload = b"".join(
                values.get(field.name, 0).to_bytes(field.bytes, "little") for field in fields
            )
            self.waiting += frame(code, tag, payload)

    def read(self, seconds: float) -> bytes:
        data, self.waiting = self.waiting, b""
        return data

    def set_baud(self, baud: int) -> None:
        raise AssertionError(baud)

    def close(self) -> None:
        self.waiting = b""


def test_a_board_of_another_version_or_of_no_sense_is_refused() -> None:
    old = ScriptedBoard("00" * 8, version=VERSION + 1)
    refused(lambda: Connection(old), BoardFailed, f"found version {VERSION + 1}")
    short = ScriptedBoard("00" * 8)
    short.answers = {
        IDENTIFY.code | ANSWER: (
            FrameKind("SHORT", 0, "", IDENTITY.payload[:3]),
            {"version": VERSION},
        )
    }
    refused(lambda: Connection(short), BoardFailed, "bytes of identity, found 3")


def connected_board(folder: Path, **identity: int) -> ConnectedBoard:
    write_toy(folder)
    design = open_folder(folder)
    line = ScriptedBoard(design.manifest.verilog_sha256, **identity)
    return ConnectedBoard(design, Connection(line, patience=0.0))


def test_what_cannot_be_measured_is_refused_and_what_does_not_end_is_given_up(
    tmp_path: Path,
) -> None:
    board = connected_board(tmp_path)
    for samples in (0, 1 << 32):
        refused(lambda n=samples: board.measure(n), BadOption, f"found {samples}")  # type: ignore[misc]
    refused(lambda: board.measure(5), BoardFailed, "expected 5 samples within 0 s, found 0")


def test_a_design_without_samples_is_not_measured(tmp_path: Path) -> None:
    board = connected_board(tmp_path, measures=0)
    refused(lambda: board.measure(5), BadOption, "found a fabric")


def test_a_design_for_no_board_needs_one_to_be_emulated(tmp_path: Path) -> None:
    write_toy(tmp_path)
    folder = open_folder(tmp_path)
    ports_of = target_of(folder).board_ports(folder)
    refused(lambda: emulated_board(folder, ports_of), BadOption, "expected a board")


def test_labels_of_other_samples_are_refused() -> None:
    scores = {"scores": np.eye(4)}
    assert flow_board._right(scores, np.array([0, 1, 2, 0]), 4) == 3
    refused(lambda: flow_board._right(scores, np.zeros(3, int), 4), BadOption, r"found shape \[3\]")

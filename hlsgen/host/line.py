"""The serial line to a board: opened for one host alone, with an error that says what is wrong where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from hlsgen.errors import BadOption, BoardFailed

WRITE_SECONDS = 10.0
"""How long a write may wait for the line."""


class BoardLine(Protocol):
    """What the link needs of a serial line."""

    name: str

    def read(self, seconds: float) -> bytes:
        """What has come, after at most so many seconds; raises BoardFailed where the line is gone."""

    def write(self, data: bytes) -> None:
        """Send; raises BoardFailed where the line is gone or takes nothing any more."""

    def set_baud(self, baud: int) -> None:
        """Go on at another bit rate."""

    def close(self) -> None:
        """Let others have it."""


class SerialLine:
    """A device of the system, by pyserial."""

    def __init__(self, name: str, port: Any) -> None:
        self.name, self._port = name, port

    def read(self, seconds: float) -> bytes:
        """See ``BoardLine``."""
        try:
            self._port.timeout = seconds
            first: bytes = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""
        except (OSError, TypeError) as error:
            raise self._gone(error) from None

    def write(self, data: bytes) -> None:
        """See ``BoardLine``."""
        try:
            self._port.write(data)
        except OSError as error:
            raise self._gone(error) from None

    def set_baud(self, baud: int) -> None:
        """See ``BoardLine``."""
        try:
            self._port.baudrate = baud
        except (OSError, ValueError) as error:
            raise self._gone(error) from None

    def close(self) -> None:
        """See ``BoardLine``."""
        self._port.close()

    def _gone(self, error: Exception) -> BoardFailed:
        return BoardFailed(
            self.name,
            f"expected the board to stay connected, found: {error}",
            "Plug it in again and repeat the command; the board begins anew with every command.",
        )


def open_line(name: str, baud: int) -> SerialLine:
    """A serial device at a bit rate. Raises BoardFailed where it is missing, busy, or not this user's; BadOption without pyserial."""
    try:
        import serial
    except ImportError:
        raise _without_pyserial() from None
    try:
        port = serial.Serial(name, baud, exclusive=True, timeout=0, write_timeout=WRITE_SECONDS)
    except (OSError, ValueError) as error:
        raise _refused(name, error) from None
    return SerialLine(name, port)


def choose_port(port: str | None) -> str:
    """The device that the user named, or the only one there is. Raises BadOption, BoardFailed."""
    if port is not None:
        return port
    try:
        from serial.tools.list_ports import comports
    except ImportError:
        raise _without_pyserial() from None
    names = sorted(port.device for port in comports() if port.vid is not None)
    if len(names) == 1:
        return str(names[0])
    if not names:
        raise BoardFailed(
            "--port",
            "expected a USB serial port, found none",
            "Plug the board in, or name the device: --port /dev/ttyUSB0.",
        )
    raise BadOption(
        "--port",
        f"expected one USB serial port, found {', '.join(names)}",
        "Name the board's: --port; boards with two have the line on the second one.",
    )


def _without_pyserial() -> BadOption:
    return BadOption(
        "serial port",
        "expected the Python package pyserial, found none",
        'Install it: pip install "hlsgen[board]".',
    )


def _refused(name: str, error: Exception) -> BoardFailed:
    """What is wrong with a device that does not open."""
    if not Path(name).exists():
        return BoardFailed(
            name,
            "expected a serial device, found none of this name",
            "Plug the board in; 'ls /dev/serial/by-id' lists what is there.",
        )
    if not os.access(name, os.R_OK | os.W_OK):
        return BoardFailed(
            name,
            "expected a device that this user may read and write, found: permission denied",
            "Join its group (sudo usermod -aG dialout $USER, then log in again), or add a udev rule"
            ' SUBSYSTEM=="tty", MODE="0666".',
        )
    if "lock" in str(error) or "busy" in str(error).lower():
        return BoardFailed(
            name,
            "expected a device that nobody uses, found another program on it",
            "End that program (a terminal, another hlsgen) and repeat the command.",
        )
    return BoardFailed(
        name, f"expected a serial device, found: {error}", "Name the board's serial port: --port."
    )

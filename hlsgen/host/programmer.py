"""Programs that put a bitstream on a board: which one is there, how it is run, what it means when it fails.

The board's file names under ``[program]`` the programs that know the board, and what each must be told of it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hlsgen.board import Board
from hlsgen.errors import BadOption, BoardFailed, HlsgenError, ToolFailed
from hlsgen.processes import started
from hlsgen.progress import Progress, silent

LIMIT_SECONDS = 600.0
"""How long a program may take: flash memory behind a slow cable takes minutes."""
LOG_LINES = 20
FILE = "FILE"
OPENOCD, OPENOCD_MODULE, LIBUSB_MODULE = "openocd", "openocd_esp32", "libusb_package"
LIBUSB = "libusb-1.0.so.0"


@dataclass(frozen=True)
class Programmer:
    """``load``, ``flash``: arguments, behind those of the board's file, that put FILE into the device until its power is cut, or into its
    flash memory; None where the program cannot. ``install``: a command, or where to get it."""

    name: str
    load: tuple[str, ...] | None
    flash: tuple[str, ...] | None
    install: str

    def arguments(self, flash: bool) -> tuple[str, ...] | None:
        """Those of one of the two ways."""
        return self.flash if flash else self.load


PROGRAMMERS: Mapping[str, Programmer] = {
    programmer.name: programmer
    for programmer in (
        Programmer("openFPGALoader", (FILE,), ("-f", FILE), "sudo apt install openfpgaloader"),
        Programmer(
            "fujprog",
            ("-j", "sram", FILE),
            ("-j", "flash", FILE),
            "fujprog of https://github.com/kost/fujprog",
        ),
        Programmer(
            "ecpprog", ("-S", FILE), (FILE,), "ecpprog of https://github.com/gregdavill/ecpprog"
        ),
        Programmer("icesprog", None, (FILE,), "icesprog of https://github.com/wuxx/icesugar"),
        Programmer("iceprog", ("-S", FILE), (FILE,), "sudo apt install fpga-icestorm"),
        Programmer(
            OPENOCD,
            ("-c", f"init; pld load 0 {FILE}; shutdown"),
            None,
            'pip install "hlsgen[board]"',
        ),
    )
}
"""By the names that files of boards use."""


@dataclass(frozen=True)
class Programming:
    """What is about to be run: ``arguments`` for ``programmer``, started as ``start``, in ``directory``.

    ``flash``: whether the design stays when the power is cut; ``unasked``: because the board knows no other way. ``libusb``: the
    library that the program is given, None where the system's is used."""

    board: Board
    programmer: Programmer
    start: tuple[str, ...]
    arguments: tuple[str, ...]
    directory: Path
    flash: bool
    unasked: bool
    libusb: Path | None = None

    @property
    def text(self) -> str:
        """The command as one would type it."""
        return shlex.join((self.programmer.name, *self.arguments))

    @property
    def outcome(self) -> str:
        """What is said when it is done."""
        unasked = " (this board takes it no other way)" if self.unasked else ""
        place = f"in the flash memory{unasked}" if self.flash else "loaded until the power is cut"
        return f"{self.board.name}: design {place}. Run samples: hlsgen run {self.directory} --inputs SAMPLES.npz"


def plan_programming(board: Board, directory: Path, bitstream: str, flash: bool) -> Programming:
    """The first program that the board's file names and that is on this machine, for ``directory/bitstream``.

    Raises BadOption where there is none, with what to install.
    """
    table = board.build.get("program", {})
    only_flash = bool(table.get("flash_only", False))
    to_flash = flash or only_flash
    named = [PROGRAMMERS[name] for name in table if name in PROGRAMMERS]
    able = [programmer for programmer in named if programmer.arguments(to_flash) is not None]
    if not able:
        raise BadOption(
            f"board {board.name}{' --flash' if flash else ''}",
            f"expected a board that {', '.join(PROGRAMMERS)} reaches, found none of them in its data",
            f"Put {bitstream} on it with the tools of its maker; without --flash others may do."
            if flash
            else f"Put {bitstream} on it with the tools of its maker.",
        )
    for programmer in able:
        start, libusb = _start(programmer)
        if start:
            given = (*table[programmer.name], *(programmer.arguments(to_flash) or ()))
            arguments = tuple(part.replace(FILE, bitstream) for part in given)
            unasked = to_flash and not flash
            return Programming(
                board, programmer, start, arguments, directory, to_flash, unasked, libusb
            )
    raise BadOption(
        f"programmer of {board.name}",
        f"expected {' or '.join(programmer.name for programmer in able)} on PATH, found none",
        f"Install one: {', or '.join(programmer.install for programmer in able)}.",
    )


def _start(programmer: Programmer) -> tuple[tuple[str, ...], Path | None]:
    """How the program is started, and the libusb that it needs; nothing where it is not there.

    The package of OpenOCD comes before a native one: its release 0.12 does not know ECP5 yet."""
    packages = (OPENOCD_MODULE, LIBUSB_MODULE)
    if programmer.name == OPENOCD and all(map(importlib.util.find_spec, packages)):
        import libusb_package

        return (sys.executable, "-m", OPENOCD_MODULE), Path(libusb_package.get_library_path())
    native = shutil.which(programmer.name)
    return ((), None) if native is None else ((native,), None)


def run_programming(job: Programming, progress: Progress = silent) -> None:
    """Run it. Raises BoardFailed where there is no board or this user may not reach it, ToolFailed where it fails in another way."""
    progress(f"programming {job.board.name} with {job.programmer.name}", None)
    said: deque[str] = deque(maxlen=LOG_LINES)
    end = time.monotonic() + LIMIT_SECONDS
    with (
        _environment(job) as environment,
        started(
            (*job.start, *job.arguments),
            cwd=job.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        assert process.stdout is not None
        while text := _next(process.stdout.fileno(), end, job):
            said.extend(line.strip() for line in re.split(r"[\r\n]+", text) if line.strip())
        status = process.wait()
    if status:
        raise _failure(job, status, said)


@contextmanager
def _environment(job: Programming) -> Iterator[Mapping[str, str]]:
    """The variables of the program: with a folder that has its libusb, under the name by which it asks for it."""
    if job.libusb is None:
        yield os.environ
        return
    with tempfile.TemporaryDirectory(prefix="hlsgen_libusb_") as folder:
        (Path(folder) / LIBUSB).symlink_to(job.libusb)
        paths = (folder, os.environ.get("LD_LIBRARY_PATH", ""))
        yield {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, paths))}


def _next(descriptor: int, end: float, job: Programming) -> str:
    """What the program says next, nothing once it has ended. Raises ToolFailed where it does not end in time."""
    ready, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
    if not ready:
        raise ToolFailed(
            job.text,
            f"expected it to end within {LIMIT_SECONDS:.0f} s, found it running, and ended it",
            "Plug the board in again and repeat the command.",
        )
    return os.read(descriptor, 1 << 16).decode("utf-8", "replace")


NO_PERMISSION = re.compile(
    r"LIBUSB_ERROR_ACCESS|[Pp]ermission|PERMISSION|EACCES|usb_open\(\) failed|ftdi device: -4"
)
BUSY = re.compile(r"LIBUSB_ERROR_BUSY|[Rr]esource busy|unable to claim|ftdi device: -5")
NO_DEVICE = re.compile(
    r"(device|ft232r) not found|[Nn]o (USB |CMSIS-DAP |DFU )?devices? |[Nn]o (\S+ )*devices? found|NO_DEVICE"
    r"|[Cc]an(no|')t find .*(device|cable)|unable to open ftdi device|fails? to open device|[Dd]evices enumeration failed"
)
"""What openFPGALoader, OpenOCD, fujprog, ecpprog and iceprog say, by libusb, libftdi or themselves."""


def _failure(job: Programming, status: int, said: Sequence[str]) -> HlsgenError:
    """What is wrong, from what the program said at its end."""
    text, where = "\n".join(said), f"{job.board.name}: {job.text}"
    usb = str(job.board.build["program"].get("usb", ""))
    device = f"USB device {usb}" if usb else "USB device of the board"
    words = next((line for line in reversed(said) if NO_PERMISSION.search(line)), "")
    if words:
        vendor = f'ATTRS{{idVendor}}=="{usb.partition(":")[0]}", ' if usb else ""
        return BoardFailed(
            where,
            f"expected the {device} to be this user's to open, found: {words}",
            f'Put SUBSYSTEM=="usb", {vendor}TAG+="uaccess", GROUP="plugdev", MODE="0660" into /etc/udev/rules.d/60-fpga.rules,'
            " join the group (sudo usermod -aG plugdev $USER), then plug the board in again.",
        )
    words = next((line for line in reversed(said) if BUSY.search(line)), "")
    if words:
        return BoardFailed(
            where,
            f"expected the {device} to be free, found: {words}",
            "End what uses the board (hlsgen run, a terminal, another programmer) and repeat the command.",
        )
    words = next((line for line in reversed(said) if NO_DEVICE.search(line)), "")
    if words:
        return BoardFailed(
            where,
            f"expected the {device}, found: {words}",
            "Plug the board in, with a cable that carries data; 'lsusb' lists what is there.",
        )
    lines = "\n".join(f"    {line}" for line in said) if text else "    nothing"
    return ToolFailed(
        where,
        f"expected exit code 0, found {status}; it said last\n{lines}",
        "Read what it says; 'hlsgen run' asks the board afterwards which design it holds.",
    )

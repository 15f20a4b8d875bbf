"""Files of boards, checked key by key: what ``boards/*.toml`` and a user's own file may say (docs/adding_a_board.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hlsgen.toml_table import TomlKind, TomlTable, shown

BOARD = TomlKind(
    "board",
    "Compare it with docs/adding_a_board.md.",
    "Name a TOML file, or a board; 'hlsgen boards' lists them.",
)
TEXTS = ("title", "vendor", "family", "device", "package", "speed")
COUNTS: Mapping[str, int] = {"lut": 1, "ff": 1, "dsp": 0, "bram": 1, "bram_kbit": 1}
"""Whole numbers, with the least that each may be."""
FURTHER_COUNTS: Mapping[str, int] = {"spram": 0}
"""The same of what most devices have none of: 0 where it is not named."""
MOST = 10_000_000
TABLES = ("platform", "pins", "uart", "pll", "program", "toolchain")
TOOLCHAINS: Mapping[str, tuple[str, ...]] = {
    "ecp5": ("nextpnr",),
    "ice40": ("nextpnr", "yosys"),
    "gowin": ("nextpnr", "yosys", "pack"),
    "xilinx7": (),
}
"""Families, with the lists of options that the tools of each need."""
PROGRAMS = ("openFPGALoader", "fujprog", "ecpprog", "iceprog", "icesprog", "openocd")
"""Programs that put a bitstream on a board."""
CLOCKS_MHZ = (1.0, 500.0)
LEAST_BAUD, LEAST_CYCLES = 9600, 4
"""Of the serial line: bits per second, and cycles of the oscillator in a bit (see ``rtl_templates/ports/uart.py``)."""
_WORD = re.compile(r"[\w./+-]+", re.ASCII)
_OPTION = re.compile(r"[\w./+=,:-]+", re.ASCII)
_PIN = re.compile(r"\w+", re.ASCII)
_CLASS = re.compile(r"amaranth_boards(\.\w+)+:\w+", re.ASCII)
_USB = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


def checked_board(name: str, text: str) -> dict[str, Any]:
    """The keys of a board's file, ``clock_mhz`` a float; raises BadFile for a wrong form or value."""
    if not _NAME.fullmatch(name):
        remedy = "Rename the file: it names the board, its folder and its bitstream."
        BOARD.wrong(shown(name), "letters, digits and _ as a name", shown(name), remedy)
    described = BOARD.parse(name, text)
    table = TomlTable(
        BOARD, name, described, (*TEXTS, *COUNTS, *FURTHER_COUNTS, "clock_mhz", *TABLES)
    )
    for key in TEXTS:
        _matching(table, key, None if key in ("title", "vendor") else _WORD, "a word")
    if table.fields["family"] not in TOOLCHAINS:
        table.wrong(f"a family of {', '.join(TOOLCHAINS)}", shown(table.fields["family"]))
    for key, least in {**COUNTS, **FURTHER_COUNTS}.items():
        if key in COUNTS or key in table.fields:
            _bounded(table, key, least, MOST)
    clock = _megahertz(table, "clock_mhz", *CLOCKS_MHZ)
    _check_pins(table)
    _check_uart(table.table("uart", ("baud", "fast_baud")), clock)
    _check_pll(table)
    _check_program(table)
    _check_toolchain(table)
    return {**described, "clock_mhz": clock}


def _matching(table: TomlTable, key: str, pattern: re.Pattern[str] | None, words: str) -> str:
    """A text on one line, of the form that tools can be given."""
    text = table.value(key, str)
    if pattern is None and (not text.isprintable() or not text.strip()):
        table.wrong(f"{key} to be a text on one line", shown(text))
    if pattern is not None and not pattern.fullmatch(text):
        table.wrong(f"{key} to be {words}", shown(text))
    return text


def _bounded(table: TomlTable, key: str, least: int, most: int) -> int:
    number = table.value(key, int)
    if not least <= number <= most:
        table.wrong(f"{key} of {least:,} to {most:,}", shown(number))
    return number


def _megahertz(table: TomlTable, key: str, least: float, most: float) -> float:
    whole = type(table.fields.get(key)) is int
    number = table.value(key, int) if whole else table.value(key, float)
    if not least <= number <= most:
        table.wrong(f"{key} of {least:g} to {most:g}", shown(number))
    return float(number)


def _check_pins(table: TomlTable) -> None:
    given = [key for key in ("platform", "pins") if key in table.fields]
    if len(given) != 1:
        remedy = "Give the pins, or the class of amaranth-boards that has them."
        table.wrong("one table of [platform] and [pins]", " and ".join(given) or "none", remedy)
    if given == ["platform"]:
        words = "a class as 'amaranth_boards.ulx3s:ULX3S_85F_Platform'"
        _matching(table.table("platform", ("class",)), "class", _CLASS, words)
        return
    pins = table.table("pins", ("clock", "rx", "tx", "io_standard"))
    _matching(pins, "io_standard", _PIN, "a word")
    places = [_matching(pins, key, _PIN, "the name of a pin") for key in ("clock", "rx", "tx")]
    if len(set(places)) < len(places):
        pins.wrong("three pins", ", ".join(places))


def _check_uart(uart: TomlTable, clock: float) -> None:
    most = int(clock * 1_000_000 / LEAST_CYCLES)
    baud = _bounded(uart, "baud", LEAST_BAUD, most)
    _bounded(uart, "fast_baud", baud, most)


def _check_pll(table: TomlTable) -> None:
    match table.fields["family"]:
        case "ice40":
            table.table("pll", ("pad",)).value("pad", bool)
        case "gowin":
            _matching(table.table("pll", ("device",)), "device", _WORD, "a word")
        case family:
            if "pll" in table.fields:
                remedy = "Remove it: its PLL is known."
                table.wrong(f"no table [pll] for family {family}", "one", remedy)


def _check_program(table: TomlTable) -> None:
    if "program" not in table.fields:
        return
    program = table.table("program", ("usb", "flash_only", *PROGRAMS))
    if "usb" in program.fields:
        _matching(program, "usb", _USB, "vendor and product as '0403:6010'")
    program.value("flash_only", bool, False)
    for name in PROGRAMS:
        if name in program.fields:
            program.texts(name)


def _check_toolchain(table: TomlTable) -> None:
    family: str = table.fields["family"]
    lists = TOOLCHAINS[family]
    parts = ("part",) if family == "xilinx7" else ()
    toolchain = table.table("toolchain", (*lists, *parts, "target_mhz"))
    _megahertz(toolchain, "target_mhz", *CLOCKS_MHZ)
    for key in lists:
        for option in toolchain.texts(key):
            if not _OPTION.fullmatch(option):
                toolchain.wrong(f"{key} to be options, each a word", shown(option))
    for key in parts:
        _matching(toolchain, key, _WORD, "a word")

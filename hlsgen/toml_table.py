"""TOML files that users write: read key by key, each of the type that is asked for, with an error that says what is wrong."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from hlsgen.errors import BadFile

LONGEST_SHOWN = 60
Type = TypeVar("Type")


def shown(value: Any) -> str:
    """``value`` for a message, not longer than a line."""
    if isinstance(value, int) and value.bit_length() > 4 * LONGEST_SHOWN:
        return f"a number of {value.bit_length()} bits"
    try:
        text = repr(value)
    except ValueError:  # a list with such a number
        return f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


@dataclass(frozen=True)
class TomlKind:
    """``name``: of what the files describe; ``example``: what a user may compare a wrong one with; ``listed``: where to find names instead."""

    name: str
    example: str
    listed: str

    def read(self, path: Path) -> str:
        """The text of a file; raises BadFile."""
        try:
            return path.read_text("utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "bytes that are not UTF-8"
            raise BadFile(
                str(path), f"expected a {self.name}'s TOML file, found: {reason}", self.listed
            ) from None

    def parse(self, where: str, text: str) -> Mapping[str, Any]:
        """The tables of a TOML text; raises BadFile."""
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # a TOMLDecodeError is a ValueError
            self.wrong(where, "a TOML file", str(error) or type(error).__name__)

    def wrong(self, where: str, expected: str, found: str, remedy: str = "") -> NoReturn:
        """Raise BadFile."""
        raise BadFile(
            f"{self.name} {where}", f"expected {expected}; found {found}", remedy or self.example
        )


class TomlTable:
    """The keys of a TOML table, each of the type that is asked for. Every method raises BadFile."""

    def __init__(self, kind: TomlKind, where: str, fields: Any, known: Collection[str]) -> None:
        self.kind, self.where = kind, where
        if not isinstance(fields, dict):
            self.wrong("a table", shown(fields))
        self.fields: Mapping[str, Any] = fields
        for key in fields:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                remedy = f"Did you mean {near[0]!r}?" if near else "Remove it."
                self.wrong(f"keys {', '.join(sorted(known))}", shown(key), remedy)

    def wrong(self, expected: str, found: str, remedy: str = "") -> NoReturn:
        """Raise BadFile about this table."""
        self.kind.wrong(self.where, expected, found, remedy)

    def value(self, key: str, kind: type[Type], default: Type | None = None) -> Type:
        """A value of exactly this type; ``default`` where the key is missing, if there is one."""
        if key not in self.fields and default is not None:
            return default
        if key not in self.fields:
            self.wrong(f"the key {key!r}", "none", f"Add {key} = ... to it.")
        value = self.fields[key]
        if type(value) is not kind:  # True is not a number
            names = {int: "a whole number", float: "a number", bool: "true or false"} | {
                str: "a text",
                list: "a list",
            }
            self.wrong(f"{key} to be {names.get(kind, 'a table')}", shown(value))
        return value

    def numbers(self, key: str) -> list[int]:
        """A list of whole numbers."""
        numbers: list[Any] = self.value(key, list)
        if any(type(number) is not int for number in numbers):
            self.wrong(f"{key} to be a list of whole numbers", shown(numbers))
        return numbers

    def texts(self, key: str) -> list[str]:
        """A list of texts."""
        texts: list[Any] = self.value(key, list)
        if any(type(text) is not str for text in texts):
            self.wrong(f"{key} to be a list of texts", shown(texts))
        return texts

    def tables(self, key: str, default: Collection[Any] | None = None) -> Collection[Any]:
        """The tables of ``[[key]]``."""
        if key not in self.fields and default is not None:
            return default
        if type(self.fields.get(key)) is not list:
            instead = f"[{key}]" if isinstance(self.fields.get(key), dict) else "none"
            self.wrong(f"[[{key}]], a list of tables", instead)
        return self.value(key, list)

    def table(self, key: str, known: Collection[str]) -> TomlTable:
        """The table ``[key]``."""
        if key not in self.fields:
            self.wrong(f"the table [{key}]", "none", f"Add [{key}] to it.")
        fields: dict[str, Any] = self.value(key, dict)
        return TomlTable(self.kind, f"{self.where}, {key}", fields, known)

"""What it takes to make a design again: the command, and the versions of what takes part."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hlsgen.algebra.unroll import Unroll

PACKAGES = ("amaranth", "numpy", "onnx", "onnxruntime", "pyosys", "scipy")
"""Of which another version may make another design."""
OPTION_NAMES = {"overrides": "--unroll"}
"""Options of the command line that are not called as the field."""


def made_by(command: str, source: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object ``made_by`` of a manifest: the ``command``, and ``versions`` by name.

    ``source``: as it was given, or all of several; ``options``: those that were given (None: not). Of paths only the last part is kept, so that
    the same design has the same manifest everywhere.
    """
    return {"command": _command(command, source, options), "versions": versions()}


def versions() -> dict[str, str]:
    """Name -> version of Python, of hlsgen and of PACKAGES."""
    from hlsgen import __version__

    numbers = {"hlsgen": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            numbers[package] = version(package)
        except PackageNotFoundError:  # as where it is built into Python
            continue
    return numbers


def option_name(field: str) -> str:
    """How the command line calls an option."""
    return OPTION_NAMES.get(field, f"--{field.replace('_', '-')}")


def _command(command: str, source: object, options: Mapping[str, Any]) -> str:
    words = ["hlsgen", command, *map(_named, source if isinstance(source, tuple) else (source,))]
    for field, value in options.items():
        words += _option(field, value)
    return shlex.join(words)


def _option(field: str, value: Any) -> Iterator[str]:
    name = option_name(field)
    if isinstance(value, bool):
        yield name if value else name.replace("--", "--no-", 1)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from (name, f"{key}={part}" if isinstance(part, str) else _unroll(key, part))
    elif value is not None:
        is_path = isinstance(value, str | os.PathLike)
        yield from (name, _last_part(os.fspath(value)) if is_path else f"{value:g}")


def _named(source: object) -> str:
    if not isinstance(source, str | os.PathLike):
        return "MODEL.onnx"  # it was handed over in Python
    return _last_part(os.fspath(source))


def _last_part(path: str) -> str:
    return Path(path).name or path


def _unroll(process: str, unroll: Unroll) -> str:
    factors = {name: getattr(unroll, name) for name in ("x", "g", "o", "ky", "kx", "i")}
    above_one = {name: n for name, n in factors.items() if n > 1} or {"o": 1}
    return f"{process}:" + ",".join(f"{name}={n}" for name, n in above_one.items())

"""A loop kernel as every schedule gets it, and what stays of it in the folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from hlsgen.artefact.digest import sha256
from hlsgen.errors import BadOption

if TYPE_CHECKING:
    from hlsgen.loops.ir import Kernel

SUFFIXES = (".py", ".dot", ".xml")


@dataclass(frozen=True)
class KernelSource:
    """``kernel`` as it was read; of one in Python also the file's ``text`` and the name of the ``function``.
    ``origin``: a sentence part that says what it was made of."""

    kernel: Kernel
    text: bytes | None
    function: str | None
    origin: str = "a kernel"

    def files(self, kernel: Kernel) -> dict[str, bytes]:
        """What a folder of ``kernel``, cleaned for its target, is verified against: the graphs, and the Python file."""
        from hlsgen.loops.text import to_text

        files = {f"graph_{k}.txt": to_text(graph).encode() for k, graph in enumerate(kernel.graphs)}
        return files | ({} if self.text is None else {"kernel.py": self.text})

    def identity(self, kernel: Kernel) -> dict[str, Any]:
        """What the manifest's details say of it."""
        return {
            "name": kernel.name,
            "source": kernel.source,
            "graphs": len(kernel.graphs),
            "function": self.function,
        }


def is_kernel(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a source names a kernel: FILE.py:name, FILE.dot or FILE.xml."""
    if not isinstance(source, str | os.PathLike):
        return False
    return Path(os.fspath(source).partition(":")[0]).suffix in SUFFIXES


def read_kernel(source: str | os.PathLike[str]) -> KernelSource:
    """Read FILE.py:name, FILE.dot (CGRA-ME and others) or FILE.xml (Morpher). Raises HlsgenError."""
    text, _, name = os.fspath(source).partition(":")
    path = Path(text)
    if path.suffix == ".py":
        from hlsgen.loops.python.kernel import load_python_kernel

        if not name:
            raise BadOption(
                str(source),
                "expected the name of a kernel after the file, found none",
                f"Write {path}:name.",
            )
        function = load_python_kernel(path, name)
        return KernelSource(function.lower(), path.read_bytes(), name, _origin(path, name))
    if path.suffix == ".dot":
        from hlsgen.loops.read_dot import read_dot

        return KernelSource(read_dot(path), None, None, _origin(path))
    if path.suffix == ".xml":
        from hlsgen.loops.read_morpher import read_morpher

        return KernelSource(read_morpher(path), None, None, _origin(path))
    raise BadOption(
        str(source),
        f"expected FILE.py:name, FILE.dot or FILE.xml, found {path.suffix or 'no suffix'}",
        "Give a kernel in one of these forms.",
    )


def _origin(path: Path, function: str | None = None) -> str:
    name = f"{function} of {path.name}" if function else path.name
    return f"kernel {name} (SHA-256 {sha256(path.read_bytes())})"

"""The folder of a compiled design: written whole or not at all, and read with every file checked against the manifest."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hlsgen.artefact.digest import sha256
from hlsgen.artefact.manifest import DESIGN, Manifest
from hlsgen.artefact.report import Report
from hlsgen.errors import BadFile, HlsgenError

MANIFEST = "manifest.json"
RESULTS = ("verify.json", "build.json")
"""Files that later steps add, which say nothing of a design that is compiled again."""
UNFINISHED = ".hlsgen_unfinished_"


@dataclass(frozen=True, eq=False)
class Artefact:
    """What a target makes of its source. ``files``: name -> content, the design and all that it is run and verified with;
    ``texts``: the text forms of the intermediate representations, made where they are asked for."""

    files: Mapping[str, bytes]
    manifest: Manifest
    report: Report
    texts: Callable[[], Mapping[str, bytes]] = dict

    def listed(self) -> Manifest:
        """The manifest with the hash of every file."""
        digests = {name: sha256(content) for name, content in self.files.items()}
        return replace(self.manifest, files=digests)


@dataclass(frozen=True, eq=False)
class Folder:
    """A compiled design on disk."""

    directory: Path
    manifest: Manifest

    def read(self, name: str) -> bytes:
        """The content of a file of the design; raises BadFile where it is missing or not the one that was compiled."""
        path = self.directory / name
        expected = self.manifest.files.get(name)
        if expected is None:
            raise stale(self.directory / MANIFEST, f"expected the hash of {name}, found none")
        try:
            content = path.read_bytes()
        except OSError as error:
            problem = f"expected a file of the compiled design, found: {error.strerror}"
            raise stale(path, problem) from None
        if (digest := sha256(content)) != expected:
            problem = f"expected sha256 {expected[:16]}... of the manifest, found {digest[:16]}..."
            raise stale(path, problem)
        return content

    def read_text(self, name: str) -> str:
        """The same, of a text; raises BadFile where it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise stale(self.directory / name, f"expected UTF-8 text, found {error}") from None

    def report(self) -> Mapping[str, Any]:
        """The content of report.json; empty where it cannot be read."""
        try:
            content = json.loads((self.directory / "report.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, name: str, content: str) -> Path:
        """Write a result into the folder, whole or not at all; raises BadFile."""
        return write_whole(self.directory / name, content)


def write_whole(path: Path, content: str) -> Path:
    """Write a file whole or not at all, in a folder that is made where there is none; raises BadFile."""
    partial = path.parent / f"{UNFINISHED}{secrets.token_hex(4)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(content, "utf-8")
        os.replace(partial, path)
    except OSError as error:
        problem = f"expected to write it, found: {error.strerror}"
        raise BadFile(str(path), problem, "Make room, or the folder writable.") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return path


def open_folder(directory: str | os.PathLike[str]) -> Folder:
    """Read DIR/manifest.json, and check it against this hlsgen and DIR/design.v; raises BadFile."""
    directory = Path(directory)
    if not directory.is_dir():
        raise BadFile(
            str(directory),
            "expected a folder that 'hlsgen compile' wrote, found none",
            "Compile the model first: hlsgen compile MODEL.onnx -o DIR.",
        )
    path = directory / MANIFEST
    try:
        fields = json.loads(path.read_text("utf-8"))
        if not isinstance(fields, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        raise stale(path, "expected the manifest of a compiled design, found no file") from None
    except (OSError, ValueError) as error:
        raise stale(path, f"expected JSON, found {error}") from None
    from hlsgen import __version__

    if (version := fields.get("hlsgen")) != __version__:
        raise stale(path, f"expected a design of hlsgen {__version__}, found one of {version}")
    try:
        folder = Folder(directory, Manifest.from_json(fields))
    except (AttributeError, KeyError, TypeError, ValueError, HlsgenError) as error:
        raise stale(path, f"expected a complete manifest, found {error!r}") from None
    folder.read(DESIGN)
    return folder


def stale(path: Path, problem: str) -> BadFile:
    """A file of a compiled folder that is missing, broken or of another compilation."""
    return BadFile(str(path), problem, "Compile the model again with 'hlsgen compile'.")


@dataclass(frozen=True)
class NewFolder:
    """A folder about to be written: what lies in ``staging`` is not a part of it yet."""

    directory: Path
    staging: Path

    def commit(
        self, artefact: Artefact, shown: Mapping[str, bytes] = MappingProxyType({})
    ) -> Folder:
        """Write the design, and ``shown``, what is made of it to look at; the folder holds the whole of it afterwards, or what it held before. Raises BadFile."""
        contents = {**artefact.files, **artefact.report.files(), **shown}
        manifest = artefact.listed()
        # The manifest comes last: until then the old one, whose hashes no longer fit, has the folder refused.
        contents[MANIFEST] = manifest.to_text().encode()
        self.place(contents, stale_files=_old_files(self.directory) - contents.keys())
        return Folder(self.directory, manifest)

    def place(
        self, contents: Mapping[str, bytes], stale_files: AbstractSet[str] = frozenset()
    ) -> None:
        """Write files aside and move them in once all of them are whole; names may have folders. Raises BadFile."""
        try:
            for name, content in contents.items():
                (self.staging / name).parent.mkdir(parents=True, exist_ok=True)
                (self.staging / name).write_bytes(content)
            if not self.directory.exists():
                os.replace(self.staging, self.directory)
                return
            for name in stale_files:
                (self.directory / name).unlink(missing_ok=True)
            for name in contents:
                (self.directory / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(self.staging / name, self.directory / name)
        except OSError as error:
            raise _not_writable(self.directory, error) from None


@contextmanager
def new_folder(
    output: str | os.PathLike[str] | None, overwrites: bool = False
) -> Iterator[NewFolder]:
    """The folder to write to (a new temporary one if None): nothing of it is there before ``commit``, nothing where an error is raised.

    A folder that holds files but not a design of hlsgen is refused, unless ``overwrites``. Raises BadFile.
    """
    directory = Path(output) if output is not None else Path(tempfile.mkdtemp(prefix="hlsgen_"))
    created: list[Path] = [] if output is not None else [directory]
    try:
        if "\0" in str(directory):
            raise ValueError("a NUL character in its name")
        if directory.exists():
            if not overwrites:
                _check_own(directory)
            parent = directory
        else:
            parent = directory.parent
            created += [folder for folder in (parent, *parent.parents) if not folder.exists()]
            parent.mkdir(parents=True, exist_ok=True)
        staging = parent / f"{UNFINISHED}{secrets.token_hex(4)}"
        staging.mkdir()
    except (OSError, ValueError) as error:
        raise _not_writable(directory, error) from None
    try:
        yield NewFolder(directory, staging)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):  # where something was written into one
            for folder in created:
                folder.rmdir()
        raise
    shutil.rmtree(staging, ignore_errors=True)


def check_empty(directory: Path) -> None:
    """Raise BadFile where a folder holds anything."""
    if directory.is_dir() and any(directory.iterdir()):
        raise BadFile(
            str(directory),
            f"expected a new or empty folder, found {len(list(directory.iterdir()))} entries in it",
            "Name another folder with -o, or remove this one.",
        )


def _check_own(directory: Path) -> None:
    """Raise BadFile where a folder holds files, and none of them is a manifest of hlsgen."""
    names = sorted(p.name for p in directory.iterdir() if not p.name.startswith(UNFINISHED))
    if not names or _is_own(directory / MANIFEST):
        return
    raise BadFile(
        str(directory),
        f"expected a new or empty folder, or one with a design of hlsgen; found {len(names)} other"
        f" {'file' if len(names) == 1 else 'files'} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})",
        "Name another folder with -o.",
    )


def _is_own(manifest: Path) -> bool:
    try:
        return "hlsgen" in json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def _old_files(directory: Path) -> set[str]:
    """Names of files of the design that the folder held before, which the new one may not have."""
    try:
        fields = json.loads((directory / MANIFEST).read_text("utf-8"))
        names = {str(name) for name in fields["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        names = set()
    return {name for name in names if Path(name).name == name} | set(RESULTS)


def _not_writable(directory: Path, error: OSError | ValueError) -> BadFile:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return BadFile(
        str(directory),
        f"expected a folder that can be written, found: {reason}",
        "Name another folder, change its permissions, or make room.",
    )

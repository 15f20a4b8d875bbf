"""A folder is written whole or not at all, never over files of somebody else, and read with every file checked."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hlsgen.algebra.types import S8
from hlsgen.artefact.declared import Declared, Difference
from hlsgen.artefact.folder import Artefact, new_folder, open_folder
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.port import Port, ProcessPoint
from hlsgen.artefact.report import Head, Report
from hlsgen.errors import BadFile

PORT = Port("x", "x", (1, 3, 2, 4), (0, 2, 3, 1), (2, 4, 3), S8, "s_axis", 2)
MANIFEST = Manifest(
    kind="stream_network",
    board="icebreaker",
    inputs=(PORT,),
    outputs=(PORT,),
    processes=(ProcessPoint("conv", "process_0", "x", 2),),
    interval_cycles=7,
    declared=(Declared("x", "default", (Difference("node pool: ties", 1, 3),)),),
    details={"fabric": "mac_8x8"},
)


def artefact(**files: bytes) -> Artefact:
    contents = {
        "design.v": b"module m; endmodule\n",
        **{k.replace("_", "."): v for k, v in files.items()},
    }
    return Artefact(contents, MANIFEST, Report("toy", Head(macs=5), {"layers": []}, "a toy\n"))


def write(directory: Path, **files: bytes) -> None:
    with new_folder(directory) as folder:
        folder.commit(artefact(**files))


def refused(action: Callable[[], object], match: str) -> None:
    with pytest.raises(BadFile, match=match) as caught:
        action()
    assert len(str(caught.value).splitlines()) == 3


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "out", setup_bin=b"\1\2")
    folder = open_folder(tmp_path / "deep" / "out")
    expected = {field: getattr(MANIFEST, field) for field in vars(MANIFEST) if field != "files"}
    assert {field: getattr(folder.manifest, field) for field in expected} == expected
    assert folder.read("setup.bin") == b"\1\2"
    assert list(folder.report())[:3] == ["name", "macs", "interval_cycles"]
    assert folder.report()["macs"] == 5 and folder.report()["lut"] is None
    assert names(tmp_path / "deep") == ["out"]
    assert names(folder.directory) == [
        "design.v",
        "manifest.json",
        "report.json",
        "report.txt",
        "setup.bin",
    ]


def test_a_design_replaces_another_with_what_belonged_to_it_and_nothing_else(
    tmp_path: Path,
) -> None:
    write(tmp_path / "out", setup_bin=b"\1")
    for name in ("verify.json", "build.json", "mine.txt"):
        (tmp_path / "out" / name).write_text("{}")
    write(tmp_path / "out", sample_bin=b"\2")
    assert names(tmp_path / "out") == sorted(
        ["design.v", "manifest.json", "mine.txt", "report.json", "report.txt", "sample.bin"]
    )


@pytest.mark.parametrize(
    "manifest", [None, "{}", "[]", "not JSON", '{"name": "an extension of a browser"}']
)
def test_files_of_somebody_else_are_never_overwritten(tmp_path: Path, manifest: str | None) -> None:
    (tmp_path / "design.v").write_text("mine")
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    before = names(tmp_path)
    refused(lambda: write(tmp_path), "design.v")
    assert names(tmp_path) == before and (tmp_path / "design.v").read_text() == "mine"


def test_an_empty_folder_and_one_with_leftovers_of_an_interrupted_run_are_taken(
    tmp_path: Path,
) -> None:
    (tmp_path / ".hlsgen_unfinished_00").mkdir()
    write(tmp_path)
    assert open_folder(tmp_path).manifest.kind == "stream_network"


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_error_while_compiling_leaves_everything_as_it_was(
    tmp_path: Path, error: type[BaseException], exists: bool
) -> None:
    if exists:
        write(tmp_path / "a" / "out", setup_bin=b"\1")
    with pytest.raises(error), new_folder(tmp_path / "a" / "out"):
        raise error
    if exists:
        assert open_folder(tmp_path / "a" / "out").read("setup.bin") == b"\1"
        assert len(names(tmp_path / "a" / "out")) == 5
    else:
        assert names(tmp_path) == []


@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    if exists:
        write(tmp_path / "out", setup_bin=b"\1")
    written = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if self.name == "report.json":
            written(self, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    refused(lambda: write(tmp_path / "out", setup_bin=b"\2"), "No space left on device")
    if exists:
        assert open_folder(tmp_path / "out").read("setup.bin") == b"\1"
        assert len(names(tmp_path / "out")) == 5
    else:
        assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "file/out"])
def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    refused(lambda: write(tmp_path / name), "expected a folder that can be written")


def changed(directory: Path, **fields: object) -> None:
    content = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(content | fields))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"hlsgen": "0.0.0"}, "found one of 0.0.0"),
        ({"files": {}}, "no hash of design.v"),
        ({"files": {"design.v": "00" * 32}}, "sha256"),
        ({"inputs": [{"axis": "s_axis"}]}, "complete manifest"),
        ({"inputs": [{**PORT.as_json(), "words": 15}]}, "complete manifest"),
        ({"inputs": [{**PORT.as_json(), "axes": [0, 1, 2, 2]}]}, "complete manifest"),
        ({"inputs": [{**PORT.as_json(), "lanes": 0}]}, "complete manifest"),
        ({"processes": 3}, "complete manifest"),
        (
            {"declared": [{"value": "x", "session": "other", "differences": []}]},
            "complete manifest",
        ),
        ({"details": None}, "complete manifest"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    tmp_path: Path, fields: dict[str, object], match: str
) -> None:
    write(tmp_path)
    changed(tmp_path, **fields)
    refused(lambda: open_folder(tmp_path), match)


def test_files_that_are_missing_edited_or_unknown_are_refused(tmp_path: Path) -> None:
    write(tmp_path, setup_bin=b"\1", sample_bin=b"\2")
    folder = open_folder(tmp_path)
    (tmp_path / "setup.bin").write_bytes(b"\3")
    refused(lambda: folder.read("setup.bin"), "sha256")
    (tmp_path / "sample.bin").unlink()
    refused(lambda: folder.read("sample.bin"), "No such file")
    refused(lambda: folder.read("configurations.bin"), "found none")
    (tmp_path / "design.v").write_text("edited")
    refused(lambda: open_folder(tmp_path), "design.v")


def test_a_result_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    folder = open_folder(tmp_path)
    folder.write("verify.json", "{}\n")
    before = names(tmp_path)

    def full(self: Path, content: str, encoding: str) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    refused(lambda: folder.write("verify.json", "{ }\n"), "No space left")
    assert names(tmp_path) == before and (tmp_path / "verify.json").read_text() == "{}\n"


def test_bounds_and_counts_of_several_causes_add_up() -> None:
    one, two = Difference("a", 1, 3), Difference("b", 2)
    assert Declared("y", "default").exact
    assert (Declared("y", "default", (one,)).bound, Declared("y", "default", (one,)).count) == (
        1,
        3,
    )
    both = Declared("y", "default", (one, two))
    assert (both.bound, both.count, both.exact) == (3, None, False)
    assert Declared("y", "default", (one, Difference("c", None))).bound is None

"""Refusals about the machine and what lies on it: compiled folders that were changed, tools, simulators and their cache."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from errors.cases_requests import design
from errors.messages import Case
from hlsgen.sim.program_bench import ProgramOutcome
from support.toy_designs import write_manifest

from hlsgen import flow
from hlsgen.artefact.board_ports import stream_board_ports
from hlsgen.artefact.folder import new_folder, open_folder
from hlsgen.bitstream.build import synthesise
from hlsgen.bitstream.netlist_design import netlist_design
from hlsgen.bitstream.tools import Tool, native_tool
from hlsgen.cycle_model.machine import Streams
from hlsgen.targets import target_of
from hlsgen.targets.fabric import program_part
from hlsgen.verify import reference, simulation, simulators
from hlsgen.verify.fabric_simulation import _check
from hlsgen.verify.probes import output_signals
from hlsgen.verify.samples import first_samples
from hlsgen.verify.simulator_cache import cached_file

TOOL = Tool("no_such_tool", "none", "no_such_tool", "main")


def patched(change: Callable[[pytest.MonkeyPatch, Path], None], case: Case) -> Case:
    """A case on a machine that is another in one thing."""

    def run(folder: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            change(patch, folder)
            return case(folder)

    return run


def manifest_of(**changes: object) -> Case:
    def case(folder: Path) -> object:
        design(folder)
        write_manifest(folder, **changes)
        return target_of(open_folder(folder))

    return case


def rewritten(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """A file of the folder, with its hash in the manifest."""

    def edit(folder: Path) -> None:
        from hlsgen.artefact.digest import sha256

        content = change((folder / name).read_bytes())
        (folder / name).write_bytes(content)
        path = folder / "manifest.json"
        fields = json.loads(path.read_text())
        fields["files"][name] = sha256(content)
        path.write_text(json.dumps(fields))

    return edit


def without_packages(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr(reference.importlib.util, "find_spec", lambda name: None)


def with_torch(patch: pytest.MonkeyPatch, folder: Path) -> None:
    cuda = SimpleNamespace(is_available=lambda: False)
    patch.setattr(reference.importlib.util, "find_spec", lambda name: name)
    patch.setattr(reference.importlib, "import_module", lambda name: SimpleNamespace(cuda=cuda))


def with_cupy(count: Callable[[], int]) -> Callable[[pytest.MonkeyPatch, Path], None]:
    def change(patch: pytest.MonkeyPatch, folder: Path) -> None:
        runtime = SimpleNamespace(getDeviceCount=count, CUDARuntimeError=RuntimeError)
        module = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime))
        patch.setattr(reference.importlib.util, "find_spec", lambda name: name)
        patch.setattr(reference.importlib, "import_module", lambda name: module)

    return change


def broken_driver() -> int:
    raise RuntimeError("the driver is too old")


def variable(name: str, value: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    return lambda patch, folder: patch.setenv(name, value.replace("FOLDER", str(folder)))


def without_programs(*names: str) -> Callable[[pytest.MonkeyPatch, Path], None]:
    def change(patch: pytest.MonkeyPatch, folder: Path) -> None:
        patch.delenv("CXX", raising=False)
        which = simulators.shutil.which
        patch.setattr(
            simulators.shutil, "which", lambda name: None if name in names else which(name)
        )
        patch.setattr(simulators, "_beside_python", lambda name: None)
        patch.setattr(simulators.importlib.util, "find_spec", lambda name: None)

    return change


def no_library(patch: pytest.MonkeyPatch, folder: Path) -> None:
    import find_libpython

    patch.setattr(find_libpython, "find_libpython", lambda: None)


def file_in_the_way(folder: Path) -> object:
    (folder / "file").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HLSGEN_CACHE", str(folder / "file" / "cache"))
        return cached_file("ab" * 32, "simulator", lambda work: "program")


def full(folder: Path) -> object:
    """A disk that is full when the files are moved in."""

    def fails(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", fails)
        with new_folder(folder / "out") as begun:
            begun.place({"design.v": b""})
    return None


def unwritable(folder: Path) -> object:
    opened = open_folder(design(folder))

    def fails(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", fails)
        return opened.write("verify.json", "{}")


def latin(folder: Path) -> object:
    design(folder)
    rewritten("design.v", lambda content: b"\xff\xfe")(folder)
    return open_folder(folder).read_text("design.v")


def log_of(program: str, *arguments: str) -> Case:
    return lambda folder: simulators.run_tool(
        [program, *arguments], "build of a simulator", folder / "log.txt", folder, os.environ
    )


def failing_simulator(folder: Path) -> object:
    (folder / "built").mkdir()
    program = folder / "built" / "simulator"
    program.write_text("#!/bin/sh\necho what it says\nexit 3\n")
    program.chmod(0o755)
    (folder / "job").mkdir()
    return simulation.run_executable(
        program, (), os.environ, folder / "job", "simulating", lambda *arguments: None
    )


def words_of(name: str) -> Case:
    def case(folder: Path) -> object:
        (folder / name).write_bytes(b"12345")
        design(folder)
        rewritten(name, lambda content: content)(folder)
        return program_part(open_folder(folder), name)

    return case


def two_inputs(folder: Path) -> object:
    manifest = open_folder(design(folder)).manifest
    return stream_board_ports(replace(manifest, inputs=17 * manifest.inputs), "manifest.json")


def folder_machine_cases() -> dict[str, Case]:
    return {
        "a file without a hash": lambda folder: open_folder(design(folder)).read("model.onnx"),
        "a text that is not UTF-8": latin,
        "a result that cannot be written": unwritable,
        "a design that cannot be written": full,
        "a manifest of another version": manifest_of(hlsgen="0.0.0"),
        "a manifest that is not complete": manifest_of(inputs=[{}]),
        "a kind that is unknown": manifest_of(kind="poem"),
        "words of 5 bytes": words_of("setup.bin"),
        "two inputs on a board": two_inputs,
    }


def machine_cases() -> dict[str, Case]:
    back_end = reference.find_backend
    return {
        "family": lambda folder: synthesise(folder, "none", top="top"),
        "family of models": lambda folder: netlist_design(
            open_folder(design(folder)), "none", folder / "cells"
        ),
        "build: no board": lambda folder: flow.build(design(folder)),
        "build: no seeds": lambda folder: flow.build(design(folder), "ulx3s_85f", seeds=0),
        "variable that names no program": patched(
            variable(replace(TOOL).variable, "nothing"), lambda folder: native_tool(TOOL)
        ),
        "words that end": lambda folder: Streams([]).take(),
        "GPU: packages": patched(without_packages, lambda folder: back_end("torch")),
        "GPU: PyTorch": patched(with_torch, lambda folder: back_end("torch")),
        "GPU: none": patched(with_cupy(lambda: 0), lambda folder: back_end("cupy")),
        "GPU: driver": patched(with_cupy(broken_driver), lambda folder: back_end("cupy")),
        "samples of unequal lengths": lambda folder: first_samples({"x": [[1], [1, 2]]}, None),  # type: ignore[dict-item]
        "cache: size": patched(variable("HLSGEN_CACHE_MB", "many"), file_in_the_cache),
        "cache: folder": file_in_the_way,
        "simulator: compiler": patched(
            without_programs("g++", "clang++"), lambda folder: simulators.find_simulator()
        ),
        "simulator: version of the compiler": lambda folder: (
            simulators.Simulator(folder, None, str(folder / "none"), "make", "5.0").compiler_version
        ),
        "simulator: make": patched(
            without_programs("make", "gmake"), lambda folder: simulators.find_simulator()
        ),
        "simulator: Verilator": patched(
            without_programs("verilator", "verilator_bin"),
            lambda folder: simulators.find_simulator(),
        ),
        "simulator: program that is missing": log_of("no_such_program"),
        "simulator: program that fails": log_of("false"),
        "simulator: a run that fails": failing_simulator,
        "simulator: libpython": patched(
            no_library, lambda folder: simulation.cocotb_environment("bench", "top", folder)
        ),
        "simulator: file of the package": lambda folder: simulators._make_runnable(folder / "none"),
        "probes": lambda folder: output_signals(
            "module top(a);\n part conv (a);\nendmodule\nmodule part(a);\nendmodule\n",
            "top",
            ("conv",),
        ),
        "simulation of a fabric": lambda folder: _check(
            ProgramOutcome(**{f.name: () for f in fields(ProgramOutcome)} | {"stopped": False}),  # type: ignore[arg-type]
            np.zeros(3, bool),
            [5],
        ),
    }


def file_in_the_cache(folder: Path) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HLSGEN_CACHE", str(folder / "cache"))
        return cached_file(
            "ab" * 32,
            "simulator",
            lambda work: ((work / "program").write_text("") and "program") or "program",
        )

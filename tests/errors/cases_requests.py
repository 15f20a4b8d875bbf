"""Refusals of requests: options, boards, samples, folders of results and tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from errors.messages import ROOT, Case, rows
from support.stateful_models import gru_cell
from support.toy_designs import toy_samples, write_manifest
from verify import test_verify_input as samples

from hlsgen import flow
from hlsgen.algebra.unroll import Unroll
from hlsgen.artefact.folder import open_folder
from hlsgen.bitstream.tools import Tool, find_tool, run_tool
from hlsgen.board import load_board
from hlsgen.failures import house_error
from hlsgen.flow_export import export
from hlsgen.frontend.samples import load_samples
from hlsgen.rtl.names import design_name
from hlsgen.verify.reference import find_backend
from hlsgen.verify.samples import check_samples, first_samples

DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
FIR = f"{ROOT / 'examples' / 'kernels' / 'fir.py'}:fir"


def compiled(source: object, **options: object) -> Case:
    return lambda folder: flow.compile(source, output=folder / "out", **options)  # type: ignore[arg-type]


def labels_of_others(folder: Path) -> object:
    model, given = gru_cell()
    given |= {"h0": np.zeros((len(given["x"]), 8), np.float32), "labels": np.arange(5)}
    np.savez(folder / "x.npz", **given)  # type: ignore[arg-type]
    return flow.compile(model, calibrate=folder / "x.npz", output=folder / "out")


def option_cases() -> dict[str, Case]:
    return {
        "schedule": compiled(DIGITS, schedule="magic"),
        "board": compiled(DIGITS, board="ulx3s"),
        "board of no near name": lambda folder: load_board("?"),
        "target rate of 0": compiled(DIGITS, target_fps=0.0),
        "rate and effort": compiled(DIGITS, target_fps=10.0, effort="max"),
        "rate and interval": compiled(DIGITS, target_fps=10.0, interval=3),
        "effort": compiled(DIGITS, effort="huge"),
        "multipliers": compiled(DIGITS, multipliers=-1),
        "lanes": compiled(DIGITS, lanes=2),
        "unroll: unknown process": compiled(DIGITS, overrides={"nothing": Unroll(o=2)}),
        "unroll: beyond a loop": compiled(DIGITS, overrides={"conv2": Unroll(o=999)}),
        "rate beyond the board": compiled(DIGITS, board="icebreaker", target_fps=2e6),
        "unrolling beyond the board": compiled(
            DIGITS, board="icebreaker", overrides={"conv2": Unroll(o=16, i=8, ky=3, kx=3)}
        ),
        "option of another schedule": compiled(DIGITS, schedule="grid", multipliers=4),
        "fabric of a stream": compiled(DIGITS, fabric="mac_8x8"),
        "name": compiled(DIGITS, name="always"),
        "name of a design": lambda folder: design_name("a b", "x"),
        "samples that are missing": compiled(DIGITS, calibrate="none.npz"),
        "labels of other samples": labels_of_others,
        "samples for a kernel": compiled(FIR, calibrate="none.npz"),
        "precision": compiled(DIGITS, precision="fixed12", samples="none.npz"),
        "precision and calibration": compiled(DIGITS, precision="fixed16", calibrate="none.npz"),
        "precision without samples": compiled(DIGITS, precision="fixed16"),
        "samples without precision": compiled(DIGITS, samples="none.npz"),
        "precision on a grid": compiled(
            DIGITS, precision="fixed16", samples="none.npz", schedule="grid"
        ),
        "precision of a quantised model": compiled(
            DIGITS, precision="fixed16", samples=str(DIGITS.with_name("samples.npz"))
        ),
        "reference that is unknown": compiled(DIGITS, reference="tflite"),
        "reference of fixed point": compiled(
            DIGITS, precision="fixed16", samples="none.npz", reference="ort"
        ),
        "reference for a kernel": compiled(FIR, reference="ort"),
        "kernel without a name": lambda folder: flow.map_kernel(FIR.removesuffix(":fir")),
        "kernel of another kind": lambda folder: flow.map_kernel("kernel.txt"),
        "seed": compiled(FIR, schedule="grid", seed=-1),
        "time": compiled(FIR, schedule="grid", time_limit=float("nan")),
        "fabric that is unknown": lambda folder: flow.emit_fabric("cgra_5x5"),
        "reference": lambda folder: find_backend("jax"),
        "export format": lambda folder: export(folder, "vhdl"),
        "export into a full folder": into_a_full_folder,
        "disk full": lambda folder: _failed(OSError(28, "No space left on device", "design.v")),
        "memory": lambda folder: _failed(MemoryError()),
    }


def _failed(error: Exception) -> None:
    raise house_error(error, "hlsgen compile net.onnx")


def design(folder: Path) -> Path:
    (folder / "design.v").write_text("module hlsgen_top(); endmodule\n")
    write_manifest(folder)
    return folder


def verified(**options: object) -> Case:
    return lambda folder: flow.verify(design(folder), toy_samples(1), **options)  # type: ignore[arg-type]


def into_a_full_folder(folder: Path) -> object:
    return export(design(folder), "verilog", folder)


def npz_of(content: bytes) -> Case:
    def case(folder: Path) -> object:
        (folder / "x.npz").write_bytes(content)
        return load_samples(folder / "x.npz")

    return case


def single_array(folder: Path) -> object:
    np.save(folder / "x.npy", np.zeros(3))
    return load_samples(folder / "x.npy")


def given(inputs: dict[str, np.ndarray], kind: object) -> Case:
    return lambda folder: check_samples(inputs, kind)  # type: ignore[arg-type]


def sample_cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for inputs, _ in rows(samples.test_samples_that_do_not_fit_a_float_input_are_refused):
        cases[f"float input {len(cases)}"] = given(inputs, samples.FLOAT)
    for array, _ in rows(samples.test_samples_that_do_not_fit_an_integer_input_are_refused):
        cases[f"integer input {len(cases)}"] = given({"x": array}, samples.INTEGER)
    for option, value in rows(samples.test_an_option_out_of_range_is_refused):
        cases[f"verify: {option} {value}"] = verified(**{option: value})
    types = {"a": samples.INTEGER["x"], "b": samples.INTEGER["x"]}
    unequal = {"a": np.zeros((1, 2, 3), np.int8), "b": np.zeros((2, 2, 3), np.int8)}
    return cases | {
        "unequal numbers": given(unequal, types),
        "more samples than there are": lambda folder: first_samples(toy_samples(3), 4),
        "file: none": lambda folder: load_samples(folder / "x.npz"),
        "file: truncated": npz_of(b"PK\x03\x04 truncated"),
        "file: a single array": single_array,
    }


def changed(change: Callable[[Path], object]) -> Case:
    def case(folder: Path) -> object:
        change(design(folder))
        return open_folder(folder)

    return case


def unwritable(name: str) -> Case:
    def case(folder: Path) -> object:
        (folder / "file").write_text("")
        return flow.emit_fabric("icebreaker_2x2", output=folder / name)

    return case


def somebody_elses(folder: Path) -> object:
    (folder / "design.v").write_text("mine")
    return flow.emit_fabric("icebreaker_2x2", output=folder)


def failing_tool(folder: Path) -> object:
    tool = Tool("false", "coreutils", "none", "main")
    return run_tool(tool, (), folder, "log.txt")  # type: ignore[call-arg]


def folder_cases() -> dict[str, Case]:
    return {
        "no folder": lambda folder: open_folder(folder / "nowhere"),
        "no manifest": open_folder,
        "not JSON": changed(lambda folder: (folder / "manifest.json").write_text("{")),
        "edited": changed(lambda folder: (folder / "design.v").write_text("edited")),
        "no design": changed(lambda folder: (folder / "design.v").unlink()),
        "long name": unwritable("x" * 300),
        "below a file": unwritable("file/out"),
        "NUL in the name": unwritable("a\0b"),
        "somebody else's": somebody_elses,
        "build for nothing": lambda folder: flow.build(design(folder), board="nothing"),
        "no tool": lambda folder: find_tool(Tool("no_such_tool", "none", "no_such_tool", "main")),
    }

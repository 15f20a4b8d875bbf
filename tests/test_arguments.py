"""Every argument of every public function of Python: a wrong type or value is an error in three lines that names it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
from support.quantised_models import conv_model
from support.toy_designs import write_manifest

import hlsgen
from hlsgen import flow
from hlsgen.algebra.unroll import Unroll
from hlsgen.errors import HlsgenError

FIR = f"{Path(__file__).parents[1] / 'examples' / 'kernels' / 'fir.py'}:fir"
DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits.onnx"
MODEL = conv_model("u8", True, (1, 1, 4, 4), (1, 1, 2, 2))[0]


@hlsgen.kernel
def doubled(a: hlsgen.In[hlsgen.s32, 4], b: hlsgen.Out[hlsgen.s32, 4]) -> None:
    for i in range(4):
        b[i] = a[i] + a[i]


@cache
def compiled() -> hlsgen.Compiled:
    """A folder with a manifest; nothing in it is ever simulated."""
    folder = Path(mkdtemp())
    (folder / "design.v").write_text("module hlsgen_top(); endmodule\n")
    write_manifest(folder)
    return hlsgen.Compiled(folder, {}, flow.open_folder(folder).manifest)


def verify(**arguments: Any) -> object:
    return compiled().verify(**{"inputs": {"x": np.zeros((1, 2, 3), np.int8)}, **arguments})


FUNCTIONS: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
    "hlsgen.compile": (hlsgen.compile, {"model": MODEL}),
    "hlsgen.explore": (hlsgen.explore, {"model": DIGITS}),
    "hlsgen.map_kernel": (hlsgen.map_kernel, {"kernel": FIR}),
    "hlsgen.emit_fabric": (hlsgen.emit_fabric, {"fabric": "icebreaker_2x2"}),
    "Compiled.verify": (hlsgen.Compiled.verify, {}),
    "Compiled.build": (hlsgen.Compiled.build, {}),
    "Compiled.run": (hlsgen.Compiled.run, {"inputs": {"x": np.zeros((1, 2, 3), np.int8)}}),
    "flow.verify": (flow.verify, {"inputs": None}),
    "flow.build": (flow.build, {}),
    "hlsgen.kernel": (hlsgen.kernel, {}),
    "hlsgen.unroll": (hlsgen.unroll, {}),
    "PythonKernel.split": (type(doubled).split, {"loop": "i", "factor": 2}),
    "PythonKernel.reorder": (type(doubled).reorder, {}),
    "PythonKernel.unroll": (type(doubled).unroll, {}),
    "PythonKernel.pipeline": (type(doubled).pipeline, {}),
}
PARAMETERS = [
    (name, parameter)
    for name, (function, _) in FUNCTIONS.items()
    for parameter in inspect.signature(function).parameters
    if parameter not in ("self",)
]


def call(name: str, parameter: str, value: object) -> object:
    function, others = FUNCTIONS[name]
    arguments: dict[str, Any] = {**others, parameter: value}
    first: tuple[object, ...] = ()
    if parameter == "word":
        return hlsgen.kernel(doubled.function, word=value)
    if name.startswith("Compiled."):
        first = (compiled(),)
    elif name.startswith("PythonKernel."):
        first = (doubled,)
        if parameter == "loops":
            return function(*first, value)
    elif name.startswith("flow."):
        arguments = {"directory": compiled().directory, **arguments}
    return function(*first, **arguments)


def refused(name: str, parameter: str, value: object) -> str:
    with pytest.raises(HlsgenError) as refusal:
        call(name, parameter, value)
    lines = str(refusal.value).splitlines()
    assert len(lines) == 3 and refusal.value.exit_code == 2, lines
    return str(refusal.value)


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_a_value_of_another_type_is_refused_by_the_name_of_its_argument(
    name: str, parameter: str
) -> None:
    for value in (object(), b"bytes", 1 + 2j):
        text = refused(name, parameter, value)
        assert parameter in text or (name, parameter) == ("hlsgen.kernel", "function"), text


VALUES: list[tuple[str, str, object]] = [
    ("hlsgen.compile", "model", None),
    ("hlsgen.compile", "model", doubled),
    ("hlsgen.compile", "model", ""),
    ("hlsgen.compile", "model", "none\0.onnx"),
    ("hlsgen.compile", "board", "nothing"),
    ("hlsgen.compile", "board", ""),
    ("hlsgen.compile", "schedule", ""),
    ("hlsgen.compile", "effort", ""),
    ("hlsgen.compile", "multipliers", -1),
    ("hlsgen.compile", "multipliers", 2.0),
    ("hlsgen.compile", "multipliers", True),
    ("hlsgen.compile", "dsp", -(10**30)),
    ("hlsgen.compile", "lut", 0),
    ("hlsgen.compile", "target_fps", float("nan")),
    ("hlsgen.compile", "target_fps", 10**400),
    ("hlsgen.compile", "target_fps", "10"),
    ("hlsgen.compile", "calibrate", "none.npz"),
    ("hlsgen.compile", "calibrate", "\0"),
    ("hlsgen.compile", "calibrate", {"x": np.zeros((1, 1, 4, 4))}),
    ("hlsgen.compile", "overrides", {"Conv_2": {"o": 2}}),
    ("hlsgen.compile", "overrides", {2: Unroll(o=2)}),
    ("hlsgen.compile", "overrides", {"nothing": Unroll(o=2)}),
    ("hlsgen.compile", "fabric", "cgra_4x4"),
    ("hlsgen.compile", "seed", 1),
    ("hlsgen.compile", "exact", 1),
    ("hlsgen.compile", "name", "a b"),
    ("hlsgen.compile", "name", ""),
    ("hlsgen.compile", "output", "a\0b"),
    ("hlsgen.compile", "output", "x" * 300),
    ("hlsgen.compile", "dump", "a\0b"),
    ("hlsgen.map_kernel", "kernel", doubled),
    ("hlsgen.map_kernel", "kernel", ""),
    ("hlsgen.map_kernel", "kernel", "none.py:fir"),
    ("hlsgen.map_kernel", "kernel", "\0.py:fir"),
    ("hlsgen.map_kernel", "kernel", "\0.dot"),
    ("hlsgen.map_kernel", "kernel", "\0.xml"),
    ("hlsgen.map_kernel", "kernel", "model.onnx"),
    ("hlsgen.map_kernel", "fabric", ""),
    ("hlsgen.map_kernel", "fabric", "\0.toml"),
    ("hlsgen.map_kernel", "seed", -1),
    ("hlsgen.map_kernel", "seed", 10**30),
    ("hlsgen.map_kernel", "time_limit", -1),
    ("hlsgen.map_kernel", "time_limit", float("inf")),
    ("hlsgen.map_kernel", "time_limit", 10**400),
    ("hlsgen.map_kernel", "exact", "yes"),
    ("hlsgen.map_kernel", "name", "module"),
    ("hlsgen.emit_fabric", "fabric", ""),
    ("hlsgen.emit_fabric", "fabric", "none.toml"),
    ("hlsgen.emit_fabric", "name", "1"),
    ("hlsgen.emit_fabric", "output", FIR.removesuffix(":fir")),
    ("Compiled.verify", "inputs", {}),
    ("Compiled.verify", "inputs", {"x": [[1], [1, 2]]}),
    ("Compiled.verify", "inputs", {"x": object()}),
    ("Compiled.verify", "inputs", {1: np.zeros(3)}),
    ("Compiled.verify", "inputs", [np.zeros(3)]),
    ("Compiled.verify", "samples", 0),
    ("Compiled.verify", "samples", 1.5),
    ("Compiled.verify", "stall", "always"),
    ("Compiled.verify", "engine", ""),
    ("Compiled.verify", "reference", "jax"),
    ("Compiled.verify", "seed", -1),
    ("Compiled.verify", "seed", 1 << 32),
    ("Compiled.verify", "waves", "waves.txt"),
    ("Compiled.run", "inputs", {}),
    ("Compiled.run", "engine", "board"),
    ("hlsgen.explore", "model", "none.onnx"),
    ("hlsgen.explore", "boards", ["nothing"]),
    ("hlsgen.explore", "objective", ""),
    ("hlsgen.explore", "points", 0),
    ("hlsgen.explore", "checks", -1),
    ("hlsgen.explore", "calibrate", "none.npz"),
    ("hlsgen.explore", "intervals", [0]),
    ("hlsgen.explore", "precisions", ["int8"]),
    ("hlsgen.explore", "samples", "none.npz"),
    ("hlsgen.explore", "labels", "none.npy"),
    ("Compiled.build", "board", "nothing"),
    ("Compiled.build", "seeds", 0),
    ("flow.verify", "directory", "nowhere"),
    ("flow.verify", "directory", "\0"),
    ("flow.build", "directory", ""),
    ("flow.build", "directory", "\0"),
    ("hlsgen.kernel", "function", 5),
    ("hlsgen.kernel", "function", print),
    ("hlsgen.kernel", "function", lambda a: None),
    ("hlsgen.unroll", "trips", 5),
    ("hlsgen.unroll", "trips", [0, 1]),
    ("PythonKernel.split", "loop", "j"),
    ("PythonKernel.split", "factor", 3),
    ("PythonKernel.split", "factor", 0),
    ("PythonKernel.split", "factor", 2.0),
    ("PythonKernel.reorder", "loops", "j"),
    ("PythonKernel.unroll", "loop", ""),
    ("PythonKernel.pipeline", "loop", "j"),
]


@pytest.mark.parametrize(("name", "parameter", "value"), VALUES)
def test_a_value_out_of_range_is_refused(
    name: str, parameter: str, value: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(name, parameter, value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("word", [hlsgen.s8, 32, "s32", hlsgen.In])
def test_a_word_that_is_none_is_refused(word: Any) -> None:
    def copied(a: hlsgen.In[hlsgen.s16, 4], b: hlsgen.Out[hlsgen.s16, 4]) -> None: ...

    with pytest.raises(HlsgenError) as refusal:
        hlsgen.kernel(word=word)(copied)
    assert len(str(refusal.value).splitlines()) == 3


@pytest.mark.parametrize("direction", [hlsgen.In, hlsgen.Out, hlsgen.InOut])
@pytest.mark.parametrize(
    "of", [(), 4, "s32", hlsgen.s32, (hlsgen.s32, 0), (hlsgen.s32, 2.0), (hlsgen.s32, True)]
)
def test_an_annotation_that_is_none_is_refused(direction: Any, of: object) -> None:
    with pytest.raises(HlsgenError) as refusal:
        direction[of]
    assert len(str(refusal.value).splitlines()) == 3


@pytest.mark.parametrize("factor", [0, -1, 2.0, "2", None, True])
def test_a_factor_of_unrolling_that_is_none_is_refused(factor: Any) -> None:
    with pytest.raises(HlsgenError) as refusal:
        Unroll(o=factor)
    assert len(str(refusal.value).splitlines()) == 3


def test_every_public_name_is_in_the_tables() -> None:
    elements = {"s8", "s16", "s32", "u8", "u16", "u32"}
    others = {"Compiled", "In", "InOut", "Out", "__version__"}
    others |= {"list_boards", "list_fabrics", "list_operators"}  # without arguments
    functions = {name.removeprefix("hlsgen.") for name in FUNCTIONS if name.startswith("hlsgen.")}
    assert set(hlsgen.__all__) == functions | elements | others

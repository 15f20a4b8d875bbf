"""A new scalar operator and a new number format, as the lines that they add to the source, and copies of the source with them."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.source_tree import PACKAGES, ROOT


@dataclass(frozen=True)
class Addition:
    """``edits``: file of the repository -> (text that is there once, text in its place); ``check``: a program that uses what is new, in a
    folder of its own."""

    edits: Mapping[str, tuple[tuple[str, str], ...]]
    check: str

    @property
    def lines(self) -> int:
        """Lines added or changed."""
        return sum(
            line.startswith("+ ")
            for file in self.edits
            for line in difflib.ndiff(
                (ROOT / file).read_text("utf-8").splitlines(), self.changed(file).splitlines()
            )
        )

    def changed(self, file: str) -> str:
        """The text of a file with its edits."""
        text = (ROOT / file).read_text("utf-8")
        for old, new in self.edits[file]:
            assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        return text

    def write(self, folder: Path, without: Collection[str] = ()) -> Path:
        """The packages as they are installed, and the tests, in ``folder``, with the edits but for files ``without`` them."""
        ignored = shutil.ignore_patterns("__pycache__")
        for package in PACKAGES:
            inside = package if package == "hlsgen" else f"hlsgen/{package}"
            shutil.copytree(ROOT / package, folder / inside, ignore=ignored)
        shutil.copytree(ROOT / "tests", folder / "tests", ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        for file in self.edits:
            if file not in without:
                top = file.split("/")[0]
                inside = file if top in ("hlsgen", "tests") else f"hlsgen/{file}"
                (folder / inside).write_text(self.changed(file), "utf-8")
        (folder / "check.py").write_text(self.check, "utf-8")
        return folder


SCALAR_OPERATOR = Addition(
    edits={
        "hlsgen/algebra/scalar.py": (
            (
                "@dataclass(frozen=True)\nclass Clamp(ScalarOp):",
                '''@dataclass(frozen=True)
class AbsoluteDifference(ScalarOp):
    """|a - b|."""

    operands = 2

    def evaluate(self, xp: Any, *arrays: Any) -> Any:
        a, b = arrays
        return xp.abs(a - b)

    def result(self, *types: ElementType) -> ElementType:
        a, b = types
        return ElementType.holding(0, max(a.maximum - b.minimum, b.maximum - a.minimum, 0))


@dataclass(frozen=True)
class Clamp(ScalarOp):''',
            ),
            ("    Equal,\n    Clamp,\n", "    Equal,\n    AbsoluteDifference,\n    Clamp,\n"),
        ),
        "rtl_templates/arithmetic/scalar_units.py": (
            (
                "class Clamp(_Registered):",
                '''class AbsoluteDifference(_Registered):
    """|a - b|. **Timing**: 1 cycle. **Semantics**: scalar operator AbsoluteDifference."""

    def compute(self) -> Value:
        a, b = self.operand(0), self.operand(1)
        return Mux(a > b, a - b, b - a)


class Clamp(_Registered):''',
            ),
            (
                "        Equal,\n        Clamp,\n",
                "        Equal,\n        AbsoluteDifference,\n        Clamp,\n",
            ),
        ),
        "rtl_templates/contract.py": (
            (
                "import (\n    Add,\n    Clamp,\n",
                "import (\n    AbsoluteDifference,\n    Add,\n    Clamp,\n",
            ),
            (
                "case Add() | Subtract() | Maximum() | Minimum() | Equal():",
                "case Add() | Subtract() | Maximum() | Minimum() | Equal() | AbsoluteDifference():",
            ),
        ),
        "hlsgen/cost/operators.py": (
            (
                "    scalar.Equal.__name__: _equal,\n",
                "    scalar.Equal.__name__: _equal,\n"
                "    scalar.AbsoluteDifference.__name__: _larger,\n",
            ),
        ),
        "tests/house/test_operator_rows.py": (
            ("    scalar.Equal(),\n", "    scalar.Equal(),\n    scalar.AbsoluteDifference(),\n"),
        ),
        "tests/rtl_templates/test_scalar_units.py": (
            ("    SCALAR_OPS,\n    Add,\n", "    SCALAR_OPS,\n    AbsoluteDifference,\n    Add,\n"),
            (
                "    (Equal(), (S5, S5)),\n",
                "    (Equal(), (S5, S5)),\n    (AbsoluteDifference(), (S8, U8)),\n",
            ),
        ),
    },
    check='''
"""All pairs of s8 through Verilog: interpreted, priced, scheduled, emitted, simulated."""
from pathlib import Path

import numpy as np

from hlsgen.algebra.scalar import AbsoluteDifference
from hlsgen.algebra.types import S8, U8
from hlsgen.artefact.digest import sha256
from hlsgen.board import load_board
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.interpret import interpret
from hlsgen.rtl.emit import emit
from hlsgen.rtl.verilog import to_verilog
from hlsgen.schedule.stream_network.cost import schedule_cost, total_cost
from hlsgen.schedule.stream_network.options import StreamOptions
from hlsgen.schedule.stream_network.solver import schedule
from hlsgen.verify.executables import build_executable
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator

from dataclasses import replace

build = DataflowBuilder("pairs")
operands = [build.input(name, (256, 256, 1), S8) for name in "ab"]
build.output(build.elementwise("difference", operands, AbsoluteDifference(), U8))
flow = build.build()
a, b = (axis[None, :, :, None] for axis in np.mgrid[-128:128, -128:128])
meaning = interpret(flow, dict(zip(flow.inputs, (a, b), strict=True)))[flow.outputs[0]]
assert np.array_equal(meaning, np.where(a > b, a - b, b - a))
plan = schedule(flow, load_board("icebreaker"), StreamOptions())
assert total_cost(schedule_cost(plan, "ice40")).lut > 16
design = emit(plan)
verilog = to_verilog(design).encode()
Path("design.v").write_bytes(verilog)
manifest = replace(design.manifest, files={"design.v": sha256(verilog)})
program = build_executable(Path("."), manifest, find_simulator(), "fast")
values = {
    port.value: operand.reshape(1, *port.tensor_shape)
    for port, operand in zip(manifest.inputs, (a, b), strict=True)
}
done = simulate(program, "fast", manifest, values, 1, "random", 0)
(results,) = done.outputs.values()
assert not done.violations and np.array_equal(results.reshape(-1), meaning.reshape(-1))
print("exact")
''',
)

NUMBER_FORMAT = Addition(
    edits={
        "hlsgen/frontend/sessions.py": (
            (
                "    levels = onnxruntime.GraphOptimizationLevel\n",
                "    _make_readable(changed, outputs)\n"
                "    levels = onnxruntime.GraphOptimizationLevel\n",
            ),
            (
                "def first_line(",
                '''def _make_readable(model: onnx.ModelProto, outputs: Sequence[str]) -> None:
    """Values of 4 bits, which NumPy does not have, as floats of the same numbers: dequantised in steps of 1."""
    import onnx

    graph = model.graph
    narrow = {tensor.name for tensor in graph.initializer if tensor.data_type in (21, 22)}
    made = [n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[2] in narrow]
    for name in (node.output[0] for node in made if node.output[0] in outputs):
        for node in graph.node:
            for names in (node.input, node.output):
                names[:] = [f"{each}_narrow" if each == name else each for each in names]
        one = onnx.helper.make_tensor(f"{name}_one", onnx.TensorProto.FLOAT, (), [1.0])
        graph.initializer.append(one)
        operands = [f"{name}_narrow", one.name]
        graph.node.append(onnx.helper.make_node("DequantizeLinear", operands, [name]))


def first_line(''',
            ),
        ),
    },
    check='''
"""A network of uint4 activations and int4 weights on both schedules, against ONNX Runtime."""
import numpy as np
import onnx
from onnx import TensorProto, helper

import hlsgen

random = np.random.default_rng(0)
kinds = {"u4": TensorProto.UINT4, "s4": TensorProto.INT4, "f": TensorProto.FLOAT}


def constant(name, values, kind="f"):
    shape, flat = np.shape(values), np.asarray(values).reshape(-1).tolist()
    constants.append(helper.make_tensor(name, kinds[kind], shape, flat))


constants = []
constant("xs", 0.125)
constant("xz", 7, "u4")
constant("w", random.integers(-8, 8, (5, 3, 3, 3)), "s4")
constant("ws", 0.0625)
constant("wz", 0, "s4")
constant("ys", 0.25)
constant("yz", 5, "u4")
nodes = [
    helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
    helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
    helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"]),
    helper.make_node("Conv", ["xd", "wd"], ["c"], pads=[1, 1, 1, 1]),
    helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["yq"]),
    helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["y"]),
]
graph = helper.make_graph(
    nodes,
    "four_bits",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 6, 6])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5, 6, 6])],
    constants,
)
opsets = [helper.make_opsetid("", 21)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
onnx.checker.check_model(model)
samples = {"x": random.normal(0, 0.5, (8, 3, 6, 6)).astype(np.float32)}
for options, engine in (({"board": "icebreaker"}, "fast"), ({"schedule": "grid"}, "cocotb")):
    design = hlsgen.compile(model, **options)
    assert "u4" in (design.directory / "integer.txt").read_text()
    result = design.verify(samples, samples=2, engine=engine)
    assert result.good and result.mismatches == 0, result
    # scales are powers of two, so that ONNX Runtime's floats are exact
    assert result.ort_mismatches == 0, result
print("exact")
''',
)

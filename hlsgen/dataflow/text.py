"""The text form of a Dataflow, which parses back; the stores' values travel beside it as arrays (an npz mapping).

::

    dataflow digits
    channel x 8x8x1 s8
    store conv1_weights 1x4x3x3x1 s8
    process conv1
      loops y=8 x=8 g=1 o=4 | ky=3 kx=3 i=1
      read x[y + ky - 1, x + kx - 1, g + i] outside -3
      read conv1_weights[g, o, ky, kx, i]
      write conv1_out[y, x, 4*g + o]
      step MultiplyAccumulate(accumulator=s17)
      finish ScaledByShift(op=RequantiseMultiplyShift(shift=16, low=-128, high=127), multiplier=77, rounding=r2)
    input x
    output conv1_out
    state kept h 0
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Operand, expression_text, read_expression
from hlsgen.algebra.scalar import SCALAR_OPS, ScalarOp
from hlsgen.algebra.types import ElementType
from hlsgen.dataflow.ir import (
    Channel,
    Dataflow,
    Elementwise,
    Finish,
    Loop,
    Process,
    Read,
    StateChannel,
    Step,
    Store,
    Write,
)
from hlsgen.errors import BadFile, TypeMismatch

_OPS = {op.__name__: op for op in SCALAR_OPS}
_WRONG = (ValueError, KeyError, IndexError, SyntaxError, TypeError, TypeMismatch)
"""What reading a wrong text can raise."""
_STEPS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Step)}
_FINISHES: dict[str, Any] = {kind.__name__: kind for kind in get_args(Finish)}


def to_text(dataflow: Dataflow) -> str:
    """The text form; ``store_arrays`` gives what is not in it."""
    lines = [f"dataflow {dataflow.name}"]
    for channel in dataflow.channels.values():
        lines.append(f"channel {channel.name} {_shape_text(channel.shape)} {channel.element}")
    for store in dataflow.stores.values():
        lines.append(
            f"store {store.name} {_shape_text(store.values.shape)} {store.element}{' loadable' * store.loadable}"
        )
    for process in dataflow.processes:
        lines += _process_lines(process)
    lines += [f"input {name}" for name in dataflow.inputs]
    lines += [f"output {name}" for name in dataflow.outputs]
    lines += [f"state {state.written} {state.read} {state.initial}" for state in dataflow.states]
    return "\n".join(lines) + "\n"


def store_arrays(dataflow: Dataflow) -> dict[str, np.ndarray]:
    """The stores' values by name, as ``numpy.savez`` takes them."""
    return {store.name: store.values for store in dataflow.stores.values()}


def _shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(str(extent) for extent in shape)


def _process_lines(process: Process) -> list[str]:
    parallel = " ".join(f"{loop.name}={loop.extent}" for loop in process.loops if not loop.reduce)
    reduce = " ".join(f"{loop.name}={loop.extent}" for loop in process.loops if loop.reduce)
    lines = [f"process {process.name}", f"  loops {parallel} | {reduce}"]
    for read in process.reads:
        outside = "" if read.outside is None else f" outside {read.outside}"
        lines.append(f"  read {read.source}{_index_text(read.index)}{outside}")
    lines.append(f"  write {process.write.channel}{_index_text(process.write.index)}")
    lines += [f"  step {_kind_text(process.step)}", f"  finish {_kind_text(process.finish)}"]
    return lines


def _kind_text(kind: Step | Finish) -> str:
    """E.g. ``KeepMaximum(accumulator=s8, init=-128)``: the fields that differ from what is assumed."""
    if isinstance(kind, Elementwise):
        return f"Elementwise({expression_text(kind.expression)})"
    given = [(field, getattr(kind, field.name)) for field in dataclasses.fields(kind)]
    parts = [f"{f.name}={_field_text(value)}" for f, value in given if value != f.default]
    return f"{type(kind).__name__}({', '.join(parts)})"


def _field_text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({''.join(f'{_field_text(part)}, ' for part in value).rstrip()})"
    if isinstance(value, Operand):
        return value.name
    if isinstance(value, ScalarOp):
        return f"{value.name}({', '.join(f'{name}={v}' for name, v in value.parameters)})"
    return str(value)


def _index_text(index: tuple[Affine, ...]) -> str:
    return f"[{', '.join(affine_text(affine) for affine in index)}]"


def affine_text(affine: Affine) -> str:
    """E.g. ``2*y + ky - 1``."""
    parts = [name if c == 1 else f"{c}*{name}" for name, c in affine.terms]
    if affine.offset or not parts:
        parts.append(str(affine.offset))
    return " + ".join(parts).replace("+ -", "- ")


def parse(text: str, stores: Mapping[str, np.ndarray]) -> Dataflow:
    """The Dataflow whose text form and store arrays these are; raises BadFile with the line that is wrong.

    The result is not checked for legality: see ``check``.
    """
    return _Parser(stores).parse(text)


class _Parser:
    def __init__(self, stores: Mapping[str, np.ndarray]) -> None:
        self.arrays = stores
        self.name = ""
        self.channels: dict[str, Channel] = {}
        self.stores: dict[str, Store] = {}
        self.processes: list[dict[str, list[str]]] = []
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.states: list[StateChannel] = []

    def parse(self, text: str) -> Dataflow:
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            try:
                self._line(line)
            except _WRONG as error:
                raise BadFile(
                    f"dataflow text, line {number}",
                    f"expected the text form of a dataflow, found {line.strip()!r} ({error})",
                    "Print the dataflow again with hlsgen.dataflow.text.to_text.",
                ) from error
        try:
            processes = tuple(_process(fields) for fields in self.processes)
        except _WRONG as error:
            raise BadFile(
                "dataflow text",
                f"expected complete processes, found {error!r}",
                "Print the dataflow again with hlsgen.dataflow.text.to_text.",
            ) from error
        return Dataflow(
            self.name,
            self.channels,
            self.stores,
            processes,
            tuple(self.inputs),
            tuple(self.outputs),
            tuple(self.states),
        )

    def _line(self, line: str) -> None:
        keyword, rest = line.split(maxsplit=1)
        if line.startswith("  "):
            self.processes[-1].setdefault(keyword, []).append(rest)
            return
        match keyword:
            case "dataflow":
                self.name = rest
            case "channel":
                name, shape, element = rest.split()
                height, width, channels = (int(extent) for extent in shape.split("x"))
                self.channels[name] = Channel(
                    name, (height, width, channels), ElementType.parse(element)
                )
            case "store":
                name, shape, element, *mark = rest.split()
                if mark not in ([], ["loadable"]):
                    raise ValueError(f"unknown words {mark}")
                values = np.asarray(self.arrays[name], dtype=np.int64)
                if _shape_text(values.shape) != shape:
                    raise ValueError(f"the array is {_shape_text(values.shape)}")
                self.stores[name] = Store(name, values, ElementType.parse(element), bool(mark))
            case "process":
                self.processes.append({"name": [rest]})
            case "input":
                self.inputs.append(rest)
            case "output":
                self.outputs.append(rest)
            case "state":
                written, read, initial = rest.split()
                self.states.append(StateChannel(written, read, int(initial)))
            case _:
                raise ValueError(f"unknown keyword {keyword}")


def _process(fields: Mapping[str, list[str]]) -> Process:
    parallel, reduce = fields["loops"][0].split("|")
    loops = [_loop(loop, False) for loop in parallel.split()]
    loops += [_loop(loop, True) for loop in reduce.split()]
    channel, index, _ = _access(fields["write"][0])
    return Process(
        fields["name"][0],
        tuple(loops),
        tuple(Read(*_access(read)) for read in fields.get("read", [])),
        Write(channel, index),
        _kind(_STEPS, fields["step"][0]),
        _kind(_FINISHES, fields["finish"][0]),
    )


def _kind(kinds: Mapping[str, Any], text: str) -> Any:
    match ast.parse(text.strip(), mode="eval").body:
        case ast.Call(func=ast.Name(id="Elementwise"), args=[tree], keywords=[]):
            return kinds["Elementwise"](read_expression(tree))
        case ast.Call(func=ast.Name(id=name), args=[], keywords=given):
            return kinds[name](**{str(part.arg): _field(part.value) for part in given})
    raise ValueError(f"expected one of {', '.join(kinds)}")


def _field(node: ast.expr) -> Any:
    match node:
        case ast.Tuple(elts=parts):
            return tuple(_field(part) for part in parts)
        case ast.Name(id=name):
            return Operand(name) if re.fullmatch(r"r\d+", name) else ElementType.parse(name)
        case ast.Call(func=ast.Name(id=name), args=[], keywords=given):
            return _OPS[name](**{str(part.arg): ast.literal_eval(part.value) for part in given})
    return ast.literal_eval(node)


def _loop(text: str, reduce: bool) -> Loop:
    name, extent = text.split("=")
    return Loop(name, int(extent), reduce)


def _access(text: str) -> tuple[str, tuple[Affine, ...], int | None]:
    match = re.fullmatch(r"(\w+)\[(.*)\](?: outside (-?\d+))?", text)
    if match is None:
        raise ValueError(f"no access: {text}")
    indices = tuple(parse_affine(index) for index in match[2].split(",")) if match[2] else ()
    return match[1], indices, None if match[3] is None else int(match[3])


def parse_affine(text: str) -> Affine:
    """The Affine whose text form is ``text``; raises ValueError for any other text."""
    offset, terms = 0, []
    for term in text.replace("- ", "+ -").split("+"):
        summand = term.strip()
        if re.fullmatch(r"-?\d+", summand):
            offset += int(summand)
        elif match := re.fullmatch(r"(?:(-?\d+)\*)?(\w+)", summand):
            terms.append((match[2], int(match[1] or 1)))
        elif summand:
            raise ValueError(f"no affine term: {summand}")
    return Affine(offset, tuple(terms))

"""The text form of a StreamSchedule; it refers to a dataflow and parses back together with it.

::

    schedule interval=768 latency=901
    array "conv1" x=1 g=1 o=4 ky=1 kx=3 i=1 finish_lanes=1 finish_interval=1 multiplier=dsp finish_multiplier=lut adders_in_a_row=1
    buffer "image" -> "conv1" read=0 lanes=1 depth=96
    input "image" lanes=1
    output "scores" lanes=1
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TypeVar

from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadFile
from hlsgen.schedule.stream_network.candidates import ARRAY_KINDS, KINDS
from hlsgen.schedule.stream_network.ir import ArrayKind, ArrayPlan, BufferPlan, StreamSchedule

Kind = TypeVar("Kind", bound=ArrayKind)

_LINE = re.compile(
    r'(schedule|array|buffer|input|output)((?: (?:->|"(?:[^"\\]|\\.)*"))*)((?: \w+=\w+)*)'
)
_NAME = re.compile(r'"(?:[^"\\]|\\.)*"')


def to_text(schedule: StreamSchedule) -> str:
    """The text of a schedule, without its dataflow."""
    lines = [f"schedule interval={schedule.interval} latency={schedule.latency}"]
    for plan in schedule.arrays.values():
        fields = {**dataclasses.asdict(plan), **dataclasses.asdict(plan.unroll)}
        order = (*Unroll.__dataclass_fields__, *list(ArrayPlan.__dataclass_fields__)[2:])
        values = " ".join(f"{name}={fields[name]}" for name in order)
        lines.append(f"array {json.dumps(plan.process)} {values}")
    for buffer in schedule.buffers:
        lines.append(
            f"buffer {json.dumps(buffer.channel)} -> {json.dumps(buffer.process)}"
            f" read={buffer.read} lanes={buffer.lanes} depth={buffer.depth}{' single_port=1' * buffer.single_port}"
        )
    for kind, ports in (("input", schedule.input_lanes), ("output", schedule.output_lanes)):
        lines += [f"{kind} {json.dumps(name)} lanes={lanes}" for name, lanes in ports.items()]
    return "\n".join(lines) + "\n"


def parse(text: str, dataflow: Dataflow) -> StreamSchedule:
    """The schedule of a text, for the dataflow it was made from. Raises BadFile naming the line."""
    arrays: dict[str, ArrayPlan] = {}
    buffers: list[BufferPlan] = []
    ports: dict[str, dict[str, int]] = {"input": {}, "output": {}}
    head: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        try:
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError("no line of a schedule")
            kind = match[1]
            names = [json.loads(name) for name in _NAME.findall(match[2])]
            fields = dict(field.split("=") for field in match[3].split())
            if kind == "schedule":
                head = fields
            elif kind == "array":
                arrays[names[0]] = _array(names[0], fields)
            elif kind == "buffer":
                integers = {name: int(value) for name, value in fields.items()}
                single = bool(integers.pop("single_port", 0))
                buffers.append(BufferPlan(names[0], names[1], **integers, single_port=single))
            else:
                ports[kind][names[0]] = int(fields["lanes"])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise BadFile(
                f"schedule text, line {number}",
                f"expected a line of a schedule, found {line!r} ({error})",
                "Use the text that 'hlsgen compile --dump' wrote.",
            ) from None
    return StreamSchedule(
        dataflow,
        arrays,
        tuple(buffers),
        ports["input"],
        ports["output"],
        int(head.get("interval", 0)),
        int(head.get("latency", 0)),
    )


def _array(process: str, fields: dict[str, str]) -> ArrayPlan:
    factors = {name: int(fields.pop(name)) for name in Unroll.__dataclass_fields__}
    lanes, interval = (int(fields.pop(name)) for name in ("finish_lanes", "finish_interval"))
    array = _kind(fields.pop("multiplier"), ARRAY_KINDS)
    finish = _kind(fields.pop("finish_multiplier"), KINDS)
    in_a_row = int(fields.pop("adders_in_a_row"))
    if fields:
        raise ValueError(f"unknown: {', '.join(fields)}")
    return ArrayPlan(process, Unroll(**factors), lanes, interval, array, finish, in_a_row)


def _kind(text: str, kinds: tuple[Kind, ...]) -> Kind:
    for kind in kinds:
        if kind == text:
            return kind
    raise ValueError(f"multipliers of kind {text}")

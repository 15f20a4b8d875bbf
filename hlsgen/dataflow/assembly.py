"""Processes that put tensors together, or values around one: they read every channel, and what lies outside of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.scalar import Maximum
from hlsgen.dataflow.builder import DataflowBuilder
from hlsgen.dataflow.ir import Elementwise, Finish, Loop, Pass, Plain, Process, Read, Write


def assemble(
    builder: DataflowBuilder,
    name: str,
    parts: Sequence[tuple[str, tuple[int, int, int]]],
    shape: tuple[int, int, int],
    value: int | None,
    constant: np.ndarray | None,
) -> str:
    """A channel of ``shape`` that holds each part (channel, start) from its start on, as far as it goes.

    Elsewhere it holds ``value`` or, where there are several parts or a ``constant``, what ``constant`` (of ``shape``) has there. Parts do not
    overlap, and a constant has the least number of the type where there is a part: the greatest of all reads is the element.
    """
    element = builder.channels[parts[0][0]].element
    several = len(parts) > 1 or constant is not None
    outside = element.minimum if several or value is None else value
    reads = [
        Read(
            channel,
            tuple(Affine(-at, ((n, 1),)) for n, at in zip("yxg", start, strict=True)),
            outside,
        )
        for channel, start in parts
    ]
    if constant is not None:
        index = tuple(Affine(0, ((loop, 1),)) for loop in ("y", "x", "g"))
        reads.append(Read(builder.store(f"{name}_constant", constant), index))
    greatest: Expression = Operand("r0")
    for number in range(1, len(reads)):
        greatest = Call(Maximum(), (greatest, Operand(f"r{number}")))
    finish: Finish = Elementwise(greatest) if len(reads) > 1 else Plain()
    process = builder.unique(name)
    target = builder.channel(f"{name}_out", shape, element)
    loops = [Loop(n, extent) for n, extent in zip("yxg", shape, strict=True)]
    loops += [Loop("o", 1), *(Loop(n, 1, reduce=True) for n in ("ky", "kx", "i"))]
    written = tuple(Affine(0, terms) for terms in ((("y", 1),), (("x", 1),), (("g", 1), ("o", 1))))
    write = Write(target, written)
    return builder.process(Process(process, tuple(loops), tuple(reads), write, Pass(), finish))

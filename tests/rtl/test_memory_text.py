"""Memories in RTLIL: the text that Amaranth gives, made by rows."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Shape, Signal, signed, unsigned
from amaranth.lib.memory import Memory

from hlsgen.rtl.memory_text import memories_by_rows


def converted(shape: Shape, depth: int, init: list[int]) -> str:
    m = Module()
    m.submodules.memory = memory = Memory(shape=shape, depth=depth, init=init)
    write, read = memory.write_port(), memory.read_port()
    taken = Signal(shape, name="taken")
    m.d.comb += [taken.eq(read.data), write.data.eq(read.data), read.en.eq(1)]
    ports: dict[str, Any] = {"taken": (taken, None), "address": (read.addr, None)}
    return str(rtlil.convert(m, name="top", ports=ports, emit_src=False))


@pytest.mark.parametrize(
    ("shape", "depth", "init"),
    [
        (unsigned(8), 4, [1, 2, 255, 0]),
        (unsigned(1), 3, [1, 0, 1]),
        (signed(5), 4, [-1, -16, 15]),
        (unsigned(70), 2, [(1 << 70) - 1, 1 << 69]),
        (unsigned(3), 1, []),
    ],
)
def test_contents_of_memories_are_the_text_that_amaranth_gives(
    shape: Shape, depth: int, init: list[int]
) -> None:
    usual = converted(shape, depth, init)
    with memories_by_rows():
        by_rows = converted(shape, depth, init)
    assert "$meminit_v2" in usual
    assert by_rows == usual
    assert converted(shape, depth, init) == usual

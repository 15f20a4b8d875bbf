"""The text form of a schedule parses back to the same schedule."""

from __future__ import annotations

import pytest

from hlsgen.algebra.unroll import Unroll
from hlsgen.dataflow.ir import Dataflow
from hlsgen.errors import BadFile
from hlsgen.schedule.stream_network.ir import ArrayPlan, BufferPlan, StreamSchedule
from hlsgen.schedule.stream_network.text import parse, to_text

EMPTY = Dataflow("net", {}, {}, (), (), ())


def test_a_schedule_survives_its_text() -> None:
    plan = StreamSchedule(
        EMPTY,
        {
            'a "b"': ArrayPlan('a "b"', Unroll(o=3, kx=2), 2, 1, "dsp", "lut"),
            "c": ArrayPlan("c", Unroll(x=2, g=4), 1, 8, "lut", "lut"),
        },
        (BufferPlan("x y", 'a "b"', 0, 1, 12), BufferPlan("t", "c", 1, 4, 7)),
        {"x y": 1},
        {"z": 2},
        768,
        901,
    )
    assert parse(to_text(plan), EMPTY) == plan


@pytest.mark.parametrize("line", ["nonsense", 'array "a" x=1', 'buffer "a" -> read=0', "input"])
def test_a_line_that_is_no_schedule_is_named(line: str) -> None:
    with pytest.raises(BadFile, match="line 2"):
        parse(f"schedule interval=1 latency=1\n{line}\n", EMPTY)

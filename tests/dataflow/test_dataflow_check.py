"""Every rule of the dataflow IR refuses a dataflow that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from support.example_nets import EXAMPLE_NETS, convolution_net, depthwise_net

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import Operand
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.dataflow.check import check
from hlsgen.dataflow.ir import (
    Channel,
    Dataflow,
    Elementwise,
    Loop,
    MultiplyAccumulate,
    Pass,
    Plain,
    Process,
    Read,
    Store,
)
from hlsgen.dataflow.text import parse, store_arrays, to_text
from hlsgen.errors import BadFile, HlsgenError, IllegalGraph


def with_first(dataflow: Dataflow, change: Callable[[Process], Process]) -> Dataflow:
    first, *others = dataflow.processes
    return replace(dataflow, processes=(change(first), *others))


def shifted_read(process: Process) -> Process:
    read, *others = process.reads
    index = (replace(read.index[0], offset=1), *read.index[1:])
    return replace(process, reads=(replace(read, index=index, outside=None), *others))


def column_major(process: Process) -> Process:
    y, x, c = process.write.index
    return replace(process, write=replace(process.write, index=(x, y, c)))


def with_accumulator(process: Process, element: ElementType) -> Process:
    assert not isinstance(process.step, Pass)
    return replace(process, step=replace(process.step, accumulator=element))


def parameter_by_row(process: Process) -> Process:
    read = Read("rows", (process.write.index[0],))
    finish = Plain(Operand("r2"))
    return replace(process, reads=(*process.reads[:2], read), finish=finish)


def with_zeros(process: Process) -> Process:
    assert isinstance(process.step, MultiplyAccumulate)
    return replace(process, step=replace(process.step, zeros=(1, 0)))


BROKEN: dict[str, tuple[Callable[[Dataflow], Dataflow], str]] = {
    "reads outside": (lambda d: with_first(d, shifted_read), "index 0 of read 0"),
    "column-major write": (lambda d: with_first(d, column_major), "write"),
    "narrow accumulator": (
        lambda d: with_first(d, lambda p: with_accumulator(p, ElementType(9, True))),
        "an accumulator that holds",
    ),
    "wide result": (
        lambda d: with_first(d, lambda p: replace(p, finish=Plain())),
        "a result that fits s8",
    ),
    "finish reads by reduce loops": (
        lambda d: with_first(d, lambda p: replace(p, finish=Plain(Operand("r0")))),
        "by parallel loops only",
    ),
    "unknown operand": (
        lambda d: with_first(d, lambda p: replace(p, finish=Plain(Operand("r9")))),
        "operands of",
    ),
    "elementwise finish after a reduction": (
        lambda d: with_first(d, lambda p: replace(p, finish=Elementwise(Operand("acc")))),
        "a finish of acc; found Elementwise",
    ),
    "zeros beside a store": (
        lambda d: with_first(d, with_zeros),
        "zeros of channels only",
    ),
    "parameter by pixel": (
        lambda d: with_first(d, parameter_by_row),
        "parameters from stores by output channel; found rows as r2",
    ),
    "loop order": (
        lambda d: with_first(d, lambda p: replace(p, loops=p.loops[::-1])),
        "loops in the order",
    ),
    "extent 0": (
        lambda d: with_first(d, lambda p: replace(p, loops=(Loop("y", 0), *p.loops[1:]))),
        "extents above 0",
    ),
    "foreign loop": (
        lambda d: with_first(
            d,
            lambda p: replace(
                p, write=replace(p.write, index=(Affine(0, (("z", 1),)), *p.write.index[1:]))
            ),
        ),
        "distinct loops",
    ),
    "outside value": (
        lambda d: with_first(
            d, lambda p: replace(p, reads=(replace(p.reads[0], outside=200), *p.reads[1:]))
        ),
        "an outside value of s8",
    ),
    "order of processes": (lambda d: replace(d, processes=d.processes[::-1]), "written before"),
    "two producers": (
        lambda d: replace(d, processes=(*d.processes, replace(d.processes[-1], name="again"))),
        "one producer",
    ),
    "no producer": (
        lambda d: replace(d, channels={**d.channels, "orphan": Channel("orphan", (1, 1, 1), S8)}),
        "a producer",
    ),
    "double name": (
        lambda d: with_first(d, lambda p: replace(p, name=d.processes[1].name)),
        "expected one use",
    ),
    "name": (lambda d: replace(d, name="a b"), "an identifier"),
    "store values": (
        lambda d: replace(d, stores={**d.stores, "extra": Store("extra", np.array([-1]), U8)}),
        "values of u8",
    ),
}


@pytest.mark.parametrize("net", EXAMPLE_NETS)
def test_examples_are_legal(net: Callable[[], Dataflow]) -> None:
    check(net())


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_rule_is_named(rule: str) -> None:
    change, message = BROKEN[rule]
    legal = convolution_net()
    legal = replace(legal, stores={**legal.stores, "rows": Store("rows", np.arange(9), U8)})
    check(legal)
    with pytest.raises(HlsgenError, match=message):
        check(change(legal))


def test_accumulator_of_a_sum_must_hold_all_of_them() -> None:
    dataflow = depthwise_net()
    narrow = tuple(
        with_accumulator(p, ElementType(9, True)) if p.name == "mean" else p
        for p in dataflow.processes
    )
    with pytest.raises(IllegalGraph, match="-512 to 508"):
        check(replace(dataflow, processes=narrow))


@pytest.mark.parametrize("net", EXAMPLE_NETS)
def test_text_form_parses_back(net: Callable[[], Dataflow]) -> None:
    dataflow = net()
    parsed = parse(to_text(dataflow), store_arrays(dataflow))
    assert parsed.processes == dataflow.processes
    assert parsed.channels == dataflow.channels
    assert (parsed.inputs, parsed.outputs) == (dataflow.inputs, dataflow.outputs)
    for name, store in dataflow.stores.items():
        assert np.array_equal(parsed.stores[name].values, store.values)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("channel x 6x5x3", "channel x 6x5"),
        ("store conv1_weights 1x5", "store conv1_weights 2x5"),
        ("  step MultiplyAccumulate(", "  step Multiply("),
        ("accumulator", "accumulate"),
        ("accumulator=s", "accumulator=i"),
        ("channel x 6x5x3 s8", "channel x 6x5x3 int8"),
        ("low=-128", "low=128"),
        ("  step MultiplyAccumulate(", "  step Plain("),
        ("input x", "entrance x"),
        ("y + ky - 1", "y * y"),
    ],
)
def test_wrong_text_is_refused(old: str, new: str) -> None:
    dataflow = convolution_net()
    text = to_text(dataflow)
    assert old in text
    with pytest.raises(BadFile, match="dataflow text"):
        parse(text.replace(old, new, 1), store_arrays(dataflow))

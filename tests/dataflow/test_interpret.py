"""The interpreter equals the definition at the top of ir.py, executed literally, one element at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from support.example_nets import EXAMPLE_NETS, random_inputs

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.expression import operand_names
from hlsgen.dataflow import interpret as interpreter
from hlsgen.dataflow.finish import finish_expression
from hlsgen.dataflow.interpret import evaluate_expression, interpret, interpret_process
from hlsgen.dataflow.ir import (
    Accumulate,
    Dataflow,
    KeepMaximum,
    MultiplyAccumulate,
    Pass,
    Process,
    Read,
)
from hlsgen.errors import TypeMismatch


def value_at(source: np.ndarray, read: Read, position: Mapping[str, int]) -> np.ndarray:
    index = tuple(affine.at(position) for affine in read.index)
    inside = all(0 <= i < n for i, n in zip(index, source.shape, strict=True))
    if not inside:
        assert read.outside is not None
        return np.asarray(read.outside)
    return np.asarray(source[index])


def run_literally(dataflow: Dataflow, process: Process, values: dict[str, np.ndarray]) -> None:
    """One process for one sample, by its definition."""
    sources = [
        values[read.source]
        if read.source in dataflow.channels
        else dataflow.stores[read.source].values
        for read in process.reads
    ]
    parallel = [loop for loop in process.loops if not loop.reduce]
    reduce = [loop for loop in process.loops if loop.reduce]
    target = np.zeros(dataflow.channels[process.write.channel].shape, dtype=np.int64)
    finish = finish_expression(process)

    def operand(number: int, position: Mapping[str, int]) -> np.ndarray:
        return value_at(sources[number], process.reads[number], position)

    for outer in product(*(range(loop.extent) for loop in parallel)):
        position = {loop.name: v for loop, v in zip(parallel, outer, strict=True)}
        acc = np.asarray(0 if isinstance(process.step, Pass) else process.step.init)
        for inner in product(*(range(loop.extent) for loop in reduce)):
            at = {**position, **{loop.name: v for loop, v in zip(reduce, inner, strict=True)}}
            match process.step:
                case MultiplyAccumulate():
                    acc = acc + operand(0, at) * operand(1, at)
                case Accumulate():
                    acc = acc + operand(0, at)
                case KeepMaximum():
                    acc = np.maximum(acc, operand(0, at))
        reads = {name: operand(int(name[1:]), position) for name in operand_names(finish) - {"acc"}}
        result = evaluate_expression(finish, {"acc": acc, **reads})
        target[tuple(index.at(position) for index in process.write.index)] = result
    values[process.write.channel] = target


@pytest.mark.parametrize("net", EXAMPLE_NETS)
def test_interpreter_equals_the_definition(net: Callable[[], Dataflow]) -> None:
    dataflow = net()
    inputs = random_inputs(dataflow, 1)
    values = {name: array[0] for name, array in inputs.items()}
    for process in dataflow.processes:
        run_literally(dataflow, process, values)
    results = interpret(dataflow, inputs)
    for name in dataflow.channels:
        assert np.array_equal(results[name][0], values[name]), name


def without_loops_of_one(process: Process) -> Process:
    """The same process: a loop of extent 1 says nothing."""
    kept = tuple(loop for loop in process.loops if loop.extent > 1)
    names = {loop.name for loop in kept}

    def index(affine: Affine) -> Affine:
        return Affine(affine.offset, tuple(term for term in affine.terms if term[0] in names))

    return replace(
        process,
        loops=kept,
        reads=tuple(replace(r, index=tuple(map(index, r.index))) for r in process.reads),
        write=replace(process.write, index=tuple(map(index, process.write.index))),
    )


@pytest.mark.parametrize("net", EXAMPLE_NETS)
def test_loops_of_extent_one_may_be_left_out(net: Callable[[], Dataflow]) -> None:
    dataflow = net()
    inputs = random_inputs(dataflow, 2)
    values = interpret(dataflow, inputs)
    for process in dataflow.processes:
        bare = without_loops_of_one(process)
        if not any(not loop.reduce for loop in bare.loops):
            continue
        result = interpret_process(dataflow, bare, values)
        assert np.array_equal(result, values[process.write.channel]), process.name


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    dataflow = EXAMPLE_NETS[1]()
    inputs = random_inputs(dataflow, 5)
    whole = interpret(dataflow, inputs)
    monkeypatch.setattr(interpreter, "_CHUNK", 50)
    parts = interpret(dataflow, inputs)
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("limit", [400, 4000])
def test_no_more_is_gathered_at_a_time_than_the_limit(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataflow = EXAMPLE_NETS[1]()
    inputs = random_inputs(dataflow, 60)
    gather, sizes = interpreter._gather, []

    def measured(*arguments: Any) -> np.ndarray:
        gathered = gather(*arguments)
        sizes.append(gathered.size)
        return gathered

    monkeypatch.setattr(interpreter, "_gather", measured)
    interpret(dataflow, inputs)
    assert max(sizes) > limit
    sizes.clear()
    monkeypatch.setattr(interpreter, "_CHUNK", limit)
    interpret(dataflow, inputs)
    assert limit / 4 < max(sizes) <= limit


def test_inputs_of_the_wrong_shape_range_or_name_are_refused() -> None:
    dataflow = EXAMPLE_NETS[0]()
    good = random_inputs(dataflow, 1)["x"]
    for bad in ({"y": good}, {"x": good[:, 1:]}, {"x": good * 0 + 200}, {"x": good * 0.5}):
        with pytest.raises(TypeMismatch, match="input x"):
            interpret(dataflow, bad)

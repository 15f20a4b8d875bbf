from typing import Any

import numpy as np
import pytest
from support.random_loop_graphs import inputs, random_graph

from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.loops.check import check
from hlsgen.loops.clean import clean
from hlsgen.loops.evaluate import evaluate
from hlsgen.loops.ir import Constant, Operation, Value
from hlsgen.loops.text import parse, to_text

HEAD = """loop_graph g s32
loop i 4
loop j 8
array a 32 s16 input
array c 4 s8 constant 5 6 7 8
array o 32 s32 output
"""


def cleaned(body: str, **options: Any) -> list[str]:
    graph = parse(HEAD + body)
    check(graph)
    result = clean(graph, **options)
    check(result)
    return [line for line in to_text(result).splitlines() if " = " in line or "order" in line]


def encodable_problem(operation: Operation) -> str:
    """Why one context cannot say the operation; "" if it can (docs/grid.md, PeContext)."""
    predicate = operation.predicate
    if isinstance(predicate, Value) and predicate.distance:
        return "carried predicate"
    if operation.operator not in WORD_OPERATORS:
        good = all(isinstance(o, Value) and not o.distance for o in operation.operands)
        return "" if good else "memory operand"
    carried = [o for o in operation.operands if isinstance(o, Value) and o.distance]
    constants = {o.value for o in operation.operands if isinstance(o, Constant)}
    constants |= {o.start for o in carried if o.start}
    if len(carried) > 1 or any(o.distance > 1 for o in carried):
        return "carried operands"
    if carried and operation.clear is not None and operation.clear.level != carried[0].level:
        return "two marks"
    return "two constants" if len(constants) > 1 else ""


@pytest.mark.parametrize("block", range(8))
def test_meaning_is_kept_on_random_graphs(block: int) -> None:
    smaller = 0
    for seed in range(block * 100, block * 100 + 100):
        graph = random_graph(seed)
        check(graph)
        arrays = inputs(seed)
        want = evaluate(graph, arrays)
        for options in ({}, {"accumulating": ()}, {"as_given": True}):
            result = clean(graph, **options)
            check(result)
            got = evaluate(result, arrays)
            for name, values in want.items():
                np.testing.assert_array_equal(got[name], values, f"seed {seed} {options} {name}")
            problems = {o.name: encodable_problem(o) for o in result.operations}
            assert not any(problems.values()), (seed, problems)
            if not options:
                smaller += len(result.operations) < len(graph.operations)
    assert smaller > 60


def test_product_summed_from_zero_becomes_multiply_accumulate() -> None:
    body = "x = load a[j]\np = multiply x x\ns = add p s@1(0, 1)\nw = store o[i] s when last 1\n"
    assert cleaned(body) == [
        "x = load a[j]",
        "s = multiply_accumulate x x clear first 1",
        "w = store o[i] s when last 1",
    ]
    assert len(cleaned(body, accumulating=())) == 4
    assert len(cleaned(body.replace("(0, 1)", "(1, 1)"))) == 4  # another start
    assert len(cleaned(body + "v = store o[i] p\n")) == 5  # the product is used


def test_running_maximum_becomes_maximum_accumulate() -> None:
    body = "x = load a[j]\ns = maximum s@1(-2147483648, 1) x\nw = store o[i] s when last 1\n"
    assert cleaned(body)[1] == "s = maximum_accumulate x clear first 1"


def test_constants_are_folded_through_tables_indices_and_predicates() -> None:
    body = (
        "k = add 1 1\nt = load c[0 + k % 4]\nf = less t 3\nx = load a[j]\ny = add x t if f\n"
        "z = select x 5 if f\nu = add y z\nw = store o[i] u\nv = store o[0] x if f\n"
    )
    assert cleaned(body) == ["w = store o[i] constant", "constant = move 5"]


def test_identities_and_common_subexpressions() -> None:
    body = (
        "x = load a[j]\ny = load a[j]\np = add x 3\nq = add 3 y\nd = subtract p q\n"
        "m = multiply p 1\nr = or m d\nw = store o[i] r\n"
    )
    assert cleaned(body) == ["x = load a[j]", "p = add x 3", "w = store o[i] p"]


def test_loads_of_a_written_array_are_not_merged() -> None:
    body = (
        "x = load o[j]\nn = add x 1\nw = store o[j] n\ny = load o[j]\nz = add x y\nv = store o[i] z\n"
        "order x -> w distance 0 delay 0\norder w -> y distance 0 delay 1\n"
        "order y -> v distance 0 delay 0\n"
    )
    assert sum("load" in line for line in cleaned(body)) == 2


def test_value_that_is_needed_later_with_another_start_stays() -> None:
    body = "k = move 5\nx = add k@1(1, 0) 2\nw = store o[j] x\n"
    assert cleaned(body) == [
        "k = move 5",
        "x = add k@1(1, 0) constant",
        "w = store o[j] x",
        "constant = move 2",
    ]


def test_start_and_constant_of_a_counter_keep_the_recurrence_short() -> None:
    body = "n = add n@1(5, 0) 1\nw = store o[j] n\n"
    assert cleaned(body)[0] == "n = add n@1(5, 0) constant"


def test_older_values_go_through_one_move_an_iteration_and_share_them() -> None:
    body = "x = load a[j]\ny = add x x@2(0, 0)\nz = add y x@3(0, 0)\nw = store o[j] z\n"
    assert cleaned(body) == [
        "x = load a[j]",
        "y = add x x_before@1(0, 0)",
        "z = add y x_before_before@1(0, 0)",
        "w = store o[j] z",
        "x_before = move x@1(0, 0)",
        "x_before_before = move x_before@1(0, 0)",
    ]


def test_graph_as_given_keeps_every_operation() -> None:
    body = "n = add n@1(0, 0) 1\ndead = equal n 64\nk = add 3 3\nw = store o[j] k\n"
    assert [line.split()[0] for line in cleaned(body, as_given=True)] == ["n", "dead", "k", "w"]

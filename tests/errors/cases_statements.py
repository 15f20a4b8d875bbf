"""Refusals of kernels' statements, loop graphs and mappings, of which no other test has a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from errors.messages import Case
from loops.python import test_kernel_refusals as language
from loops.python.test_kernel_refusals import body
from support.python_files import HEAD, kernel_of

from hlsgen.loops.check import check
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Kernel, LoopGraph
from hlsgen.loops.text import parse
from hlsgen.schedule.stream_kernel.pipeline import check_pipeline, schedule_pipeline

WIDE = "x: In[s32, 8], z: In[s32, 8, 8], y: Out[s32, 8]"
HELPER = "def helper(a, b):\n    return a + b\n\n"
PLAIN = "def helper(a, b=1):\n    return a + b\n\n"


def lowered(*lines: str, parameters: str = language.X, before: str = "") -> Case:
    source = body(*lines, parameters=parameters, before=before)
    return lambda folder: kernel_of(folder, source).lower()


def without_loops(*lines: str, parameters: str = language.X) -> Case:
    inner = "".join(f"    {line}\n" for line in lines)
    source = f"\n@hlsgen.kernel\ndef tried({parameters}) -> None:\n{inner}"
    return lambda folder: kernel_of(folder, source).lower()


def of_words(word: str, *lines: str, parameters: str) -> Case:
    source = body(*lines, parameters=parameters).replace(
        "@hlsgen.kernel", f"@hlsgen.kernel(word={word})"
    )
    return lambda folder: kernel_of(folder, source).lower()


def without_a_file(folder: Path) -> object:
    names: dict[str, object] = {}
    exec(HEAD + language.body("y[n] = x[n]"), names)
    return names["tried"].lower()  # type: ignore[attr-defined]


def scheduled(change: Callable[..., object], *lines: str) -> Case:
    source = body(*lines, parameters=WIDE)
    return lambda folder: change(kernel_of(folder, source))


def statement_cases() -> dict[str, Case]:
    two = ("for j in range(4):", "    y[j] = 1", "for k in range(4):", "    y[k] = 2")
    return {
        "a truth that is shifted": lowered("y[n] = (x[n] > 0) << 1"),
        "abs of a truth": lowered("y[n] = abs(x[n] > 0)"),
        "negation of a truth": lowered("y[n] = -(x[n] > 0)"),
        "an attribute that is assigned": lowered("y.size = 3"),
        "an element of a number": lowered("s = 1", "s[0] = 2", "y[n] = s"),
        "item of a list that varies": lowered("s = [0, 1]", "s[n] = 2", "y[n] = s[0]"),
        "arguments of a function": lowered("y[n] = helper(x[n])", before=HELPER),
        "function with default values": lowered("y[n] = helper(x[n])", before=PLAIN),
        "constants beyond words": lowered("y[n] = TABLE[n]", before="TABLE = [1 << 40, 2]\n"),
        "a row in place of a number": lowered("y[n] = z[n]", parameters=WIDE),
        "a list in place of a number": lowered("s = [1, 2]", "y[n] = s"),
        "a list of n items": lowered("s = [0] * n", "y[n] = s[0]"),
        "division of constants by 0": lowered("y[n] = x[n] + 1 // 0"),
        "an index of a number": lowered("s = x[n]", "y[n] = s[0]"),
        "length of a number": lowered("y[n] = len(5)"),
        "minimum of one": lowered("y[n] = min(x[n])"),
        "too few indices of a computed element": lowered(
            "z[x[n]] = 1", "y[n] = 1", parameters=WIDE.replace("In[s32, 8, 8]", "Out[s32, 8, 8]")
        ),
        "large array with a computed index": of_words(
            "s16", "y[n] = x[x[n]]", parameters="x: In[s16, 40000], y: Out[s16, 8]"
        ),
        "nothing written": lowered("s = x[n]", parameters="x: In[s32, 8]"),
        "no file": without_a_file,
        "a list that becomes a number": lowered(
            "for k in range(2):", "    s = [x[n], 1] if k else [2, 3]", "    y[n] = s[0]"
        ),
        "list that holds lists": without_loops(
            "s = [[1, 2], [3, 4]]",
            "for n in range(8):",
            "    s[0] = [x[n], 2]",
            "    y[n] = s[0][0]",
        ),
        "two loops in one": scheduled(lambda kernel: kernel.reorder("n", "j"), *two),
        "reorder of one loop twice": scheduled(lambda kernel: kernel.reorder("n", "n"), "y[n] = 1"),
        "name that is not ASCII": lowered(
            "y[n] = 1", parameters="größe: In[s32, 8], y: Out[s32, 8]"
        ),
    }


def checked(text: str, change: Callable[[LoopGraph], LoopGraph] = lambda graph: graph) -> Case:
    return lambda folder: check(change(parse(f"loop_graph g s32\n{text}\n")))


LOOP = "loop i 8\narray a 8 s32 input\narray o 8 s32 output\n"
COPY = f"{LOOP}x = load a[i]\nw = store o[i] x\n"


def operation(name: str, **changes: object) -> Callable[[LoopGraph], LoopGraph]:
    return lambda graph: replace(
        graph,
        operations=tuple(replace(o, **changes) if o.name == name else o for o in graph.operations),
    )


def arrays(**changes: object) -> Callable[[LoopGraph], LoopGraph]:
    return lambda graph: replace(
        graph, arrays=tuple(replace(a, **changes) if a.name == "a" else a for a in graph.arrays)
    )


def first_operand(**changes: object) -> Callable[[LoopGraph], LoopGraph]:
    def change(graph: LoopGraph) -> LoopGraph:
        store = graph.operation("w")
        return operation("w", operands=(replace(store.operands[0], **changes),))(graph)

    return change


def order(**changes: object) -> Callable[[LoopGraph], LoopGraph]:
    return lambda graph: replace(graph, orders=(replace(graph.orders[0], **changes),))


def graph_rule_cases() -> dict[str, Case]:
    ordered = f"{COPY}order x -> w distance 1 delay 0"
    indexed = f"{LOOP}n = affine [i]\nx = load a[0 + n]\nw = store o[i] x\n"
    return {
        "order of negative distance": checked(ordered, order(distance=-1)),
        "name of an array": checked(COPY, arrays(name="a b")),
        "no operations": checked(LOOP, lambda graph: replace(graph, operations=())),
        "array without extents": checked(COPY, arrays(shape=())),
        "constant without values": checked(COPY, arrays(role="constant")),
        "distance below 0": checked(COPY, first_operand(distance=-1)),
        "carried without a start": checked(COPY, first_operand(distance=1)),
        "load without an array": checked(COPY, operation("x", array=None)),
        "loops beside an index": checked(
            indexed,
            operation("x", address=parse(f"loop_graph g s32\n{COPY}\n").operation("x").address),
        ),
        "wrap without an index": checked(COPY, operation("x", wrap_bits=2)),
        "run: element outside": outside(
            f"{LOOP}x = load a[i]\nn = add x 5\nw = store o[0 + n] x\n"
        ),
        "run: load outside": outside(
            f"{LOOP}n = affine [i]\nm = add n 5\nx = load a[0 + m]\nw = store o[i] x\n"
        ),
        "pipeline: an operation without a time": timeless,
        "pipeline: a cycle": lambda folder: schedule_pipeline(
            parse("loop_graph bad s32\nloop n 4\na = add b 1\nb = xor a 2\n")
        ),
    }


def outside(text: str) -> Case:
    kernel = Kernel("k", (parse(f"loop_graph g s32\n{text}"),), "here")
    return lambda folder: evaluate_kernel(kernel, {"a": np.arange(8)})


def timeless(folder: Path) -> None:
    plan = schedule_pipeline(parse(f"loop_graph g s32\n{COPY}"))
    check_pipeline(replace(plan, times={"x": 0}))

"""Every rule of the loop graph refuses a graph that breaks it and no other rule."""

import pytest

from hlsgen.errors import HlsgenError, IllegalGraph, TypeMismatch, UnsupportedOp
from hlsgen.loops.check import check
from hlsgen.loops.text import parse

HEAD = "loop_graph g s32\nloop i 4\nloop j 8\narray a 32 s16 input\narray o 32 s32 output\n"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("x = load a[j]\nx = load a[i]", IllegalGraph, "x twice"),
        ("x = add y 1", IllegalGraph, "'y'"),
        ("x = cosine 1", UnsupportedOp, "cosine"),
        ("x = divide 1 2", UnsupportedOp, "divide"),
        ("x = add 1 2 3", IllegalGraph, "2 operands, found 3"),
        ("x = add 5000000000 2", TypeMismatch, "5000000000"),
        ("x = add x 1", IllegalGraph, "x -> x"),
        (
            "x = add y 1\ny = move z\nz = move x",
            IllegalGraph,
            "x -> z -> y -> x|z -> y -> x -> z|y -> x -> z -> y",
        ),
        ("x = move 1\ny = move x\norder y -> x distance 0 delay 0", IllegalGraph, "x -> y"),
        ("x = add x@1(0, 2) 1", IllegalGraph, "level below 2"),
        ("x = load a[8*i + j + 1]", IllegalGraph, "1 to 32"),
        ("x = load a[-1*i + 2]", IllegalGraph, "-1 to 2"),
        ("x = load a[17 + k % 16]\nk = move 1", IllegalGraph, "17 to 32"),
        ("x = load a[k]", IllegalGraph, "k"),
        ("x = load b[i]", IllegalGraph, "'?b"),
        ("x = store a[i] 1", IllegalGraph, "input"),
        ("x = store o[0 + k] 1 when last 1\nk = move 1", IllegalGraph, "when"),
        ("x = store o[8*i + j + 1] 1 partial", IllegalGraph, "partial"),
        ("x = move 1 partial", IllegalGraph, "partial"),
        ("x = load a[0 + k] partial\nk = move 1", IllegalGraph, "without an index"),
        ("x = multiply_accumulate 1 2", IllegalGraph, "clear mark"),
        ("x = add 1 2 clear first 1", IllegalGraph, "clear mark"),
        ("x = select 1 2", IllegalGraph, "predicate"),
        ("x = load a[i] if last 1", IllegalGraph, "predicate"),
        ("x = move 1 if first 3", IllegalGraph, "level 0 to 2"),
        ("x = store o[i] 1\ny = move x", IllegalGraph, "store x"),
        ("x = move 1\norder x -> y distance 0 delay 0", IllegalGraph, "'y'"),
        ("x = move 1\narray c 2 s8 constant 1 2 3", IllegalGraph, "2 values, found 3"),
        ("x = move 1\narray c 2 s8 constant 1 200", TypeMismatch, "1 to 200"),
        ("x = move 1\narray c 2 s40 input", TypeMismatch, "s40"),
        ("x = move 1\nloop k 0", IllegalGraph, "trip"),
        ("x = move 1\nloop k 1\nloop l 1\nloop m 1\nloop n 1\nloop o 1", IllegalGraph, "found 7"),
    ],
)
def test_broken_rule_is_named(body: str, kind: type[HlsgenError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        check(parse(HEAD + body + "\n"))
    assert str(caught.value).count("\n") == 2


def test_graph_at_the_limits_is_legal() -> None:
    body = (
        "x = load a[8*i + j]\ny = load a[16 + x % 16]\ns = add s@3(7, 1) y\nw = store o[31 - 1*j] s"
    )
    check(parse(HEAD + body.replace("31 - 1*j", "-1*j + 31") + "\n"))

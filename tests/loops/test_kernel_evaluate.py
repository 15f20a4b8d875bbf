"""The meaning of loop graphs against the same loops written in Python."""

import numpy as np
import pytest

from hlsgen.errors import IllegalGraph, TypeMismatch
from hlsgen.loops.check import check
from hlsgen.loops.evaluate import evaluate, evaluate_kernel
from hlsgen.loops.ir import Kernel
from hlsgen.loops.text import parse

MATRIX_VECTOR = """loop_graph matrix_vector s32
loop i 4
loop j 8
array a 4x8 s16 input
array v 8 s16 input
array y 4 s32 output
x = load a[8*i + j]
w = load v[j]
s = multiply_accumulate x w clear first 1
out = store y[i] s when last 1
"""


def run(text: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    graph = parse(text)
    check(graph)
    return evaluate(graph, arrays)


def test_matrix_times_vector() -> None:
    rng = np.random.default_rng(1)
    a, v = rng.integers(-(2**15), 2**15, (4, 8)), rng.integers(-(2**15), 2**15, 8)
    result = run(MATRIX_VECTOR, a=a, v=v)["y"]
    np.testing.assert_array_equal(result, a @ v)
    assert result.dtype == np.int32


def test_carried_value_restarts_at_its_loop_level_for_each_of_its_first_iterations() -> None:
    text = """loop_graph g s32
loop i 2
loop j 4
array o 2x4 s32 output
n = add n@1(9, 1) 1
late = move n@2(-1, 1)
once = move n@1(5, 0)
both = multiply late 100
sum = add both once
w = store o[4*i + j] sum
"""
    assert run(text)["o"].tolist() == [[-95, -90, 1011, 1112], [-87, -90, 1011, 1112]]


def test_histogram_reads_what_earlier_iterations_wrote() -> None:
    text = """loop_graph histogram s32
loop i 64
array data 64 u8 input
array h 16 s32 inout
k = load data[i]
c = load h[0 + k]
n = add c 1
w = store h[0 + k] n
order c -> w distance 0 delay 0
order w -> c distance 1 delay 1
"""
    data = np.random.default_rng(2).integers(0, 16, 64)
    start = np.arange(16)
    want = start + np.bincount(data, minlength=16)
    np.testing.assert_array_equal(run(text, data=data, h=start)["h"], want)


def test_predicates_select_and_false_operators_give_zero() -> None:
    text = """loop_graph g s16
loop i 4
array x 4 s16 input
array o 4 s16 output
array q 4 s16 output
v = load x[i]
small = less v 3
pick = select v 7 if small
w = store o[i] pick
part = add v 10 if small
w2 = store q[i] part if first 0
"""
    result = run(text, x=np.array([1, 5, 2, 3]))
    assert result["o"].tolist() == [1, 7, 2, 7]
    assert result["q"].tolist() == [11, 0, 0, 0]


def test_words_wrap_and_stores_cut_to_the_element() -> None:
    text = """loop_graph g s16
loop i 2
array o 2 s16 output
array b 2 u8 output
v = multiply 300 300
w = store o[i] v
w2 = store b[i] v
"""
    result = run(text)
    assert result["o"].tolist() == [90000 - 65536 - 0] * 2
    assert result["b"].tolist() == [90000 % 256] * 2


def test_index_wraps_and_last_store_stays() -> None:
    text = """loop_graph g s32
loop i 8
array o 4 s32 output
n = affine [i]
w = store o[0 + n % 4] n
"""
    assert run(text)["o"].tolist() == [4, 5, 6, 7]


def test_maximum_accumulates_from_its_first_operand() -> None:
    text = """loop_graph g s32
loop i 2
loop j 4
array x 2x4 s32 input
array o 2 s32 output
v = load x[4*i + j]
m = maximum_accumulate v clear first 1
w = store o[i] m when last 1
"""
    x = np.array([[-5, -3, -9, -4], [2, 1, 8, 0]])
    assert run(text, x=x)["o"].tolist() == [-3, 8]


def test_accumulator_keeps_its_sum_where_its_predicate_is_false_and_gives_zero() -> None:
    text = """loop_graph g s32
loop i 6
array x 6 s32 input
array o 6 s32 output
v = load x[i]
s = multiply_accumulate v 10 if v clear first 0
w = store o[i] s
"""
    assert run(text, x=np.array([1, 2, 3, 4, 4, 5]))["o"].tolist() == [10, 0, 40, 0, 0, 90]


def test_step_by_step_equals_all_at_once() -> None:
    """A recurrence around operators forces the slow way; cutting it again must not change the values."""
    body = """loop_graph g s32
loop i 40
array x 40 s32 input
array o 40 s32 output
v = load x[i]
a = shift_right v 3
b = shift_left a{edge} 2
c = xor b v
d = minimum c a
e = select d c if v
f = subtract e 1 if last 0
g = add e f
w = store o[i] g
"""
    x = np.random.default_rng(3).integers(-(2**31), 2**31, 40)
    fast = run(body.format(edge=""), x=x)["o"]
    ring = body.replace(
        "a = shift_right v 3", "z = and g@1(0, 0) 0\nu = or v z\na = shift_right u 3"
    )
    np.testing.assert_array_equal(run(ring.format(edge=""), x=x)["o"], fast)
    assert len(set(fast.tolist())) > 20


def test_kernel_passes_arrays_from_graph_to_graph() -> None:
    first = parse(
        "loop_graph one s32\nloop i 4\narray t 4 s32 scratch\nn = affine [3*i]\nw = store t[i] n\n"
    )
    second = parse(
        "loop_graph two s32\nloop i 4\narray t 4 s32 scratch\narray o 4 s32 output\n"
        "v = load t[i]\nd = add v v\nw = store o[i] d\n"
    )
    result = evaluate_kernel(Kernel("k", (first, second), "here"), {})
    assert {name: value.tolist() for name, value in result.items()} == {"o": [0, 6, 12, 18]}


def test_index_outside_the_array_is_refused() -> None:
    text = (
        "loop_graph g s32\nloop i 8\narray o 4 s32 output\nn = affine [i]\nw = store o[0 + n] n\n"
    )
    with pytest.raises(IllegalGraph, match="0 to 3, found 4"):
        run(text)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeMismatch, match="found none"):
        run(MATRIX_VECTOR, a=np.zeros((4, 8), int))
    with pytest.raises(TypeMismatch, match=r"\(4, 8\), found \(4, 7\)"):
        run(MATRIX_VECTOR, a=np.zeros((4, 7), int), v=np.zeros(8, int))
    with pytest.raises(TypeMismatch, match="0 to 40000"):
        run(MATRIX_VECTOR, a=np.zeros((4, 8), int), v=np.arange(8) * 40000 // 7)


PARTIAL = """loop_graph g s32
loop i 8
array a 6 s16 input
array y 8 s32 output
array z 6 s32 output
n = affine [i]
inside = less n 6
x = load a[i] partial
p = select x -1 if inside
all = store y[i] p
some = store z[i] x if inside partial
"""


def test_a_partial_access_matters_inside_its_array_only() -> None:
    a = np.array([5, -3, 8, 0, 2, 7])
    results = run(PARTIAL, a=a)
    np.testing.assert_array_equal(results["y"], [*a, -1, -1])
    np.testing.assert_array_equal(results["z"], a)
    with pytest.raises(IllegalGraph, match="from 0 to 5, found 6"):
        run(PARTIAL.replace("less n 6", "less n 7"), a=a)


def test_a_partial_access_in_a_recurrence_matters_inside_its_array_only() -> None:
    text = PARTIAL.replace("array z 6 s32 output", "array z 6 s32 inout").replace(
        "load a[i]", "load z[i]"
    )
    z = np.array([5, -3, 8, 0, 2, 7])
    np.testing.assert_array_equal(run(text, a=z, z=z)["y"], [*z, -1, -1])

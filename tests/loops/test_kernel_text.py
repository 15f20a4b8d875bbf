import pytest

from hlsgen.errors import BadFile
from hlsgen.loops.check import check
from hlsgen.loops.text import parse, to_text

TEXT = """loop_graph everything s32
loop i 4
loop j 8
array a 4x8 s16 input
array c 4 s32 constant 1 -2 3 4
array out 8 s32 output
array t 4 u8 scratch
x = load a[8*i + j]
m = add m@1(0, 1) 5
y = load c[0 + m % 4]
s = multiply_accumulate x y clear first 1
p = select m x@2(-1, 0) if y
q = move p if y@1(1, 0)
r = minimum q p if last 1
here = affine [2*i + j - 3]
store_s = store out[i + 4] s when last 1
store_t = store t[1 + here % 2] r if q
far = load a[8*i + j - 1] partial
store_u = store out[2*i + j] far if q partial
order x -> store_s distance 1 delay 0
"""


def test_text_form_parses_back_to_itself() -> None:
    graph = parse(TEXT)
    check(graph)
    assert to_text(graph) == TEXT
    assert parse(to_text(graph)) == graph


@pytest.mark.parametrize(
    "line", ["x == load", "x = load a[?]", "array a 4 s99x input", "x = add y if 5", "s = add ?"]
)
def test_wrong_line_is_named(line: str) -> None:
    with pytest.raises(BadFile, match="line 2"):
        parse(f"loop_graph g s32\n{line}\n")

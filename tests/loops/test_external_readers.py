"""Graphs of other projects: small ones written here, and all of the collection where it is there."""

from pathlib import Path

import numpy as np
import pytest
from support.made_by_others import CGRA, requires_cgra

from hlsgen.errors import BadFile, HlsgenError, IllegalGraph, UnsupportedOp
from hlsgen.loops.check import check
from hlsgen.loops.evaluate import evaluate_kernel
from hlsgen.loops.ir import Kernel, LoopGraph
from hlsgen.loops.read_dot import read_dot
from hlsgen.loops.read_morpher import read_morpher
from hlsgen.loops.text import to_text

DOT = """digraph "two words" { // a comment
x[opcode=input];
c[opcode=const, const_value=" 3"];
k[opcode=const value=1];
n[opcode=add]; d[opcode=sub];
x->d[operand=1]; c->d[operand=0];
n->n[operand=0]; k->n[operand=1];
s[opcode=load]; n->s[operand=0];
y[opcode=mul]; s->y[operand=0]; d->y[operand=1];
o[opcode=output]; y->o[operand=0];
}
"""


def node(idx: int, op: str, *outputs: str, const: int | None = None, inputs: str = "") -> str:
    constant = "" if const is None else f'CONST="{const}"'
    listed = "".join(f'<Input idx="{name}"/>' for name in inputs.split())
    edges = "".join(f"<Output {output}/>" for output in outputs)
    return (
        f'<Node idx="{idx}" ASAP="0" ALAP="1"BB="b"{constant}>\n<OP>{op}</OP>'
        f"<Inputs>{listed}</Inputs><Outputs>{edges}</Outputs></Node>"
    )


def edge(idx: int, kind: str, nextiter: int = 0, negated: int = 0) -> str:
    return f'idx="{idx}" nextiter="{nextiter}" NPB="{negated}" type="{kind}"'


def morpher(folder: Path, *nodes: str) -> LoopGraph:
    path = folder / "graph.xml"
    path.write_text("<DFG count='0'>\n" + "\n".join(nodes) + "</DFG>")
    return read_morpher(path).graphs[0]


def operations(graph: LoopGraph) -> list[str]:
    return [line for line in to_text(graph).splitlines() if " = " in line or "order" in line]


def test_dot_edges_constants_and_back_edges(tmp_path: Path) -> None:
    path = tmp_path / "g.dot"
    path.write_text(DOT)
    graph = read_dot(path).graphs[0]
    check(graph)
    assert operations(graph) == [
        "x = load x_words[i]",
        "n = add n@1(0, 0) 1",
        "d = subtract 3 x",
        "s = load s_words[0 + n % 16]",
        "y = multiply s d",
        "o = store o_words[i] y",
    ]
    assert [array.size for array in graph.arrays] == [64, 16, 64]


def test_dot_graph_computes_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "g.dot"
    path.write_text(DOT)
    x, s = np.arange(64) * 7 - 20, np.arange(16) + 100
    kernel = read_dot(path)
    result = evaluate_kernel(kernel, {"x_words": x, "s_words": s})["o_words"]
    np.testing.assert_array_equal(result, s[(np.arange(64) + 1) % 16] * (3 - x))


def test_morpher_predicates_orders_and_exchanged_operands(tmp_path: Path) -> None:
    graph = morpher(
        tmp_path,
        node(1, "OLOAD", edge(2, "I1"), edge(3, "I1"), const=19),
        node(2, "CGT", edge(4, "P"), edge(5, "P", negated=1), edge(7, "PS"), inputs="1", const=5),
        node(3, "ADD", edge(4, "I1"), edge(3, "I1", 1), inputs="1 3"),
        node(4, "CMERGE", edge(6, "I1"), inputs="2 3"),
        node(5, "CMERGE", edge(6, "I2"), inputs="2", const=-1),
        node(6, "SELECT", edge(7, "I2"), edge(8, "I1"), inputs="4 5"),
        node(7, "LOAD", edge(8, "I2"), inputs="6 2"),
        node(8, "MUL", edge(9, "I1"), edge(9, "I2"), inputs="6 7"),
        node(9, "STORE", inputs="8"),
    )
    check(graph)
    assert operations(graph) == [
        "oload_1 = load oload_1_words[3]",
        "cgt_2 = less 5 oload_1",
        "add_3 = add oload_1 add_3@1(0, 0)",
        "cmerge_4 = move add_3 if cgt_2",
        "cmerge_5 = select 0 -1 if cgt_2",
        "select_6 = or cmerge_4 cmerge_5",
        "load_7 = load load_7_words[0 + select_6 % 16]",
        "mul_8 = multiply select_6 load_7",
        "store_9 = store store_9_words[0 + mul_8 % 16] mul_8",
        "order cgt_2 -> load_7 distance 0 delay 1",
    ]


def test_morpher_values_beyond_two_and_missing_ones(tmp_path: Path) -> None:
    graph = morpher(
        tmp_path,
        node(1, "OLOAD", edge(3, "I1"), edge(4, "I1"), edge(6, "I1"), edge(7, "I1"), const=0),
        node(2, "OLOAD", edge(3, "I2"), edge(4, "I1"), const=1),
        node(5, "OLOAD", edge(3, "I3"), edge(4, "I2"), const=2),
        node(3, "ADD", const=4096, inputs="1 2 5"),
        node(4, "SUB", inputs="1 2 5"),
        node(6, "MUL", inputs="1"),
        node(7, "CMP", inputs="1"),
        node(8, "ADD", const=3),
    )
    assert operations(graph)[3:] == [
        "add_3_add1 = add oload_1 oload_2",
        "add_3 = add add_3_add1 oload_5",
        "sub_4_0_or1 = or oload_1 oload_2",
        "sub_4 = subtract sub_4_0_or1 oload_5",
        "mul_6 = multiply oload_1 oload_1",
        "cmp_7 = equal oload_1 0",
        "add_8 = add 3 3",
    ]


@pytest.mark.parametrize("divisor", [1, 2, 8, 1 << 20])
def test_division_by_a_power_of_two_rounds_towards_zero(tmp_path: Path, divisor: int) -> None:
    graph = morpher(
        tmp_path,
        node(1, "LOAD", edge(2, "I1")),
        node(2, "DIV", edge(3, "I1"), inputs="1", const=divisor),
        node(3, "STORE", inputs="2"),
    )
    check(graph)
    x = np.array([0, 1, -1, 7, -7, 8, -8, 9, -9, 2**31 - 1, -(2**31), -(2**31) + 1] * 6)[:64]
    result = evaluate_kernel(Kernel("k", (graph,), "k"), {"load_1_words": x})["store_3_words"]
    np.testing.assert_array_equal(result, np.sign(x) * (abs(x) // divisor))


@pytest.mark.parametrize("divisor", [None, 0, 3, -2])
def test_another_division_is_refused(tmp_path: Path, divisor: int | None) -> None:
    graph = morpher(
        tmp_path,
        node(1, "LOAD", edge(2, "I1")),
        node(2, "DIV", edge(3, "I1"), inputs="1", const=divisor),
        node(3, "STORE", inputs="2"),
    )
    with pytest.raises(UnsupportedOp, match="divide"):
        check(graph)


def test_morpher_load_with_predicate_is_guarded(tmp_path: Path) -> None:
    graph = morpher(
        tmp_path,
        node(1, "OLOAD", edge(2, "P"), const=0),
        node(2, "OLOAD", edge(3, "I1"), inputs="1", const=0),
        node(3, "OSTORE", inputs="2", const=7),
    )
    assert operations(graph)[1:] == [
        "oload_2 = load oload_2_words[0]",
        "oload_2_guarded = move oload_2 if oload_1",
        "ostore_3 = store ostore_3_words[7] oload_2_guarded",
    ]


def test_morpher_nodes_of_one_index_are_told_apart_by_their_inputs(tmp_path: Path) -> None:
    graph = morpher(
        tmp_path,
        node(1, "OLOAD", edge(9, "I1"), const=0),
        node(2, "OLOAD", edge(9, "I1"), const=1),
        node(9, "MOVC", edge(3, "I1"), inputs="1"),
        node(9, "OSTORE", inputs="2", const=5),
        node(3, "OSTORE", inputs="9", const=6),
    )
    assert operations(graph)[3] == "ostore_9 = store ostore_9_words[5] oload_2"


def test_zero_distance_cycle_names_its_nodes(tmp_path: Path) -> None:
    with pytest.raises(IllegalGraph, match=r"add_1 -> sub_2 -> add_1|sub_2 -> add_1 -> sub_2"):
        morpher(
            tmp_path,
            node(1, "ADD", edge(2, "I1"), inputs="2"),
            node(2, "SUB", edge(1, "I1"), inputs="1"),
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "none"),
        (node(1, "SQRT"), "'SQRT'"),
        (node(1, "ADD", edge(7, "I1")), "idx 7"),
        (node(1, "ADD", edge(1, "Q", 1)), "'Q'"),
        ('<Node idx="1"CONST="x"><OP>ADD</OP></Node>', "CONST"),
        ("<Node><OP>ADD</OP></Node>", "idx"),
    ],
)
def test_wrong_morpher_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        morpher(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("graph g {}", "digraph"),
        ("digraph g {}", "no"),
        ("digraph g { a[opcode=sqrt]; }", "'sqrt'"),
        ("digraph g { a; }", "'a'"),
        ("digraph g { a[opcode=add]; a->b; }", "'b'"),
        ("digraph g { a[opcode=add]; a->a[operand=x]; }", "operand"),
        ("digraph g { a[opcode=const value=two]; }", "'two'"),
    ],
)
def test_wrong_dot_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "g.dot"
    path.write_text(text)
    with pytest.raises(BadFile, match=words):
        read_dot(path)


@pytest.mark.parametrize("read", [read_dot, read_morpher])
def test_missing_file_is_refused(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(BadFile, match="No such file"):
        read(tmp_path / "none")


def every_graph() -> list[Path]:
    return sorted([*CGRA.rglob("*.xml"), *CGRA.rglob("*.dot")])


def read(path: Path) -> Kernel:
    return read_dot(path) if path.suffix == ".dot" else read_morpher(path)


@requires_cgra
def test_every_graph_of_the_collection_is_legal_and_runs_but_for_named_ones() -> None:
    refused: dict[str, str] = {}
    for path in every_graph():
        try:
            kernel = read(path)
            check(kernel.graphs[0])
        except HlsgenError as error:
            refused[path.parent.name] = type(error).__name__
            continue
        arrays = kernel.graphs[0].arrays
        given = {a.name: np.arange(a.size) + 1 for a in arrays if a.role == "input"}
        assert all(len(values) in (16, 64) for values in evaluate_kernel(kernel, given).values())
    assert refused == {"realgsm": "IllegalGraph"}
    assert len(every_graph()) > 80


@requires_cgra
def test_counts_of_operations_are_those_of_the_collection() -> None:
    table = (CGRA / "kernels.csv").read_text().splitlines()[1:]
    compared = 0
    for row in table:
        name, _, _, operations_given, _, memory_given, *_ = row.split(",")
        if "PartPred" not in name or "realgsm" in name:
            continue
        graph = read(CGRA / name).graphs[0]
        memory = sum(operation.array is not None for operation in graph.operations)
        assert memory - int(memory_given) in (0, 1), (
            name
        )  # one collection counts nodes of one idx once
        assert 0 <= len(graph.operations) - int(operations_given) <= 4, name
        compared += 1
    assert compared >= 25

"""Small loop graphs for tests: a reduction, a scatter, two stores of one array."""

from __future__ import annotations

from hlsgen.algebra.affine import Affine
from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import ElementType
from hlsgen.loops.ir import Array, Constant, CountedLoop, LoopGraph, Operation, Order, Value

WORD = ElementType(32, True)


def fir() -> LoopGraph:
    return LoopGraph(
        "fir",
        WORD,
        (CountedLoop("n", 5), CountedLoop("k", 4)),
        (
            Array("x", (8,), WORD, "input"),
            Array("h", (4,), WORD, "input"),
            Array("y", (5,), WORD, "output"),
        ),
        (
            Operation("x", "load", array="x", address=Affine(0, (("n", 1), ("k", 1)))),
            Operation("h", "load", array="h", address=Affine(0, (("k", 1),))),
            Operation(
                "sum", "multiply_accumulate", (Value("x"), Value("h")), clear=Mark("first", 1)
            ),
            Operation(
                "y",
                "store",
                (Value("sum"),),
                array="y",
                address=Affine(0, (("n", 1),)),
                when=Mark("last", 1),
            ),
        ),
    )


def histogram() -> LoopGraph:
    return LoopGraph(
        "histogram",
        WORD,
        (CountedLoop("n", 16),),
        (Array("x", (16,), WORD, "input"), Array("bins", (8,), WORD, "output")),
        (
            Operation("x", "load", array="x", address=Affine(0, (("n", 1),))),
            Operation("old", "load", (Value("x"),), array="bins", address=Affine(0)),
            Operation("new", "add", (Value("old"), Constant(1))),
            Operation(
                "write", "store", (Value("new"), Value("x")), array="bins", address=Affine(0)
            ),
        ),
        (Order("write", "old", 1, 1), Order("old", "write", 0, 0)),
    )


def two_stores() -> LoopGraph:
    return LoopGraph(
        "two",
        WORD,
        (CountedLoop("n", 4),),
        (Array("x", (4,), WORD, "input"), Array("y", (8,), WORD, "output")),
        (
            Operation("x", "load", array="x", address=Affine(0, (("n", 1),))),
            Operation("even", "store", (Value("x"),), array="y", address=Affine(0, (("n", 2),))),
            Operation("odd", "store", (Value("x"),), array="y", address=Affine(1, (("n", 2),))),
        ),
    )

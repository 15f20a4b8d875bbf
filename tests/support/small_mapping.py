"""A mapping made by hand on a grid of 2 x 2, for tests of what reads mappings."""

from hlsgen.fabric.ir import Fabric, MemoryTile, PeKind
from hlsgen.loops.ir import LoopGraph
from hlsgen.loops.text import parse
from hlsgen.schedule.grid_kernel.mapping import Bounds, GridMapping, Keep, Placement, Send, Use

FULL = PeKind("full", (("add", 1), ("move", 1), ("multiply", 2), ("multiply_accumulate", 2)))
ADDER = PeKind("adder", (("add", 1), ("move", 1)))

FABRIC = Fabric(
    name="small",
    pe_kinds=(FULL, ADDER),
    kinds=(("full", "full"), ("adder", "adder")),
    tiles=(
        MemoryTile("west_0", "west", (0, 0), 64, 32, 2, 1),
        MemoryTile("west_1", "west", (1, 0), 64, 32, 1, 1),
    ),
    word_bits=32,
    accumulator_bits=40,
    hops=(1,),
    torus=False,
    registers=2,
    contexts=4,
    stages=4,
    drain=False,
)


def graph() -> LoopGraph:
    """o[i] = sum of 3 * a[0..i]."""
    return parse("""loop_graph running_sum s32
loop i 16
array a 16 s32 input
array o 16 s32 output
x = load a[i]
p = multiply x 3
s = add p s@1(0, 0)
w = store o[i] s
""")


def mapping() -> GridMapping:
    """At interval 2: x at west_0, p east of it, s back at (0, 0) with itself in a register, w to the south."""
    return GridMapping(
        fabric=FABRIC,
        graph=graph(),
        ii=2,
        bounds=Bounds(1, 1, 1),
        placements={
            "x": Placement((0, 0), 0, "read", "west_0"),
            "p": Placement((0, 1), 2, "alu"),
            "s": Placement((0, 0), 4, "alu"),
            "w": Placement((1, 0), 5, "write", "west_1"),
        },
        routes={
            Use("p", 0): (Send((0, 0), "E", 1),),
            Use("s", 0): (Send((0, 1), "W", 3),),
            Use("s", 1): (Keep((0, 0), 4, 6, "register_a"),),
            Use("w", 0): (Send((0, 0), "S", 4),),
        },
        tiles={"a": ("west_0",), "o": ("west_1",)},
        proved_optimal=False,
        stopped="made by hand",
        seconds=0.0,
        seed=0,
    )

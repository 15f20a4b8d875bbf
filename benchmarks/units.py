"""Speed of each unit by itself: ``python -m benchmarks.run units [UNIT@BOARD ...]``.

A unit of the stream schedule, with the shape that it has in digits where it has one, is placed and routed between flip-flops, so that every
path that is measured lies in the unit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.models import ROOT, Sources
from benchmarks.record import Record
from hlsgen.algebra.scalar import QuantisedAdd, RequantiseFloat32, RequantiseMultiplyShift
from hlsgen.algebra.types import ElementType
from hlsgen.algebra.unroll import Unroll
from hlsgen.board import load_board

RATES = {"ulx3s_85f": 20000, "icebreaker": 2000, "tang_nano_9k": 10000}
"""Boards, and the samples a second for which digits is compiled there."""
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
SEEDS = (1, 2, 3)
S8, U8, S24 = (ElementType.parse(text) for text in ("s8", "u8", "s24"))
PARTS = {
    "conv2": ("process", "nest", "buffer", "guard", "array", "drain", "finish"),
    "pool": ("process", "array"),
    "dense": ("array", "finish"),
}
"""Parts of processes of digits."""


@cache
def process_of_digits(name: str, board: str) -> Any:
    """The parameters of a process of digits as it is compiled for a board."""
    from hlsgen.numbers import Numbers
    from hlsgen.progress import silent
    from hlsgen.rtl.arrays import process_parameters
    from hlsgen.schedule.stream_network.options import StreamOptions
    from hlsgen.schedule.stream_network.solver import schedule
    from hlsgen.targets.network_source import read_network

    lowered = read_network(DIGITS, Numbers(), silent).lowered(nudged=True, progress=silent)
    on = load_board(board)
    interval = int(on.clock_mhz * 1e6 / RATES[board])
    plan = schedule(lowered.dataflow, on, StreamOptions(target_interval=interval))
    process = next(p for p in plan.dataflow.processes if p.name == name)
    return process_parameters(plan, process)


def part(process: str, kind: str, board: str) -> Any:
    """A unit of a process of digits."""
    from hlsgen.rtl_templates.stream.process import StreamProcess

    whole = StreamProcess(process_of_digits(process, board))
    match kind:
        case "process":
            return whole
        case "buffer":
            return whole.buffers[0]
        case "guard":
            from hlsgen.rtl_templates.stream.channel_guard import ChannelGuard

            buffer = whole.buffers[0]
            return ChannelGuard(buffer.shape.guard, buffer.shape.depth, buffer.bits)
        case "nest":
            return whole.nest
        case "drain":
            return whole.drain
        case "array":
            return whole.array
    assert kind == "finish"
    return whole.finish


def _multiplier(kind: str) -> Any:
    from hlsgen.rtl_templates.arithmetic.multiplier import Multiplier, shape_of

    return Multiplier(shape_of(S8), shape_of(S8), kind=kind)  # type: ignore[arg-type]


def _array(step: str, **options: Any) -> Any:
    from hlsgen.rtl_templates.stream.pe_array import PeArray, PeArrayParameters

    return PeArray(PeArrayParameters((("r0", S8),), step, **options))  # type: ignore[arg-type]


def _fifo(depth: int) -> Any:
    from amaranth.hdl import unsigned
    from hlsgen.rtl_templates.stream.credit_fifo import CreditFifo

    return CreditFifo(unsigned(16), depth=depth)


def _reorder() -> Any:
    from amaranth.hdl import unsigned
    from hlsgen.rtl_templates.stream.reorder import Reorder

    return Reorder(unsigned(16), pixels=4, words=8, row_pixels=10)


def _cell() -> Any:
    """A PE in the middle of the fabric for networks."""
    from hlsgen.rtl_templates.fabric.pe import FabricPe

    from hlsgen.fabric.file import load_fabric
    from hlsgen.rtl.fabric_shapes import pe_shape

    return FabricPe(pe_shape(load_fabric("mac_8x8"), (3, 3)))


def _tile(name: str) -> Any:
    from hlsgen.rtl_templates.fabric.memory_tile import MemoryTile

    from hlsgen.fabric.file import load_fabric
    from hlsgen.rtl.fabric_shapes import tile_shape

    fabric = load_fabric("mac_8x8")
    return MemoryTile(tile_shape(fabric, fabric.tile(name)))


def _scalar(op: Any, operands: tuple[ElementType, ...], interval: int = 1) -> Any:
    from hlsgen.rtl_templates.arithmetic.scalar_units import scalar_unit

    multiplier = "dsp" if interval == 1 else "lut"
    return scalar_unit(op, operands, interval=interval, multiplier=multiplier)  # type: ignore[arg-type]


FLOAT32 = RequantiseFloat32(q=40, zero_point=-3, low=-128, high=127)
SHIFT = RequantiseMultiplyShift(shift=24, low=-128, high=127)
ADD = QuantisedAdd(
    multiplier_a=23171, multiplier_b=11003, offset=1 << 14, shift=15, low=-128, high=127
)
M24, M16, R32 = (ElementType.parse(text) for text in ("u24", "u16", "s32"))
OTHERS: Mapping[str, Callable[[], Any]] = {
    "multiplier_dsp": lambda: _multiplier("dsp"),
    "multiplier_lut": lambda: _multiplier("lut"),
    "products_of_16_lanes": lambda: _array(
        "multiply_accumulate", weight=S8, accumulator=S24, unroll=Unroll(i=16)
    ),
    "maximum_of_9_lanes": lambda: _array(
        "maximum", accumulator=S8, init=-128, unroll=Unroll(ky=3, kx=3)
    ),
    "sum_of_9_lanes": lambda: _array("add", accumulator=S24, unroll=Unroll(ky=3, kx=3)),
    "fifo_of_4_words": lambda: _fifo(4),
    "fifo_of_16_words": lambda: _fifo(16),
    "reorder": _reorder,
    "requantise_float32": lambda: _scalar(FLOAT32, (S24, M24)),
    "requantise_float32_of_8_cycles": lambda: _scalar(FLOAT32, (S24, M24), 8),
    "multiply_shift": lambda: _scalar(SHIFT, (S24, M16, R32)),
    "multiply_shift_of_8_cycles": lambda: _scalar(SHIFT, (S24, M16, R32), 8),
    "quantised_add": lambda: _scalar(ADD, (S8, S8)),
}
OF_FABRICS: Mapping[str, Callable[[], Any]] = {
    "pe_of_mac_8x8": _cell,
    "west_tile_of_mac_8x8": lambda: _tile("west_3"),
    "north_tile_of_mac_8x8": lambda: _tile("north_3"),
}
"""Units that only the largest of the boards holds."""
UNITS = (*(f"{name}.{kind}" for name, kinds in PARTS.items() for kind in kinds), *OTHERS)
DESIGNS = (
    *(f"{unit}@{board}" for board in RATES for unit in UNITS),
    *(f"{unit}@ulx3s_85f" for unit in OF_FABRICS),
)


def measure(design: str, sources: Sources, work: Path) -> Record:
    """A row of the table of units."""
    from amaranth.hdl import UnusedElaboratable

    from benchmarks.unit_bench import measured

    warnings.simplefilter("ignore", UnusedElaboratable)  # of a process of which a part is taken
    name, board = design.split("@")
    process, dot, kind = name.partition(".")
    unit = part(process, kind, board) if dot else {**OTHERS, **OF_FABRICS}[name]()
    result = measured(unit, load_board(board), work / "units" / design, SEEDS)
    options = {"board": board, "seeds": list(SEEDS)}
    return Record(
        "units", design, f"python -m benchmarks.run units {design}", options, asdict(result)
    )

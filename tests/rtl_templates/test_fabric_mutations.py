"""Proof that the tests of a fabric's units bite: small mutations of their text, each of which a test must see fail."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import test_fabric_pe
import test_load_port
import test_loop_control
import test_memory_tile
import test_tile_requantise
from hlsgen.rtl_templates.fabric.address_generator import AddressGenerator
from hlsgen.rtl_templates.fabric.context_memory import ContextMemory
from hlsgen.rtl_templates.fabric.late_pipeline import LatePipeline
from hlsgen.rtl_templates.fabric.line_taps import LineTaps
from hlsgen.rtl_templates.fabric.load_port import LoadPort
from hlsgen.rtl_templates.fabric.loop_control import LoopControl, LoopMarks
from hlsgen.rtl_templates.fabric.memory_tile import MemoryTile
from hlsgen.rtl_templates.fabric.pe import FabricPe
from hlsgen.rtl_templates.fabric.pe_decoder import PeDecoder
from hlsgen.rtl_templates.fabric.rotating_registers import RotatingRegisters
from hlsgen.rtl_templates.fabric.settings import Settings
from hlsgen.rtl_templates.fabric.step_memory import StepMemory
from hlsgen.rtl_templates.fabric.stream_border import StreamBorder
from hlsgen.rtl_templates.fabric.tile_bank import TileBank
from hlsgen.rtl_templates.fabric.tile_decoder import TileDecoder
from hlsgen.rtl_templates.fabric.tile_requantise import TileRequantiser
from hlsgen.rtl_templates.fabric.top import FabricTop
from support import fabric_bench
from support.example_fabrics import one_cell, row_fabric, straight_fabric
from support.random_configurations import random_program

from hlsgen.cycle_model.program import run_program
from hlsgen.fabric.ir import Fabric
from hlsgen.fabric.packets import HelloPacket, to_words
from hlsgen.fabric.program import hello

Check = Callable[[], None]


def pe(name: str = "every operator") -> Check:
    return lambda: (
        test_fabric_pe.test_a_processing_element_does_what_its_contexts_say_in_every_cycle(name)
    )


def control() -> None:
    for seed in range(8):
        test_loop_control.test_loop_control_enumerates_the_nest_of_every_run(seed)


def tile() -> None:
    for seed in range(6):
        test_memory_tile.check(seed, 30)


def requantiser(name: str) -> Check:
    return lambda: test_tile_requantise.check(test_tile_requantise.JOBS[name]())


def programs(make: Callable[[], Fabric] = one_cell, seeds: int = 12) -> Check:
    """Random programs of one fabric, in the cycle model and in the circuit."""

    def check() -> None:
        fabric = make()
        for seed in range(seeds):
            words, stream = random_program(fabric, seed, 8)
            want = run_program(fabric, words, stream)
            got = fabric_bench.run(fabric, words, stream, seed)
            assert got.run_cycles == want.run_cycles
            np.testing.assert_array_equal(got.unload, want.unload)
            assert got.stream_out == want.stream_out

    return check


def refusal() -> None:
    """Of a program that says the right hash after a wrong one."""
    fabric = one_cell()
    assert fabric_bench.run(fabric, to_words([HelloPacket(0), hello(fabric)])).refused


class Mutation(NamedTuple):
    """Of one method: ``old`` text, which must be there once, and ``new``."""

    unit: Any
    method: str
    old: str
    new: str
    check: Check


MUTATIONS: dict[str, Mutation] = {
    "accumulator: never cleared": Mutation(
        LatePipeline, "_accumulated", "Mux(begin, 0, kept)", "kept", pe("multiply-accumulate only")
    ),
    "accumulator: minimum": Mutation(
        LatePipeline, "_accumulated", "operand > kept", "operand < kept", pe()
    ),
    "late operators: outlive their run": Mutation(
        LatePipeline,
        "_register",
        "self.clear | (self.enable & ~valid)",
        "self.enable & ~valid",
        pe(),
    ),
    "late operators: do not wait": Mutation(
        LatePipeline, "_register", "m.If(self.enable)", "m.If(1)", pe()
    ),
    "predicate: line tap ignored": Mutation(
        PeDecoder, "_predicate", ' & self._tap("predicate")', "", pe()
    ),
    "initial: constant not chosen": Mutation(
        PeDecoder, "_operands", "kept[0] | constant", "kept[0]", pe()
    ),
    "clear: never by mark": Mutation(
        PeDecoder,
        "_when",
        'code == WHEN.index("mark")',
        "code == 7",
        pe("multiply-accumulate only"),
    ),
    "drain: by first mark": Mutation(
        FabricPe,
        "circuit",
        "issued.drain_mark & last",
        "issued.drain_mark & first",
        pe("multiply-accumulate only"),
    ),
    "drain: passing words go first": Mutation(
        FabricPe, "_drain", "late.drained", "late.drained & ~self.drain_in.valid", pe()
    ),
    "links: not cleared": Mutation(
        FabricPe, "_send", "register.eq(0)", "register.eq(register)", pe()
    ),
    "registers: do not rotate": Mutation(
        RotatingRegisters, "_physical", "index + self.rotation", "index", pe()
    ),
    "registers: rotate modulo a power of two": Mutation(
        RotatingRegisters, "_physical", "whole - self.registers", "whole", pe("slow operators")
    ),
    "line taps: of one stage": Mutation(
        LineTaps,
        "elaborate",
        "Cat(self.run.marks[line], delayed)",
        "self.run.marks[line].replicate(stages)",
        control,
    ),
    "loop control: no epilogue": Mutation(
        LoopMarks, "elaborate", "inside.eq(0)", "inside.eq(1)", control
    ),
    "loop control: has ended before the units": Mutation(
        LoopControl, "elaborate", "moving | ending.any()", "moving", programs(straight_fabric, 40)
    ),
    "loop control: rotates a register early": Mutation(
        LoopControl, "_count", "run.rotation == 0", "run.rotation == 1", control
    ),
    "contexts: written where they are read": Mutation(
        ContextMemory, "elaborate", "Cat(slot, ~half)", "Cat(slot, half)", control
    ),
    "contexts: an old one is issued": Mutation(
        ContextMemory, "elaborate", "written.bit_select(half, 1))", "1)", control
    ),
    "settings: old ones are kept": Mutation(
        Settings,
        "elaborate",
        "active.eq(0)",
        "active.eq(active)",
        test_load_port.test_a_tile_that_is_not_written_does_nothing_in_the_next_run,
    ),
    "bank: reads what is written": Mutation(
        TileBank,
        "elaborate",
        "read, write = read_port(rows), write_port(rows, granularity=self.bits)",
        "write = write_port(rows, granularity=self.bits); read = rows.read_port(transparent_for=(write,))",
        tile,
    ),
    "tile: no padding": Mutation(
        MemoryTile, "_read", "padded.eq(issued.read_affine & ~inside)", "padded.eq(0)", tile
    ),
    "tile: reads past the generator's end": Mutation(
        MemoryTile, "_read", "(issued.read_affine & valid)", "issued.read_affine", tile
    ),
    "tile: writes every trip": Mutation(
        MemoryTile, "_write", "valid & (last | issued.write_any).all()", "valid", tile
    ),
    "tile: index wraps a bit late": Mutation(
        TileDecoder, "_port", "range(k + 2,", "range(k + 1,", tile
    ),
    "tile: offset without base": Mutation(
        TileDecoder, "_port", "(offset + base)", "(offset | base)", tile
    ),
    "tile: bank written by the load port although the array writes": Mutation(
        MemoryTile,
        "_write",
        "self._held.eq(offered & write)",
        "self._held.eq(0)",
        lambda: test_memory_tile.test_the_load_port_writes_a_bank_that_the_array_is_writing(
            one_cell(), 2
        ),
    ),
    "tile: reads less ahead than PEs are behind": Mutation(
        FabricTop, "_run", 'READ_AHEAD_CYCLES, "pe_run"', '1, "pe_run"', programs(straight_fabric)
    ),
    "tile: writes what is read ahead": Mutation(
        MemoryTile,
        "_writing",
        '_Written(later_run(m, self._run, READ_AHEAD_CYCLES, "write_run"), issued)',
        '_Written(later_run(m, self._run, READ_AHEAD_CYCLES, "write_run"), self._decoder.issued)',
        programs(straight_fabric),
    ),
    "tile: result written after its generator's end": Mutation(
        MemoryTile, "_finished", " & target[-1]", "", tile
    ),
    "generator: an iteration late": Mutation(
        AddressGenerator, "_run", "wait == 1", "wait == 2", tile
    ),
    "generator: marks of a level further out": Mutation(
        AddressGenerator, "elaborate", "level > k + 1", "level > k", tile
    ),
    "generator: a trip too few": Mutation(
        AddressGenerator, "_count", "left == 1", "left == 2", tile
    ),
    "generator: never begins again": Mutation(
        AddressGenerator, "_keep", "m.If(self.clear)", "m.If(self.clear & (value == 0))", tile
    ),
    "generator: inner loops count on": Mutation(
        AddressGenerator, "_count", "Mux(began, trips, read.data)", "read.data", tile
    ),
    "generator: a level of one trip has two": Mutation(
        AddressGenerator, "_count", "last[level].eq(single)", "last[level].eq(0)", tile
    ),
    "generator: steps of the run to come": Mutation(
        StepMemory, "elaborate", "Cat(self.number, self.half)", "Cat(self.number, ~self.half)", tile
    ),
    "tile: steps are written to every generator": Mutation(
        MemoryTile, "_is_for", "== index", "!= 99", tile
    ),
    "requantiser: pairs of one row": Mutation(
        TileRequantiser, "_parameters", "self.row + second", "self.row", requantiser("pair")
    ),
    "requantiser: a pair adds to the next": Mutation(
        TileRequantiser, "_product", "Mux(second, 0, total)", "total", requantiser("pair")
    ),
    "requantiser: bits above the window are forgotten": Mutation(
        TileRequantiser,
        "_shifted",
        "self._next(~above)",
        "self._next(Const(1, 1))",
        requantiser("float32, a large scale"),
    ),
    "requantiser: exact ties only": Mutation(
        TileRequantiser,
        "_finish",
        "(distance ^ below.replicate(FRACTION_BITS)) & ~mask",
        "distance ^ below.replicate(FRACTION_BITS)",
        requantiser("float32, ties"),
    ),
    "requantiser: no ties where the integer part is 0": Mutation(
        TileRequantiser,
        "_finish",
        "Cat(1, mask) & ~mask",
        "Cat(0, mask) & ~mask",
        requantiser("float32, exact ties"),
    ),
    "requantiser: does not saturate": Mutation(
        TileRequantiser,
        "_finish",
        "Mux(self._next(fits), result, end)",
        "result",
        requantiser("float32, a large scale"),
    ),
    "load port: wrong hash forgiven": Mutation(
        LoadPort, "_begin", "word != self.hash", "word == 1", refusal
    ),
    "load port: reads while a run is in progress": Mutation(
        LoadPort, "elaborate", "(state == _State.READ) & idle", "state == _State.READ", programs()
    ),
    "load port: runs start in runs": Mutation(
        LoadPort,
        "elaborate",
        "self.start.eq(idle)",
        "self.start.eq(1)",
        test_load_port.test_a_run_and_a_read_wait_for_the_run_before_and_configurations_do_not,
    ),
    "load port: WAIT does not wait": Mutation(
        LoadPort,
        "elaborate",
        "m.If(~self.busy)",
        "m.If(1)",
        test_load_port.test_what_comes_after_a_wait_comes_after_the_run,
    ),
    "load port: refused words are forgotten": Mutation(
        LoadPort,
        "_offered_again",
        "again.eq(self.word_refused)",
        "again.eq(0)",
        lambda: test_memory_tile.test_the_load_port_writes_a_bank_that_the_array_is_writing(
            straight_fabric(), 1
        ),
    ),
    "load port: reads although a word is on its way": Mutation(
        LoadPort,
        "elaborate",
        " & ~before.write & ~again",
        "",
        lambda: test_memory_tile.test_the_load_port_writes_a_bank_that_the_array_is_writing(
            one_cell(), 1
        ),
    ),
    "load port: last word marked early": Mutation(
        LoadPort, "_send", "left == 1", "left == 2", programs()
    ),
    "border: does not wait for words": Mutation(
        StreamBorder, "elaborate", "(~self.wants | self.i.valid)", "1", programs()
    ),
    "border: does not wait for room": Mutation(
        StreamBorder, "elaborate", "(~self.gives | fifo.available)", "1", programs()
    ),
    "links: swapped at their ends": Mutation(
        FabricTop, "_wire", "opposite[link]", "link", programs(row_fabric, 2)
    ),
}


def mutant(mutation: Mutation) -> Any:
    """The method with the mutation in its text."""
    text = textwrap.dedent(inspect.getsource(getattr(mutation.unit, mutation.method)))
    assert text.count(mutation.old) == 1, f"{mutation.old!r} is not in it once"
    names = dict(vars(sys.modules[mutation.unit.__module__]))
    exec(text.replace(mutation.old, mutation.new), names)
    return names[mutation.method]


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_of_a_unit_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    monkeypatch.setattr(mutation.unit, mutation.method, mutant(mutation))
    with pytest.raises(AssertionError):
        mutation.check()


def test_every_mutation_names_a_text_that_is_there() -> None:
    for mutation in MUTATIONS.values():
        mutant(mutation)

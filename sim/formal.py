"""Proofs of the stream rules by induction, through pyosys alone (no SMT solver).

A property is a component with Amaranth's Assume and Assert, and one input or more that the solver may drive freely. Yosys
runs in a process of its own: it ends that process on an error.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

_PREPARE = (
    "proc",
    "flatten",
    "memory_map",
    "opt_clean",
    "async2sync",
    "chformal -lower",
    "dffunmap",
    "opt_clean",
)
_YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    libyosys.run_pass(command, design)
"""


class NotProved(AssertionError):
    """A property for which there is a counterexample, or no proof within the steps allowed."""


class StreamRules(wiring.Component):
    """A unit whose streams are driven freely by rule-abiding neighbours, and the rules asserted on those that it drives.

    The rules: an offered word stays offered and unchanged until it is taken. Members: the unit's streams and its other
    inputs, free. ``streams``: names of those it has to have, so that none goes unproved because it was renamed.
    """

    def __init__(self, unit: Any, streams: tuple[str, ...] = ("i", "o")) -> None:
        self.unit = unit
        members = unit.signature.members
        self.streams = tuple(
            name
            for name in members
            if members[name].is_signature and isinstance(members[name].signature, stream.Signature)
        )
        assert set(self.streams) == set(streams), self.streams
        self.others = tuple(
            name for name in members if members[name].is_port and members[name].flow is In
        )
        super().__init__({name: members[name] for name in (*self.streams, *self.others)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.unit = self.unit
        m.d.comb += [getattr(self.unit, name).eq(getattr(self, name)) for name in self.others]
        for name in self.streams:
            outer, inner = getattr(self, name), getattr(self.unit, name)
            if self.unit.signature.members[name].flow is In:
                wiring.connect(m, wiring.flipped(outer), inner)
            else:
                wiring.connect(m, inner, wiring.flipped(outer))
            with m.If(_broken(m, outer, name)):
                driven = self.unit.signature.members[name].flow is Out
                m.d.comb += Assert(0) if driven else Assume(0)
        return m


def _broken(m: Module, port: Any, name: str) -> Value:
    """Whether the word that was offered and not taken a cycle ago is gone or changed."""
    payload = Value.cast(port.payload)
    waiting, word = Signal(name=f"{name}_waiting"), Signal(len(payload), name=f"{name}_word")
    m.d.sync += [waiting.eq(port.valid & ~port.ready), word.eq(payload)]
    return waiting & (~port.valid | (payload != word))


def prove(component: Any, *, steps: int = 20, seconds: int = 120, cells: str = "") -> None:
    """Prove every Assert of ``component`` by induction of at most ``steps`` steps, the reset held in the first.

    ``cells``: the Verilog file of yosys (such as ``+/lattice/cells_sim_ecp5.v``) that says what the primitives among its instances do.
    Raises NotProved with the end of the solver's log.
    """
    solve = f"sat -verify -tempinduct -prove-asserts -set-assumes -seq 1 -set-at 1 rst 1 -maxsteps {steps}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "unit.il").write_text(rtlil.convert(component))
        Path(folder, "cells.v").write_text(cells)
        reads = ("read_rtlil unit.il", "read_verilog cells.v", "hierarchy -check -top top")
        commands = (*reads, *_PREPARE, solve)
        try:
            done = subprocess.run(
                [sys.executable, "-c", _YOSYS, *commands],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NotProved(f"no proof within {seconds} seconds") from error
    if done.returncode or "SUCCESS!" not in done.stdout:
        raise NotProved("\n".join((done.stdout + done.stderr).splitlines()[-30:]))

"""A PE against a plain model of docs/grid.md, "PE", with random contexts and neighbours."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator
from hlsgen.rtl_templates.fabric.loop_control import LoopControl
from hlsgen.rtl_templates.fabric.pe import FabricPe
from hlsgen.rtl_templates.fabric.shape import PeShape
from hlsgen.rtl_templates.loop_contract import RUN_FILL_CYCLES, UNIT_REGISTER_CYCLES

from hlsgen.algebra.fields import pitch, to_string
from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.fabric.configuration import LINES, LineTap, PeContext
from hlsgen.fabric.configuration_words import control_fields, pe_fields
from hlsgen.fabric.ir import Fabric, MemoryTile, PeKind, Side
from hlsgen.rtl.fabric_shapes import control_shape, pe_shape

CELL = (1, 1)
EXTENTS = (3, 2, 4)
MARKS = (("first", 2), ("last", 2), ("last", 0))
WHEN = get_args(get_type_hints(PeContext)["clear"])
INITIAL = get_args(get_type_hints(PeContext)["initial"])


def fabric_of(
    operators: Sequence[tuple[str, int]],
    *,
    bits: int = 16,
    wide: int = 24,
    registers: int = 4,
    sides: Sequence[Side] = ("west",),
    hops: tuple[int, ...] = (1,),
    drain: bool = True,
    sources: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Fabric:
    """3 x 3 cells of one kind, with tiles beside CELL; a torus where there are longer links."""
    tiles = tuple(MemoryTile(f"{side}0", side, CELL, 64, 16, 1, 1) for side in sides)
    kinds = (PeKind("pe", tuple(operators), tuple(sources.items())),)
    names = (("pe",) * 3,) * 3
    return Fabric(
        "test", kinds, names, tiles, bits, wide, hops, len(hops) > 1, registers, 5, 3, drain
    )


FABRICS = {
    "every operator": fabric_of(
        [(n, 1) for n in WORD_OPERATORS if n != "multiply" and not n.endswith("_accumulate")]
        + [(n, 2) for n in ("multiply", "multiply_accumulate", "maximum_accumulate")]
    ),
    "slow operators": fabric_of(
        [("add", 1), ("select", 3), ("subtract", 3), ("multiply", 3), ("multiply_accumulate", 3)],
        registers=3,
        sides=("west", "north"),
        hops=(1, 2),
    ),
    "multiply-accumulate only": fabric_of([("multiply_accumulate", 2)], registers=0, bits=8),
    "no multiplier, nothing late": fabric_of(
        [("add", 1), ("xor", 1), ("less", 1)], drain=False, wide=0, sides=(), registers=1
    ),
    "one cycle for products": fabric_of(
        [("multiply", 1), ("move", 4)], wide=0, registers=2, drain=False
    ),
    "operands that go straight on": fabric_of(
        [("multiply_accumulate", 2), ("maximum_accumulate", 2)],
        registers=0,
        bits=8,
        sources={
            "a": ("W", "memory_west"),
            "b": ("N",),
            "predicate": (),
            "E": ("W", "late"),
            "S": ("N", "late"),
            "W": (),
            "N": ("S", "late"),
        },
    ),
    "one operand that can be constant": fabric_of(
        [("add", 1), ("multiply_accumulate", 2)],
        registers=2,
        sources={"a": ("W",), "b": ("constant", "N"), "predicate": ("N",), "register": ("result",)},
    ),
}


@dataclass
class Model:
    """The page, word for word. ``inputs`` of a cycle: source -> (word, first, last)."""

    shape: PeShape
    registers: list[int] = field(default_factory=list)
    accumulator: int = 0
    links: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    drained: tuple[int, int] = (0, 0)
    started: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def begin(self) -> None:
        self.links = {link: (0, 0, 0) for link in self.shape.leaving}
        self.registers = self.registers or [0] * self.shape.run.registers
        self.drained, self.started = (0, 0), {}

    def cycle(
        self,
        t: int,
        interval: int,
        context: PeContext,
        inputs: dict[str, tuple[int, int, int]],
        arriving: tuple[int, int],
    ) -> None:
        """One enabled cycle, with ``arriving`` on the drain chain; afterwards ``links`` and ``drained`` hold what the registers show in the next."""
        k = t // interval
        sources = dict(inputs)
        sources["constant"] = (context.constant, 0, 0)
        if self.registers:
            for port, index in (("register_a", context.read_a), ("register_b", context.read_b)):
                sources[port] = (self.registers[(index - k) % len(self.registers)], 0, 0)
        late, drained = self._finish(t)
        sources["late"] = (late, 0, 0)
        result = self._start(t, k, context, sources)
        sources["result"] = (result, 0, 0)
        driven = dict(context.links)
        self.links = {
            link: sources[driven[link]] if link in driven else (0, 0, 0) for link in self.links
        }
        if context.register is not None:
            index, source = context.register
            self.registers[(index - k) % len(self.registers)] = sources[source][0]
        self.drained = (drained, 1) if drained is not None else arriving

    def _start(self, t: int, k: int, context: PeContext, sources: dict[str, Any]) -> int:
        a, b = sources[context.a], sources[context.b]
        at_start = tapped(context.initial_line, k)
        if at_start and context.initial != "none":
            which, what = context.initial.split("_")
            value = (context.constant if what == "constant" else 0, 0, 0)
            a, b = (value, b) if which == "a" else (a, value)
        if context.predicate is None:
            true = True
        elif isinstance(context.predicate, LineTap):
            true = tapped(context.predicate, k)
        else:
            true = bool(sources[context.predicate][0] & 1)
        if context.operator is None:
            return 0
        latency = dict(self.shape.operators)[context.operator]
        if WORD_OPERATORS[context.operator].accumulates:
            clear = when(context.clear, context.initial_line, a[1], k)
            drain = when(context.drain, context.drain_line, a[2], k)
            self.started[t + latency - 1] = (context.operator, a[0], b[0], true, clear, drain)
            return 0
        bits = self.shape.word_bits
        operator = WORD_OPERATORS[context.operator]
        result = operator.meaning(bits, *(np.int64(a[0]), np.int64(b[0]))[: operator.operands])
        if not true:
            result = b[0] if context.operator == "select" else 0
        result = int(wrap(result, bits))
        if latency == 1:
            return result
        self.started[t + latency - 1] = (result,)
        return 0

    def _finish(self, t: int) -> tuple[int, int | None]:
        """``late`` of cycle t, and the word drained in it."""
        ending = self.started.pop(t, (0,))
        if len(ending) == 1:
            return ending[0], None
        operator, a, b, true, clear, drain = ending
        if not true:
            return 0, None
        if operator == "multiply_accumulate":
            new = (0 if clear else self.accumulator) + a * b
        else:
            new = a if clear else max(self.accumulator, a)
        self.accumulator = int(wrap(new, self.shape.accumulator_bits))
        return int(
            wrap(self.accumulator, self.shape.word_bits)
        ), self.accumulator if drain else None


def marks() -> list[tuple[bool, ...]]:
    """Lines of every iteration of the nest EXTENTS."""
    lines = []
    for step in np.ndindex(*EXTENTS):
        edges = {
            "first": [n == 0 for n in step],
            "last": [n == extent - 1 for n, extent in zip(step, EXTENTS, strict=True)],
        }
        lines.append((True, *(all(edges[edge][level:]) for edge, level in MARKS)))
    return lines


LINE_MARKS = marks()


def tapped(tap: LineTap, k: int) -> bool:
    at = k - tap.stage
    return 0 <= at < len(LINE_MARKS) and LINE_MARKS[at][tap.line]


def when(word: str, line: LineTap, mark: int, k: int) -> bool:
    return {"never": False, "always": True, "line": tapped(line, k), "mark": bool(mark)}[word]


def random_context(rng: random.Random, shape: PeShape) -> PeContext:
    half = 1 << (shape.word_bits - 1)
    taps = [LineTap(rng.randrange(LINES), rng.randrange(shape.run.stages)) for _ in range(3)]
    registers = shape.run.registers
    index = [rng.randrange(registers) if registers else 0 for _ in range(3)]
    operators = [name for name, _ in shape.operators]
    accumulates = any(WORD_OPERATORS[name].accumulates for name in operators)
    predicates = [
        None,
        None,
        taps[0],
        *rng.sample(shape.of("predicate"), shape.of("predicate") != ()),
    ]
    return PeContext(
        operator=rng.choice((None, *operators, *operators)),
        a=rng.choice(shape.of("a")),
        b=rng.choice(shape.of("b")),
        predicate=rng.choice(predicates),
        constant=rng.randrange(-half, half) if shape.replaces else 0,
        initial=rng.choice((INITIAL[0], rng.choice(replacements(shape)))),
        initial_line=taps[1] if shape.replaces else LineTap(),
        clear=rng.choice(WHEN) if accumulates else "never",
        drain=rng.choice(WHEN) if accumulates and shape.drain else "never",
        drain_line=taps[2] if accumulates and shape.drain else LineTap(),
        register=(index[0], rng.choice(shape.of("register")))
        if registers and rng.random() < 0.6
        else None,
        read_a=index[1],
        read_b=index[2],
        links=tuple(
            (name, rng.choice(shape.of(name))) for name in shape.leaving if rng.random() < 0.8
        ),
    )


def replacements(shape: PeShape) -> list[Any]:
    """What may replace an operand of the PE."""
    without = [f"{name}_constant" for name in "ab" if "constant" not in shape.of(name)]
    return [name for name in INITIAL if shape.replaces and name not in without] or ["none"]


def field_values(shape: PeShape, context: PeContext) -> dict[str, int]:
    """The context's codes, by the names of the fields."""
    operators = [name for name, _ in shape.operators]
    values: dict[str, int] = {
        "operator": 0 if context.operator is None else 1 + operators.index(context.operator),
        "a": shape.of("a").index(context.a),
        "b": shape.of("b").index(context.b),
        "constant": context.constant,
        "initial": INITIAL.index(context.initial),
        "clear": WHEN.index(context.clear),
        "drain": WHEN.index(context.drain),
        "read_a": context.read_a,
        "read_b": context.read_b,
    }
    tap = context.predicate
    if isinstance(tap, LineTap):
        values["predicate"] = 1 + len(shape.of("predicate"))
        values |= {"predicate_line": tap.line, "predicate_stage": tap.stage}
    elif tap is not None:
        values["predicate"] = 1 + shape.of("predicate").index(tap)
    for name, line in (("initial", context.initial_line), ("drain", context.drain_line)):
        values |= {f"{name}_line": line.line, f"{name}_stage": line.stage}
    if context.register is not None:
        index, source = context.register
        values |= {"register_index": index, "register": 1 + shape.of("register").index(source)}
    return values | {f"link_{name}": 1 + shape.of(name).index(s) for name, s in context.links}


class Bench(wiring.Component):
    """One PE with loop control."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.control = LoopControl(control_shape(fabric))
        self.pe = FabricPe(pe_shape(fabric, CELL))
        super().__init__({"enable": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.control, m.submodules.pe = self.control, self.pe
        wiring.connect(m, self.control.run, self.pe.run)
        m.d.comb += self.control.enable.eq(self.enable & self.control.running)
        return m


async def write(context: Any, unit: Any, address: int, words: Sequence[int]) -> None:
    for k, word in enumerate(words):
        context.set(unit.write.valid, 1)
        context.set(unit.write.address, address + k)
        context.set(unit.write.data, word)
        await context.tick()
    context.set(unit.write.valid, 0)


async def run(context: Any, bench: Bench, model: Model, rng: random.Random) -> None:
    """One run of random contexts; every register at the border is compared in every enabled cycle."""
    shape, pe, cycles = model.shape, bench.pe, 60
    interval = rng.randint(1, shape.run.contexts)
    contexts = [random_context(rng, shape) for _ in range(interval)]
    values = {"interval": interval, "cycles": cycles}
    values |= {f"extent_{k}": (*EXTENTS, 1, 1, 1)[k] for k in range(6)}
    for k, (edge, level) in enumerate(MARKS, 1):
        values |= {f"line_{k}_last": int(edge == "last"), f"line_{k}_level": level}
    await write(context, bench.control, 0, to_string("", control_fields(bench.fabric), values))
    for slot, told in enumerate(contexts):
        fields = pe_fields(bench.fabric, CELL)
        words = to_string("", fields, field_values(shape, told))
        await write(context, pe, slot * pitch(fields), words)
    context.set(bench.enable, 1)
    context.set(bench.control.start, 1)
    await context.tick()
    context.set(bench.control.start, 0)
    model.begin()
    for _ in range(RUN_FILL_CYCLES + (0 if shape.run.streams else UNIT_REGISTER_CYCLES)):
        await context.tick()
    for t in range(cycles):
        compare(context, pe, model)
        inputs = {
            name: random_word(rng, shape.word_bits) for name in (*shape.arriving, *shape.memories)
        }
        for name, (word, first, last) in inputs.items():
            port = getattr(pe, name if name in shape.memories else f"in_{name}")
            word %= 1 << shape.word_bits
            context.set(port, {"word": word, "first": first, "last": last})
        arriving = (0, 0)
        if shape.drain:
            word = rng.getrandbits(shape.accumulator_bits - 1)
            valid = int(rng.random() < 0.5)
            context.set(pe.drain_in, {"word": word, "valid": valid})
            arriving = (word, valid)
        while shape.run.streams and rng.random() < 0.2:  # nothing holds the others up
            context.set(bench.enable, 0)
            await context.tick()
        context.set(bench.enable, 1)
        model.cycle(t, interval, contexts[t % interval], inputs, arriving)
        await context.tick()
    compare(context, pe, model)


def random_word(rng: random.Random, bits: int) -> tuple[int, int, int]:
    half = 1 << (bits - 1)
    return rng.randrange(-half, half), int(rng.random() < 0.3), int(rng.random() < 0.3)


def compare(context: Any, pe: FabricPe, model: Model) -> None:
    for link, (word, first, last) in model.links.items():
        port = getattr(pe, f"out_{link}")
        driven = (context.get(port.word), context.get(port.first), context.get(port.last))
        assert driven == (word % (1 << model.shape.word_bits), first, last), link
    if model.shape.drain:
        word, valid = model.drained
        assert context.get(pe.drain_out.valid) == valid
        if valid:
            assert context.get(pe.drain_out.word) == word % (1 << model.shape.accumulator_bits)


@pytest.mark.parametrize("name", FABRICS)
def test_a_processing_element_does_what_its_contexts_say_in_every_cycle(name: str) -> None:
    rng = random.Random(name)
    bench, model = Bench(FABRICS[name]), Model(pe_shape(FABRICS[name], CELL))

    async def runs(context: Any) -> None:
        for _ in range(12):
            await run(context, bench, model, rng)

    simulator = Simulator(bench)
    simulator.add_clock(1e-6)
    simulator.add_testbench(runs)
    simulator.run()

"""Legal configurations at random: everything that a fabric can be told, none of it useful."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from hlsgen.arch.configuration import (
    LINES,
    REQUANTISE_LATENCY,
    Configuration,
    Generator,
    GeneratorLoop,
    LineTap,
    MarkLine,
    PeContext,
    ReadContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.arch.configuration_words import address_bits
from hlsgen.arch.fabric import Cell, Fabric, MemoryTile, PeKind
from hlsgen.arch.fabric_file import fabric_hash
from hlsgen.arch.switch import (
    crossbar_sources,
    operand_sources,
    outgoing,
    registered_sources,
)


def small_fabric() -> Fabric:
    """2 x 3 cells of two kinds with express links, rotating registers, drain chains, 8-bit and 16-bit tiles."""
    plain = ("move", "add", "subtract", "xor", "less", "select", "minimum", "shift_right")
    kinds = (
        PeKind("alu", tuple((name, 1) for name in plain)),
        PeKind(
            "mac",
            (
                ("add", 1),
                ("select", 1),
                ("multiply", 3),
                ("multiply_accumulate", 3),
                ("maximum_accumulate", 3),
            ),
        ),
    )
    return Fabric(
        name="small",
        pe_kinds=kinds,
        kinds=(("mac", "alu", "mac"), ("mac", "mac", "alu")),
        tiles=(
            MemoryTile("west_0", "west", (0, 0), 64, 8, 2, 2, 8),
            MemoryTile("west_1", "west", (1, 0), 32, 8, 1, 2, 8),
            MemoryTile("north_1", "north", (0, 1), 32, 16, 2, 1),
            MemoryTile("south_2", "south", (1, 2), 16, 16, 1, 1),
        ),
        word_bits=16,
        accumulator_bits=32,
        hops=(1, 2),
        torus=False,
        registers=3,
        contexts=4,
        stages=3,
        drain=True,
    )


def random_configuration(fabric: Fabric, draw: Random, streams: bool = True) -> Configuration:
    """Any configuration that the fabric takes; of the streams at most one read and one write per slot, where asked."""
    interval = draw.randint(1, fabric.contexts)
    loops = tuple(draw.randint(1, 4) for _ in range(draw.randint(1, 3)))
    lines = tuple(
        MarkLine(draw.choice(("first", "last")), draw.randint(0, len(loops)))
        for _ in range(draw.randint(0, LINES - 1))
    )
    iterations = math.prod(loops) + draw.randint(0, 3)
    maker = _Maker(fabric, draw, interval)
    # Every cell: what the register ports of an unwritten one show is not specified.
    pes = tuple(
        (cell, tuple(maker.context(cell) for _ in range(interval))) for cell in fabric.cells
    )
    tiles = [(tile.name, maker.tile(tile)) for tile in fabric.tiles if draw.random() < 0.9]
    if streams:
        tiles = maker.with_streams(tiles)
    return Configuration(
        fabric_hash=fabric_hash(fabric),
        interval=interval,
        loops=loops,
        lines=lines,
        cycles=iterations * interval + draw.randint(0, interval) + REQUANTISE_LATENCY,
        pes=pes,
        tiles=tuple(tiles),
    )


class _Maker:
    def __init__(self, fabric: Fabric, draw: Random, interval: int) -> None:
        self.fabric, self.draw, self.interval = fabric, draw, interval
        # Drained words of two cells of a row could meet: the compiler sees to it that they do not.
        self.draining = [draw.randrange(fabric.columns) for _ in range(fabric.rows)]

    def tap(self) -> LineTap:
        return LineTap(self.draw.randrange(LINES), self.draw.randrange(self.fabric.stages))

    def predicate(self, cell: Cell) -> str | LineTap | None:
        sources = registered_sources(self.fabric, cell)
        return self.draw.choice((None, None, self.tap(), self.draw.choice(sources)))

    def context(self, cell: Cell) -> PeContext:
        fabric, draw = self.fabric, self.draw
        operands, crossbar = operand_sources(fabric, cell), crossbar_sources(fabric, cell)
        operator = draw.choice((None, *fabric.kind(cell).operators))
        accumulates = operator is not None and operator.endswith("_accumulate")
        drains = accumulates and cell[1] == self.draining[cell[0]]
        when = ("never", "always", "line", "mark")
        return PeContext(
            operator=operator,
            a=draw.choice(operands),
            b=draw.choice(operands),
            predicate=self.predicate(cell),
            constant=draw.randint(-(1 << 15), (1 << 15) - 1),
            initial=draw.choice(("none", "none", "a_constant", "a_zero", "b_constant", "b_zero")),
            initial_line=self.tap(),
            clear=draw.choice(when) if accumulates else "never",
            drain=draw.choice(when) if drains else "never",
            drain_line=self.tap() if drains else LineTap(),
            register=draw.choice((None, (draw.randrange(3), draw.choice(crossbar)))),
            read_a=draw.randrange(3),
            read_b=draw.randrange(3),
            links=tuple(
                (link, draw.choice(crossbar))
                for link in outgoing(fabric, cell)
                if draw.random() < 0.7
            ),
        )

    def generator(self, tile: MemoryTile, port: str) -> Generator:
        draw = self.draw
        loops = tuple(
            GeneratorLoop(
                draw.randint(1, 4), draw.randint(-5, 9), draw.randint(-1, 2), draw.randint(-1, 2)
            )
            for _ in range(draw.randint(1, 4))
        )
        made = Generator(
            loops=loops,
            delay=draw.randint(0, 3),
            start=draw.randrange(8),
            base=draw.randrange(tile.words),
            wrap_bits=draw.choice((None, None, 3)),
        )
        if port == "write":
            # The parameter row must stay inside the table.
            still = tuple(replace(loop, row=0, column=0) for loop in loops)
            return replace(made, loops=still, parameter=draw.randrange(max(1, tile.parameters - 1)))
        level = draw.choice((None, draw.randint(0, len(loops) - 1)))
        made = replace(
            made,
            row=draw.randint(-2, 2),
            column=draw.randint(-2, 2),
            mark_first=level,
            mark_last=level,
        )
        return replace(made, rows=4, columns=5) if draw.random() < 0.5 else made

    def tile(self, tile: MemoryTile) -> TileConfiguration:
        draw, interval = self.draw, self.interval
        reads = tuple(self.generator(tile, "read") for _ in range(tile.read_generators))
        writes = [self.generator(tile, "write") for _ in range(tile.write_generators)]
        requantiser = Requantiser()
        contexts = tuple(self.write(tile, writes) for _ in range(interval))
        if tile.parameters and draw.random() < 0.6:
            # Results and other writes never meet: the compiler sees to that.
            contexts = (WriteContext(),) * interval
            number = draw.randrange(tile.write_generators)
            writes[number] = replace(writes[number], data_driven=True, delay=0)
            requantiser = Requantiser(
                mode=draw.choice(("float32", "multiply_shift", "pair")),
                generator=number,
                shift=draw.randint(1, 40),
                zero_point=draw.randint(-128, 127),
                low=-128,
                high=draw.randint(0, 127),
            )
        return TileConfiguration(
            reads=tuple(self.read(tile) for _ in range(interval)),
            writes=contexts,
            read_generators=reads,
            write_generators=tuple(writes),
            padding=draw.randint(-128, 127),
            requantiser=requantiser,
        )

    def read(self, tile: MemoryTile) -> ReadContext:
        draw = self.draw
        mode = draw.choice(("none", "affine", "affine", "indexed", "address"))
        return ReadContext(
            mode,  # type: ignore[arg-type]
            draw.randrange(tile.read_generators),
            draw.randrange(1 << address_bits(tile)),
            draw.choice(registered_sources(self.fabric, tile.cell)) if mode == "indexed" else None,
            draw.random() < 0.5,
            draw.choice((None, 2)) if mode == "indexed" else None,
        )

    def write(self, tile: MemoryTile, generators: list[Generator]) -> WriteContext:
        draw = self.draw
        mode = draw.choice(("none", "affine", "affine", "indexed"))
        if mode == "none":
            return WriteContext()
        sources = registered_sources(self.fabric, tile.cell)
        number = draw.randrange(tile.write_generators)
        levels = len(generators[number].loops)
        return WriteContext(
            mode,  # type: ignore[arg-type]
            number,
            draw.randrange(1 << address_bits(tile)),
            draw.choice(sources) if mode == "indexed" else None,
            draw.choice(sources),
            self.predicate(tile.cell),
            draw.choice((None, draw.randrange(levels))),
            draw.choice((8, 16)) if tile.bits == 16 else 8,
            draw.random() < 0.5,
            draw.choice((None, 3)) if mode == "indexed" else None,
        )

    def with_streams(
        self, tiles: list[tuple[str, TileConfiguration]]
    ) -> list[tuple[str, TileConfiguration]]:
        """In some slots one port takes a word of the input stream, and one gives a word to the output stream."""
        draw = self.draw
        for slot in range(self.interval):
            for port in ("reads", "writes"):
                if not tiles or draw.random() < 0.5:
                    continue
                number = draw.randrange(len(tiles))
                name, item = tiles[number]
                if port == "writes" and item.requantiser.mode != "off":
                    continue
                cell = self.fabric.tile(name).cell
                contexts = list(getattr(item, port))
                contexts[slot] = (
                    ReadContext("stream")
                    if port == "reads"
                    else WriteContext(
                        "stream",
                        data=draw.choice(registered_sources(self.fabric, cell)),
                        predicate=self.predicate(cell),
                    )
                )
                tiles[number] = (name, replace(item, **{port: tuple(contexts)}))
        return tiles

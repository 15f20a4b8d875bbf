"""Legal configurations and programs at random: everything that a fabric can be told, none of it useful."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
from hlsgen.rtl_templates.loop_contract import TILE_REQUANTISE_LATENCY

from hlsgen.algebra.mark import Mark
from hlsgen.fabric.configuration import (
    LINES,
    Configuration,
    Generator,
    GeneratorLoop,
    Initial,
    LineTap,
    PeContext,
    ReadContext,
    Requantiser,
    TileConfiguration,
    WriteContext,
)
from hlsgen.fabric.configuration_packing import pack
from hlsgen.fabric.configuration_words import address_bits, takes_constants
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Cell, Fabric, MemoryTile
from hlsgen.fabric.packets import Packet, ReadPacket, RunPacket, WaitPacket, WritePacket, to_words
from hlsgen.fabric.program import hello, tile_unit, write_parameters
from hlsgen.fabric.switch import outgoing, sources


def random_program(
    fabric: Fabric,
    seed: int,
    runs: int,
    configuration: Callable[[Fabric, Random], Configuration] | None = None,
) -> tuple[np.ndarray, list[int]]:
    """Parameters, then runs, some on new contents of the banks, some followed by the reading of all; and words to stream in, more than enough."""
    draw = Random(seed)
    packets: list[Packet] = [hello(fabric)]
    rows = {tile: max(1, tile.words * tile.bits // 32) for tile in fabric.tiles}
    for tile in fabric.tiles:
        parameters = [
            (draw.randint(-9999, 9999), draw.getrandbits(26), draw.getrandbits(30))
            for _ in range(tile.parameters)
        ]
        if parameters:
            packets.append(write_parameters(fabric, tile, 0, parameters))
    cycles = 0
    for number in range(runs):
        if number == 0 or draw.random() < 0.6:
            packets.append(WaitPacket())
            for tile, count in rows.items():
                content = tuple(draw.getrandbits(32) for _ in range(count))
                packets.append(WritePacket(tile_unit(fabric, tile), 0, content))
        told = (configuration or random_configuration)(fabric, draw)
        cycles += told.cycles
        packets += [*pack(fabric, told), RunPacket()]
        if number == runs - 1 or draw.random() < 0.6:
            packets += [
                ReadPacket(tile_unit(fabric, tile), 0, count) for tile, count in rows.items()
            ]
    # Whole bytes arrive, of which the bits of a word count.
    half = 1 << (8 * -(-fabric.word_bits // 8) - 1)
    return to_words(packets), [draw.randint(-half, half - 1) for _ in range(cycles)]


def random_configuration(fabric: Fabric, draw: Random, streams: bool = True) -> Configuration:
    """Any configuration that the fabric takes; of the streams at most one read and one write per slot, where asked."""
    interval = draw.randint(1, fabric.contexts)
    loops = tuple(draw.randint(1, 4) for _ in range(draw.randint(0, min(3, fabric.loops))))
    lines = tuple(
        Mark(draw.choice(("first", "last")), draw.randint(0, len(loops)))
        for _ in range(draw.randint(0, LINES - 1))
    )
    iterations = math.prod(loops) + draw.randint(0, 3)
    maker = _Maker(fabric, draw, interval)
    # Every cell: what the register ports of an unwritten one show is not specified.
    pes = tuple(
        (cell, tuple(maker.context(cell) for _ in range(interval))) for cell in fabric.cells
    )
    tiles = [(tile.name, maker.tile(tile)) for tile in fabric.tiles if draw.random() < 0.9]
    if streams and fabric.streams:
        tiles = maker.with_streams(tiles)
    return Configuration(
        fabric_hash=fabric_hash(fabric),
        interval=interval,
        loops=loops,
        lines=lines,
        cycles=iterations * interval + draw.randint(0, interval) + TILE_REQUANTISE_LATENCY,
        pes=pes,
        tiles=tuple(tiles),
    )


def watched_configuration(fabric: Fabric, draw: Random) -> Configuration:
    """The first tile (west) does anything, and the second gives what it reads, or what is accumulated of it by its marks, in every cycle."""
    interval = draw.randint(1, fabric.contexts)
    maker = _Maker(fabric, draw, interval)
    contexts = tuple(
        PeContext(
            "multiply_accumulate",
            "memory_west",
            constant=draw.randint(1, 3),
            clear="mark",
            drain=draw.choice(("mark", "always")),
            register=(draw.randrange(fabric.registers), "memory_west"),
            read_a=draw.randrange(fabric.registers),
        )
        for _ in range(interval)
    )
    given = tuple(
        WriteContext("stream", data=draw.choice(("memory_west", "memory_west", "late")))
        for _ in range(interval)
    )
    watched, watcher = fabric.tiles[:2]
    iterations = draw.randint(4, 40)
    return Configuration(
        fabric_hash=fabric_hash(fabric),
        interval=interval,
        loops=(iterations,),
        lines=(),
        cycles=iterations * interval,
        pes=((watched.cell, contexts),),
        tiles=(
            (watched.name, maker.tile(watched)),
            (watcher.name, TileConfiguration(writes=given)),
        ),
    )


class _Maker:
    def __init__(self, fabric: Fabric, draw: Random, interval: int) -> None:
        self.fabric, self.draw, self.interval = fabric, draw, interval
        # Drained words of two cells of a row could meet: the compiler sees to it that they do not.
        self.draining = [draw.randrange(fabric.columns) for _ in range(fabric.rows)]

    def tap(self) -> LineTap:
        return LineTap(self.draw.randrange(LINES), self.draw.randrange(self.fabric.stages))

    def predicate(self, cell: Cell) -> str | LineTap | None:
        chosen = sources(self.fabric, cell, "predicate")
        choices = (None, None, self.tap(), *((self.draw.choice(chosen),) if chosen else ()))
        return self.draw.choice(choices)

    def context(self, cell: Cell) -> PeContext:
        fabric, draw = self.fabric, self.draw
        constant = takes_constants(fabric, cell)
        operator = draw.choice((None, *fabric.kind(cell).operators))
        accumulates = operator is not None and operator.endswith("_accumulate")
        drains = accumulates and fabric.drain and cell[1] == self.draining[cell[0]]
        when = ("never", "always", "line", "mark")
        half, registers = 1 << (fabric.word_bits - 1), range(max(1, fabric.registers))
        crossbar = sources(fabric, cell, "register")
        stored = (draw.choice(registers), draw.choice(crossbar)) if crossbar else None
        return PeContext(
            operator=operator,
            a=draw.choice(sources(fabric, cell, "a")),
            b=draw.choice(sources(fabric, cell, "b")),
            predicate=self.predicate(cell),
            constant=draw.randint(-half, half - 1) if constant else 0,
            initial=draw.choice(self.initial(cell)),
            initial_line=self.tap() if constant else LineTap(),
            clear=draw.choice(when) if accumulates else "never",
            drain=draw.choice(when) if drains else "never",
            drain_line=self.tap() if drains else LineTap(),
            register=stored if fabric.registers and draw.random() < 0.5 else None,
            read_a=draw.choice(registers),
            read_b=draw.choice(registers),
            links=tuple(
                (link, draw.choice(sources(fabric, cell, link)))
                for link in outgoing(fabric, cell)
                if draw.random() < 0.7
            ),
        )

    def initial(self, cell: Cell) -> tuple[Initial, ...]:
        """What may replace an operand, nothing more often than not."""
        if not takes_constants(self.fabric, cell):
            return ("none",)
        choices: list[Initial] = ["none", "none", "a_zero", "b_zero"]
        if "constant" in sources(self.fabric, cell, "a"):
            choices.append("a_constant")
        if "constant" in sources(self.fabric, cell, "b"):
            choices.append("b_constant")
        return tuple(choices)

    def generator(self, tile: MemoryTile, port: str) -> Generator:
        fabric, draw = self.fabric, self.draw
        loops = tuple(
            GeneratorLoop(draw.randint(1, 4), draw.randint(-5, 9))
            for _ in range(draw.randint(1, min(4, fabric.loops)))
        )
        drawn = Generator(
            loops=loops,
            delay=draw.randint(0, 3 if fabric.drain else min(3, fabric.stages - 1)),
            start=draw.randrange(8),
            base=draw.randrange(tile.words),
            wrap_bits=draw.choice((None, None, min(3, address_bits(tile)))),
        )
        if port == "write":
            # The parameter row must stay inside the table.
            return replace(drawn, parameter=draw.randrange(max(1, tile.parameters - 1)))
        level = draw.choice((None, draw.randint(0, len(loops) - 1)))
        drawn = replace(drawn, mark_first=level, mark_last=level)
        if not fabric.drain:  # no coordinates
            return drawn
        moving = tuple(
            replace(loop, row=draw.randint(-1, 2), column=draw.randint(-1, 2)) for loop in loops
        )
        drawn = replace(drawn, loops=moving, row=draw.randint(-2, 2), column=draw.randint(-2, 2))
        limits = (draw.choice((None, 4)), draw.choice((None, 5)))
        return replace(drawn, rows=limits[0], columns=limits[1])

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
            padding=draw.randint(-128, 127) if self.fabric.drain else 0,
            requantiser=requantiser,
        )

    def read(self, tile: MemoryTile) -> ReadContext:
        draw = self.draw
        chosen = sources(self.fabric, tile.cell, "memory")
        choices = ["none", "affine", "affine", *(("indexed",) if chosen else ())]
        mode = draw.choice([*choices, "address"] if self.fabric.streams else choices)
        return ReadContext(
            mode,  # type: ignore[arg-type]
            draw.randrange(tile.read_generators),
            draw.randrange(1 << address_bits(tile)),
            draw.choice(chosen) if mode == "indexed" else None,
            draw.random() < 0.5,
            draw.choice((None, 2)) if mode == "indexed" else None,
        )

    def write(self, tile: MemoryTile, generators: list[Generator]) -> WriteContext:
        draw = self.draw
        chosen = sources(self.fabric, tile.cell, "memory")
        choices = ["none", "affine", "affine", *(("indexed",) if self.fabric.streams else ())]
        mode = draw.choice(choices) if chosen else "none"
        if mode == "none":
            return WriteContext()
        number = draw.randrange(tile.write_generators)
        levels = len(generators[number].loops)
        return WriteContext(
            mode,  # type: ignore[arg-type]
            number,
            draw.randrange(1 << address_bits(tile)),
            draw.choice(chosen) if mode == "indexed" else None,
            draw.choice(chosen),
            self.predicate(tile.cell) if self.fabric.streams else None,
            draw.choice((None, draw.randrange(levels))),
            draw.choice([bits for bits in (8, 16, 32) if bits <= tile.bits]),
            draw.random() < 0.5,
            draw.choice((None, 3)) if mode == "indexed" else None,
        )

    def with_streams(
        self, tiles: list[tuple[str, TileConfiguration]]
    ) -> list[tuple[str, TileConfiguration]]:
        """In some slots a port of a tile takes a word of the input stream, and a write port gives one to the output stream."""
        draw, changed = self.draw, dict(tiles)
        writing = [name for name, tile in tiles if tile.requantiser.mode == "off"]
        for slot in range(self.interval):
            if tiles and draw.random() < 0.3:
                self._put(changed, draw.choice(tiles)[0], "reads", slot, ReadContext("stream"))
            elif writing and draw.random() < 0.5:
                name = draw.choice(writing)
                context = changed[name].writes[slot]
                if context.mode == "none":
                    context = WriteContext("stream", predicate=self.predicate(self._cell(name)))
                self._put(changed, name, "writes", slot, replace(context, data="stream_in"))
            if writing and draw.random() < 0.5:
                name = draw.choice(writing)
                chosen = sources(self.fabric, self._cell(name), "memory")
                data = changed[name].writes[slot].data
                if data != "stream_in":
                    data = draw.choice(chosen) if chosen else None
                if data is not None and not self._gives(changed, slot):
                    given = WriteContext(
                        "stream", data=data, predicate=self.predicate(self._cell(name))
                    )
                    self._put(changed, name, "writes", slot, given)
        return list(changed.items())

    def _cell(self, name: str) -> Cell:
        return self.fabric.tile(name).cell

    def _gives(self, tiles: dict[str, TileConfiguration], slot: int) -> bool:
        return any(tile.writes[slot].mode == "stream" for tile in tiles.values())

    def _put(
        self,
        tiles: dict[str, TileConfiguration],
        name: str,
        ports: str,
        slot: int,
        context: ReadContext | WriteContext,
    ) -> None:
        contexts = list(getattr(tiles[name], ports))
        contexts[slot] = context
        tiles[name] = replace(tiles[name], **{ports: tuple(contexts)})

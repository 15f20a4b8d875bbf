"""From a mapping to the configuration that a fabric runs: contexts of PEs, loop control, run length.

An operation issued in cycle T of the mapping belongs to stage T div II and slot T mod II; every choice of a multiplexer follows from
the routes, which are walked from the producer's word to the consumer's operand. ``tile_contexts.py`` makes the part of the memory tiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hlsgen.algebra.mark import Mark
from hlsgen.algebra.types import wrap
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.errors import DoesNotFit, TypeMismatch, UnsupportedOp
from hlsgen.fabric.configuration import LINES, Configuration, LineTap, PeContext
from hlsgen.fabric.file import fabric_hash
from hlsgen.fabric.ir import Cell
from hlsgen.fabric.switch import opposite
from hlsgen.loops.ir import Constant, LoopGraph, Operation
from hlsgen.schedule.grid_kernel.bank_layout import BankLayout
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Keep, Move, Placement, Send, Use
from hlsgen.schedule.grid_kernel.register_allocation import allocate
from hlsgen.schedule.grid_kernel.tile_contexts import Sources, predicate_of, tile_configurations


def to_configuration(mapping: GridMapping, layout: BankLayout) -> Configuration:
    """The configuration of a mapping that ``check_mapping`` accepts, with arrays where ``layout`` puts them.

    Raises DoesNotFit: too many marks, registers without an assignment, a loop index wider than addresses; TypeMismatch: words of
    another width than the fabric's; UnsupportedOp: an accumulation with a predicate.
    """
    graph, fabric = mapping.graph, mapping.fabric
    if graph.word.bits != fabric.word_bits:
        raise TypeMismatch(
            f"loop graph {graph.name}",
            f"expected words of {fabric.word_bits} bits for fabric {fabric.name}, found {graph.word.bits}",
            "Write the kernel with the fabric's word type, or choose another fabric.",
        )
    lines = _lines(graph)
    contexts = _Contexts(mapping, lines)
    sources = {use: contexts.route(use, mapping.routes[use]) for use in mapping.routes}
    for operation in graph.operations:
        place = mapping.placements[operation.name]
        if place.unit == "alu":
            contexts.issue(operation, place, sources)
    return Configuration(
        fabric_hash=fabric_hash(fabric),
        interval=mapping.ii,
        loops=tuple(loop.extent for loop in graph.loops),
        lines=tuple(mark for mark, line in lines.items() if line),
        cycles=(graph.iterations - 1) * mapping.ii + mapping.length,
        pes=contexts.finished(),
        tiles=tile_configurations(mapping, layout, sources, lines),
    )


def _lines(graph: LoopGraph) -> Mapping[Mark, int]:
    """Mark -> its line. Marks of the level inside the innermost loop hold always: line 0."""
    marks: set[Mark] = set()
    for operation in graph.operations:
        marks |= {mark for mark in (operation.predicate, operation.clear) if isinstance(mark, Mark)}
        marks |= {Mark("first", value.level) for value in operation.values if value.distance}
    innermost = len(graph.loops)
    kept = sorted(
        (mark for mark in marks if mark.level < innermost), key=lambda m: (m.edge, m.level)
    )
    if len(kept) > LINES - 1:
        raise DoesNotFit(
            f"loop graph {graph.name}",
            f"expected at most {LINES - 1} different first and last marks of loops, found {len(kept)}",
            "Split the kernel into loop nests of their own.",
        )
    lines = {mark: line for line, mark in enumerate(kept, start=1)}
    return lines | {mark: 0 for mark in marks if mark.level == innermost}


class _Contexts:
    """The contexts of all PEs, filled one field after the other."""

    def __init__(self, mapping: GridMapping, lines: Mapping[Mark, int]) -> None:
        self.mapping, self.lines = mapping, lines
        self.registers = allocate(mapping)
        self.fields: dict[tuple[Cell, int], dict[str, Any]] = {}

    def finished(self) -> tuple[tuple[Cell, tuple[PeContext, ...]], ...]:
        """One context per slot of every cell that does something."""
        contexts = {}
        for cell in sorted({cell for cell, _ in self.fields}):
            slots = [self.fields.get((cell, slot), {}) for slot in range(self.mapping.ii)]
            contexts[cell] = tuple(_context(fields) for fields in slots)
        return tuple(contexts.items())

    def _slot(self, cell: Cell, time: int) -> dict[str, Any]:
        return self.fields.setdefault((cell, time % self.mapping.ii), {})

    def route(self, use: Use, moves: tuple[Move, ...]) -> str:
        """Drive links and registers along a route; the source that the consumer's operand reads."""
        producer = self.mapping.producer(use)
        place = self.mapping.placements[producer]
        if place.tile is not None:
            source = f"memory_{self.mapping.fabric.tile(place.tile).side}"
        else:
            operator = self.mapping.graph.operation(producer).operator
            latency = self.mapping.fabric.kind(place.cell).latency(operator)
            source = "late" if latency > 1 else "result"
        for move in moves:
            if isinstance(move, Send):
                links = self._slot(move.cell, move.time).setdefault("links", {})
                driver = links.setdefault(move.direction, source)
                assert driver == source, f"link {move} has two"
                source = opposite(move.direction)
            else:
                self._keep(move, source)
                source = move.port
        return source

    def _keep(self, move: Keep, source: str) -> None:
        registers, ii = self.mapping.fabric.registers, self.mapping.ii
        physical = self.registers[move.cell, move.written]
        write = ((physical + move.written // ii) % registers, source)
        written = self._slot(move.cell, move.written)
        writer = written.setdefault("register", write)
        assert writer == write, f"register write {move} has two"
        read = self._slot(move.cell, move.read)
        index = (physical + move.read // ii) % registers
        port = "read_a" if move.port == "register_a" else "read_b"
        reader = read.setdefault(port, index)
        assert reader == index, f"register read {move} has two"

    def issue(self, operation: Operation, place: Placement, sources: Sources) -> None:
        """The operator of one slot, its operands and marks."""
        stage = place.time // self.mapping.ii
        fields = self._slot(place.cell, place.time)
        fields["operator"] = operation.operator
        bits = self.mapping.fabric.word_bits
        accumulates = WORD_OPERATORS[operation.operator].accumulates
        if accumulates and operation.predicate is not None:
            raise UnsupportedOp(
                f"loop graph {self.mapping.graph.name}, operation {operation.name}",
                "expected an accumulation in every iteration, found one with a predicate",
                "Accumulate 0 where nothing is to be added.",
            )
        for number, (name, operand) in enumerate(zip("ab", operation.operands, strict=False)):
            if isinstance(operand, Constant):
                fields |= {name: "constant", "constant": wrap(operand.value, bits)}
                continue
            fields[name] = sources[Use(operation.name, number)]
            if operand.distance:
                fields["initial"] = f"{name}_{'constant' if operand.start else 'zero'}"
                mark = Mark("first", operand.level)
                fields["initial_line"] = LineTap(self.lines[mark], stage)
                if operand.start:
                    fields["constant"] = wrap(operand.start, bits)
        fields["predicate"] = predicate_of(operation, sources, self.lines, stage)
        if operation.clear is not None:
            line = self.lines[operation.clear]
            fields["clear"] = "line" if line else "always"
            fields.setdefault("initial_line", LineTap(line, stage))


def _context(fields: Mapping[str, Any]) -> PeContext:
    links = tuple(sorted(fields.get("links", {}).items()))
    return replace(PeContext(), **{**fields, "links": links})

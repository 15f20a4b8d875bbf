"""An independent check of mappings: nothing here is shared with the mapper or with what makes contexts of a mapping.

It follows every word of docs/grid.md that a mapping can break: places, times, wires, ports, registers, memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from hlsgen.algebra.mark import Mark
from hlsgen.algebra.word import WORD_OPERATORS
from hlsgen.errors import IllegalGraph
from hlsgen.fabric.configuration import LINES
from hlsgen.fabric.ir import Cell
from hlsgen.fabric.switch import outgoing
from hlsgen.loops.ir import Constant, Operation, Value
from hlsgen.schedule.grid_kernel.mapping import GridMapping, Keep, Placement, Send, Use

Instance: TypeAlias = tuple[str, int]
"""The value of an operation at one time; what a wire carries in one slot."""


def check_mapping(mapping: GridMapping) -> None:
    """Raise IllegalGraph, with place and reason, unless the mapping can run as it says.

    Every operation on a unit that can do it, one to a unit and slot, one accumulating operation to a PE; every route continuous in space
    and time from where the producer's word is visible to the consumer's issue; links and register ports with one word to a slot;
    registers, banks, generators, contexts, stages and mark lines enough; orders kept; one constant and one started operand to a context.
    """
    checker = _Checker(mapping)
    checker.initiation_interval()
    checker.placements()
    checker.contexts()
    checker.memory()
    checker.routes()
    checker.registers()
    checker.orders()


class _Checker:
    def __init__(self, mapping: GridMapping) -> None:
        self.mapping = mapping
        self.fabric = mapping.fabric
        self.graph = mapping.graph
        self.ii = mapping.ii
        self.operations = {operation.name: operation for operation in mapping.graph.operations}

    def wrong(self, where: str, expected: str, found: str) -> IllegalGraph:
        return IllegalGraph(
            f"mapping of {self.graph.name} on {self.fabric.name}, {where}",
            f"expected {expected}, found {found}",
            f"The mapper is at fault: report the kernel with seed {self.mapping.seed}.",
        )

    def initiation_interval(self) -> None:
        if not 1 <= self.ii <= self.fabric.contexts:
            raise self.wrong("interval", f"1 to {self.fabric.contexts} contexts", str(self.ii))
        bound = self.mapping.bounds.mii
        if self.ii < bound:
            raise self.wrong("interval", f"at least the bound {bound}", str(self.ii))

    # places

    def placements(self) -> None:
        placed, operations = set(self.mapping.placements), set(self.operations)
        if placed != operations:
            raise self.wrong(
                "placements",
                "one for every operation",
                f"{sorted(placed ^ operations)} too many or few",
            )
        taken: dict[tuple[object, ...], str] = {}
        for name, place in self.mapping.placements.items():
            where = f"operation {name}"
            if place.time < 0:
                raise self.wrong(where, "a time from 0 on", str(place.time))
            stage = place.time // self.ii
            if stage >= self.fabric.stages:
                raise self.wrong(where, f"a stage below {self.fabric.stages}", str(stage))
            self._capable(self.operations[name], place)
            unit = (place.cell if place.unit == "alu" else place.tile, place.unit)
            slot = (*unit, place.time % self.ii)
            if slot in taken:
                raise self.wrong(
                    where, "a unit and slot of its own", f"{taken[slot]} on {slot} as well"
                )
            taken[slot] = name
        self._accumulators()

    def _capable(self, operation: Operation, place: Placement) -> None:
        where = f"operation {operation.name}"
        if place.cell not in self.fabric.cells:
            raise self.wrong(where, "a cell of the fabric", str(place.cell))
        unit = {"load": "read", "affine": "read", "store": "write"}.get(operation.operator, "alu")
        if place.unit != unit:
            raise self.wrong(where, f"unit {unit}", place.unit)
        if unit == "alu":
            operators = self.fabric.kind(place.cell).operators
            if operation.operator not in operators:
                raise self.wrong(
                    where, f"a PE with {operation.operator}", f"{place.cell} with {operators}"
                )
            return
        tile = next(
            (candidate for candidate in self.fabric.tiles if candidate.name == place.tile), None
        )
        if tile is None or tile.cell != place.cell:
            raise self.wrong(where, "a memory tile at its cell", f"{place.tile} at {place.cell}")
        if operation.array is not None:
            homes = self.mapping.tiles.get(operation.array, ())
            if tile.name not in homes:
                raise self.wrong(where, f"a tile of {operation.array}: {homes}", tile.name)

    def _accumulators(self) -> None:
        owner: dict[Cell, str] = {}
        for name, place in self.mapping.placements.items():
            word = WORD_OPERATORS.get(self.operations[name].operator)
            if word is not None and word.accumulates:
                if place.cell in owner:
                    raise self.wrong(
                        f"operation {name}",
                        "an accumulator of its own",
                        f"{owner[place.cell]} on {place.cell} as well",
                    )
                owner[place.cell] = name

    def contexts(self) -> None:
        """What one context can say of its operation."""
        marks: set[Mark] = set()
        for operation in self.graph.operations:
            where = f"operation {operation.name}"
            carried = {
                operand
                for operand in operation.operands
                if isinstance(operand, Value) and operand.distance
            }
            constants = {
                operand.value for operand in operation.operands if isinstance(operand, Constant)
            }
            constants |= {operand.start for operand in carried if operand.start}
            if operation.operator in WORD_OPERATORS:
                number = sum(isinstance(o, Value) and o.distance > 0 for o in operation.operands)
                if number > 1 or any(operand.distance > 1 for operand in carried):
                    raise self.wrong(where, "one operand of the iteration before", str(carried))
                if len(constants) > 1:
                    raise self.wrong(where, "one constant", str(sorted(constants)))
            elif carried or constants:
                raise self.wrong(where, "operands of the same iteration", str(operation.operands))
            predicate = operation.predicate
            if isinstance(predicate, Value) and predicate.distance:
                raise self.wrong(where, "a predicate of the same iteration", str(predicate))
            starts = {Mark("first", operand.level) for operand in carried}
            if operation.clear is not None and starts - {operation.clear}:
                raise self.wrong(where, "one mark that starts and clears", str(starts))
            marks |= starts | {
                mark for mark in (predicate, operation.clear) if isinstance(mark, Mark)
            }
        lines = {mark for mark in marks if mark.level < len(self.graph.loops)}
        if len(lines) > LINES - 1:
            raise self.wrong("marks", f"at most {LINES - 1} lines", str(len(lines)))

    # memory

    def memory(self) -> None:
        used: Counter[str] = Counter()
        written = {
            operation.array for operation in self.graph.operations if operation.operator == "store"
        }
        for name, homes in self.mapping.tiles.items():
            array = self.graph.array(name)
            where = f"array {name}"
            if len(set(homes)) != len(homes) or (name in written and len(homes) != 1):
                raise self.wrong(
                    where, "one home for what is written, else different ones", str(homes)
                )
            for home in homes:
                tile = self.fabric.tile(home)
                if array.element.bits > tile.bits:
                    raise self.wrong(
                        where, f"elements of at most {tile.bits} bits", str(array.element)
                    )
                used[home] += array.size
        for home, words in used.items():
            if words > self.fabric.tile(home).words:
                raise self.wrong(
                    f"tile {home}", f"at most {self.fabric.tile(home).words} words", str(words)
                )
        self._generators()

    def _generators(self) -> None:
        """Accesses of one tile share a generator where strides and stage are equal; indexed stores need one for their stage."""
        nests: dict[tuple[str, str], set[object]] = {}
        for operation in self.graph.operations:
            place = self.mapping.placements[operation.name]
            if place.tile is None or operation.address is None:
                continue
            if operation.operator != "load" or not operation.operands:  # no indexed load
                nest = (frozenset(operation.address.terms), place.time // self.ii)
                nests.setdefault((place.tile, place.unit), set()).add(nest)
        for (name, unit), kinds in nests.items():
            tile = self.fabric.tile(name)
            there = tile.read_generators if unit == "read" else tile.write_generators
            if len(kinds) > there:
                raise self.wrong(
                    f"tile {name}", f"at most {there} {unit} generators", str(len(kinds))
                )

    # routes

    def _edges(self) -> dict[Use, Value]:
        """Every edge of the graph."""
        edges = {
            Use(operation.name, number): operand
            for operation in self.graph.operations
            for number, operand in enumerate(operation.operands)
            if isinstance(operand, Value)
        }
        for operation in self.graph.operations:
            if isinstance(operation.predicate, Value):
                edges[Use(operation.name, "predicate")] = operation.predicate
        return edges

    def routes(self) -> None:
        edges = self._edges()
        if set(self.mapping.routes) != set(edges):
            odd = sorted(map(str, set(self.mapping.routes) ^ set(edges)))
            raise self.wrong("routes", "one for every operand that is a value", odd[0])
        wires: dict[tuple[object, ...], tuple[object, ...]] = {}
        for use, value in edges.items():
            self._follow(use, value)
            for move in self.mapping.routes[use]:
                self._take_wires(use, value, move, wires)

    def _follow(self, use: Use, value: Value) -> None:
        """The route from cycle to cycle: where the word is, and whether operands can read it there."""
        where = f"route of {value.operation} to {use.consumer} ({use.operand})"
        cell, time, readable = self._visible(value.operation)
        for move in self.mapping.routes[use]:
            start = move.time if isinstance(move, Send) else move.written
            if (move.cell, start) != (cell, time):
                raise self.wrong(
                    where, f"a move of the word from {cell} in cycle {time}", str(move)
                )
            if isinstance(move, Send):
                ways = outgoing(self.fabric, cell)
                if move.direction not in ways:
                    raise self.wrong(where, f"a link out of {cell}: {list(ways)}", move.direction)
                cell, time = ways[move.direction], time + 1
            else:
                if move.read <= move.written or not self.fabric.registers:
                    raise self.wrong(where, "a register read after it is written", str(move))
                time = move.read
            readable = True
        goal = self.mapping.placements[use.consumer]
        due = goal.time + value.distance * self.ii
        if (cell, time) != (goal.cell, due):
            raise self.wrong(
                where,
                f"the word at {goal.cell} in cycle {due}",
                f"it at {cell} in cycle {time}",
            )
        if not readable:
            raise self.wrong(where, "a registered word", "the result of the same cycle")

    def _visible(self, name: str) -> tuple[Cell, int, bool]:
        """Cell, cycle, and whether operands (not only crossbars) see the word there."""
        place = self.mapping.placements[name]
        if place.unit == "read":
            return place.cell, place.time + 1, True
        latency = self.fabric.kind(place.cell).latency(self.operations[name].operator)
        return place.cell, place.time + latency - 1, latency > 1

    def _take_wires(
        self,
        use: Use,
        value: Value,
        move: Send | Keep,
        wires: dict[tuple[object, ...], tuple[object, ...]],
    ) -> None:
        taken: list[tuple[tuple[object, ...], int]]
        if isinstance(move, Send):
            taken = [(("link", move.cell, move.direction, move.time % self.ii), move.time)]
        else:
            taken = [
                (("register write", move.cell, move.written % self.ii), move.written),
                ((move.port, move.cell, move.read % self.ii), move.read),
            ]
        for wire, time in taken:
            word: tuple[object, ...] = (value.operation, time)
            if wire[0] in ("register_a", "register_b") and isinstance(move, Keep):
                word = (*word, move.written)
            other = wires.setdefault(wire, word)
            if other != word:
                raise self.wrong(
                    f"{wire[0]} of {wire[1]}, slot {time % self.ii}",
                    f"one word, {other[0]} of cycle {other[1]}",
                    f"{value.operation} of cycle {time} for {use.consumer} as well",
                )

    def registers(self) -> None:
        """Registers hold a word from the cycle after the write to the last read."""
        last: dict[tuple[Cell, str, int], int] = {}
        values = {use: value.operation for use, value in self._edges().items()}
        for use, route in self.mapping.routes.items():
            for move in route:
                if isinstance(move, Keep):
                    key = (move.cell, values[use], move.written)
                    last[key] = max(last.get(key, 0), move.read)
        live: Counter[tuple[Cell, int]] = Counter()
        for (cell, _, written), read in last.items():
            for cycle in range(written + 1, read + 1):
                live[cell, cycle % self.ii] += 1
        for (cell, slot), words in live.items():
            if words > self.fabric.registers:
                raise self.wrong(
                    f"register file of {cell}, slot {slot}",
                    f"at most {self.fabric.registers} live words",
                    str(words),
                )

    def orders(self) -> None:
        times: Mapping[str, int] = {
            name: place.time for name, place in self.mapping.placements.items()
        }
        for order in self.graph.orders:
            earliest = times[order.before] + order.delay - order.distance * self.ii
            if times[order.after] < earliest:
                raise self.wrong(
                    f"order {order.before} -> {order.after}",
                    f"{order.after} in cycle {earliest} or later",
                    str(times[order.after]),
                )

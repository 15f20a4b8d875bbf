"""AdderLayer: a layer whose weights are wires; ConstantGate: what stands around such layers one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates import contract
from hlsgen.rtl_templates.arithmetic.adder_graph import Adders
from hlsgen.rtl_templates.arithmetic.multiplier import saturate
from hlsgen.rtl_templates.arithmetic.shapes import (
    extended,
    number_of,
    pattern_of,
    shape_holding,
    shape_of,
)
from hlsgen.rtl_templates.contract import Contract
from hlsgen.rtl_templates.stream.credit_memory import CreditMemory

from hlsgen.algebra.adder_graph import AdderGraph
from hlsgen.algebra.lookup_table import LookupTable
from hlsgen.algebra.shift_rounding import ShiftRounding
from hlsgen.algebra.types import ElementType


@dataclass(frozen=True)
class AdderLayerParameters:
    """``graph``: from a word's elements (of ``source``) to the sums; ``rounding``: from a sum to an ``element`` of the result, None where it
    changes none; ``in_a_row``: adders between two registers; ``tables``: what the graph's inputs are made of, where they are not the elements of a
    word; ``places``: elements of a word, None for as many as the graph has inputs."""

    graph: AdderGraph
    rounding: ShiftRounding | None
    source: ElementType
    element: ElementType
    in_a_row: int = 1
    tables: tuple[LookupTable, ...] = ()
    places: int | None = None

    @property
    def contract(self) -> Contract:
        """Contract of the layer."""
        return contract.constant_layer(
            depth=self.graph.depth,
            in_a_row=self.in_a_row,
            rounded=self.rounding is not None,
            tables=bool(self.tables),
        )


class AdderLayer(wiring.Component):
    """A whole vector every cycle, which nothing stops: ``i.ready`` is high, ``o.ready`` is taken for granted.

    Members: ``i``, ``o``: streams of words of all inputs, and of all outputs.

    **Timing**: see ``contract``; ``o.valid`` is a register where there is any.
    **Cost**: see ``Adders``; a look at the upper bits, and a choice per bit, for the rounding of an output.
    **Semantics**: the loop nest of a dataflow process with constant weights, its finish included.
    """

    def __init__(self, parameters: AdderLayerParameters) -> None:
        self.parameters = p = parameters
        self.contract = p.contract
        places = len(p.graph.inputs) if p.places is None else p.places
        source = data.ArrayLayout(shape_of(p.source), places)
        result = data.ArrayLayout(shape_of(p.element), len(p.graph.outputs))
        super().__init__({"i": In(stream.Signature(source)), "o": Out(stream.Signature(result))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        p = self.parameters
        m.submodules.adders = adders = Adders(p.graph, in_a_row=p.in_a_row)
        m.d.comb += self.i.ready.eq(1)
        word = [number_of(p.source, Value.cast(element)) for element in self._elements()]
        for k, number in enumerate(word if not p.tables else self._looked_up(m, word)):
            m.d.comb += adders.inputs[k].eq(number)
        valid: Value = self.i.valid
        for stage in range(self.contract.latency):
            register = Signal(name=f"valid_{stage}")
            m.d.sync += register.eq(valid)
            valid = register
        m.d.comb += self.o.valid.eq(valid)
        for k in range(len(p.graph.outputs)):
            value = Value.cast(adders.outputs[f"o{k}"])
            if p.rounding is not None:
                result = Signal(shape_of(p.element), reset_less=True, name=f"result_{k}")
                m.d.sync += result.eq(pattern_of(p.element, rounded(value, p.rounding)))
                value = result
            m.d.comb += self.o.payload[k].eq(value)
        return m

    def _elements(self) -> list[Any]:
        return [self.i.payload[k] for k in range(self.i.payload.shape().length)]

    def _looked_up(self, m: Module, word: list[Value]) -> list[Value]:
        """What the tables give of a word, in registers."""
        results: list[Value] = []
        for k, table in enumerate(self.parameters.tables):
            index = Cat(extended(word[place], table.bits) for place in table.inputs)
            shape = shape_holding(*table.range)
            mask = (1 << shape.width) - 1
            entries = sum((v & mask) << (shape.width * n) for n, v in enumerate(table.values))
            content = Const(entries, shape.width * len(table.values))
            value = Signal(shape, reset_less=True, name=f"table_{k}")
            m.d.sync += value.eq(content.word_select(index, shape.width))
            results.append(value)
        return results


def rounded(value: Value, rounding: ShiftRounding) -> Value:
    """``ShiftRounding`` of a value, combinational."""
    if rounding.signs:
        negative = value[-1] if value.shape().signed else Const(0, 1)
        return Cat(Const(1, 1), negative).as_signed()
    whole = value.shift_right(rounding.shift)
    whole = whole if len(whole) else Const(0, 1)
    low, high = rounding.low - rounding.offset, rounding.high - rounding.offset
    if rounding.to_even:
        rest = extended(value, rounding.shift)
        half, below = rest[-1], rest[:-1].any()
        whole = whole + (half & (below | whole[0]))
    return saturate(Value.cast(whole), low, high) + rounding.offset


class ConstantGate(wiring.Component):
    """The two ends of a chain of constant layers: a word sets out when there is a place for its result in the queue at the end.

    Members: ``i``: stream of words for the chain; ``first``: to the first layer; ``last``: from the last one; ``o``: stream of results.

    ``latency``: cycles from ``first`` to ``last``, which is the same for every word; ``places``: words that are taken, at least, before a
    result leaves.

    **Timing**: a word passes from ``i`` to ``first`` in the same cycle; from ``last`` to ``o`` see ``CreditMemory``. A word every cycle.
    ``i.ready`` and ``o.valid`` are registers.
    **Cost**: a memory of as many results as may be on their way.
    **Semantics**: none lost, none added.
    """

    def __init__(self, source: Any, result: Any, *, latency: int, places: int = 1) -> None:
        self.queue = CreditMemory(result, depth=contract.credit_memory_words(latency, places))
        super().__init__(
            {
                "i": In(stream.Signature(source)),
                "first": Out(stream.Signature(source)),
                "last": In(stream.Signature(result)),
                "o": Out(stream.Signature(result)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = self.queue
        m.d.comb += [
            self.first.payload.eq(self.i.payload),
            self.first.valid.eq(queue.start),
            self.i.ready.eq(queue.available),
            queue.start.eq(self.i.valid & queue.available),
            queue.push.eq(self.last.valid),
            queue.data.eq(self.last.payload),
            self.last.ready.eq(1),
        ]
        wiring.connect(m, wiring.flipped(self.o), queue.o)
        return m

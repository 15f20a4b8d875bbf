"""TileRequantiser: finishes words of the drain chain exactly, by formulas and parameters chosen at run time."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.contract import DIGIT_BITS
from hlsgen.rtl_templates.fabric.run_bus import WriteSignature, drained_word
from hlsgen.rtl_templates.fabric.tile_shape import RequantiserShape
from hlsgen.rtl_templates.memory_ports import read_port, write_port

from hlsgen.algebra.fields import members
from hlsgen.algebra.modes import REQUANTISE_MODES
from hlsgen.algebra.packets import LOAD_BITS, PARAMETER_WORDS

#: Bits of a product with its rounding constant.
TOTAL_BITS = 64
#: Bits of the fraction that are compared with one half one by one; those below count only as zero or not. Half a unit in the last
#: place of a float32 is 2**-25 of the next power of two above it.
FRACTION_BITS = 25


class TileRequantiser(wiring.Component):
    """The requantiser of one tile.

    Members (In): ``enable``: all registers move; ``clear``: nothing is under way any more; ``drained``: from the chain; ``row``: the parameter row,
    which the write generator keeps; ``configuration``; ``write``: part w of row r at address 4 * r + w.
    (Out): ``completes``: the present word is the last of a result, for which the write generator steps. ``valid``, ``result``: a result.

    **Timing**: ``result`` belongs to the word that completed it ``loop_contract.TILE_REQUANTISE_LATENCY`` enabled cycles ago. One word per cycle.
    **Cost**: a memory of 128 bits a row; 2 * ceil((max(word_bits, 32) + 1) / 17) multipliers of 18 x 18 bits.
    **Semantics**: scalar operators RequantiseFloat32 (of word + bias) and RequantiseMultiplyShift; ``pair``: the clamped and shifted sum of
    two weighted words. Products and sums are taken modulo 2**64.
    """

    def __init__(self, shape: RequantiserShape) -> None:
        self.shape = shape
        result = signed(shape.result_bits)
        self.layout = data.StructLayout(
            members(shape.fields) | {"zero_point": result, "low": result, "high": result}
        )
        super().__init__(
            {
                "enable": In(1),
                "clear": In(1),
                "drained": In(drained_word(shape.word_bits)),
                "row": In(range(max(2, shape.rows))),
                "configuration": In(self.layout),
                "write": In(WriteSignature()),
                "completes": Out(1),
                "valid": Out(1),
                "result": Out(result),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._m, mode = m, self.configuration.mode
        pair, floating = (
            mode == REQUANTISE_MODES.index("pair"),
            mode == REQUANTISE_MODES.index("float32"),
        )
        taken, second = Signal(name="taken"), Signal(name="second")
        m.d.comb += [
            taken.eq(self.drained.valid & (mode != REQUANTISE_MODES.index("off"))),
            self.completes.eq(taken & (second | ~pair)),
        ]
        with m.If(self.clear):
            m.d.sync += second.eq(0)
        with m.Elif(self.enable & taken):
            m.d.sync += second.eq(pair & ~second)
        # Register 1: the word, and its row out of the memory.
        bias, multiplier, rounding = self._parameters(second)
        ends = [taken & (second | ~pair), taken & second, taken & pair & ~second]
        ends_1, second_1, first_1 = (self._next(value, reset=True) for value in ends)
        word = self._next(Value.cast(self.drained.word)).as_signed()
        # Register 2: the biased sum; register 3: its magnitude, where the form is float32.
        total = self._next(word + bias)
        negative = total[-1] & floating
        factor = self._next(Mux(negative, -total, total))
        multiplier = self._next(self._next(multiplier))
        # Registers 4 to 7: the product with what is added to it.
        added = self._next(self._next(self._next(Mux(floating | first_1, 0, rounding))))
        flags = [ends_1, second_1, first_1]
        for _ in range(5):
            flags = [self._next(flag, reset=True) for flag in flags]
        whole = self._product(factor, multiplier, added, flags[1], flags[2])
        # Registers 8 to 12: two for the shift; two for the rounding; the limits.
        window, sticky, fits, above = self._shifted(whole)
        sign = negative
        for _ in range(7):
            sign = self._next(sign)
        self._finish(floating, window, sticky, fits, Mux(floating, sign, above))
        valid = flags[0]
        for _ in range(6):
            valid = self._next(valid, reset=True)
        m.d.comb += self.valid.eq(valid)
        return m

    def _next(self, value: Value, reset: bool = False) -> Signal:
        """A register behind a value; those that say whether there is a word are cleared."""
        register = Signal(Value.cast(value).shape(), reset_less=not reset, name="stage")
        with self._m.If(self.enable):
            self._m.d.sync += register.eq(value)
        if reset:
            with self._m.If(self.clear):
                self._m.d.sync += register.eq(0)
        return register

    def _parameters(self, second: Value) -> tuple[Value, Value, Value]:
        """Bias, multiplier and rounding of the row of this word, a cycle later."""
        m = self._m
        bits = max(1, (self.shape.rows - 1).bit_length())
        m.submodules.rows = rows = memory.Memory(
            shape=PARAMETER_WORDS * LOAD_BITS,
            depth=1 << bits,
            init=[],
            attrs={"no_collision": 1, "ram_style": "block"},
        )
        read, write = read_port(rows), write_port(rows, granularity=LOAD_BITS)
        m.d.comb += [
            read.addr.eq(self.row + second),
            read.en.eq(self.enable),
            write.addr.eq(self.write.address[2 : 2 + bits]),
            write.data.eq(self.write.data.replicate(PARAMETER_WORDS)),
            write.en.eq(self.write.valid << self.write.address[:2]),
        ]
        row = Value.cast(read.data)
        rounding = row[2 * LOAD_BITS :]
        return row[:LOAD_BITS].as_signed(), row[LOAD_BITS : 2 * LOAD_BITS], rounding

    def _product(
        self, factor: Value, multiplier: Value, added: Value, second: Value, first: Value
    ) -> Value:
        """factor * multiplier + added, and for the second word of a pair plus that of the first, which is held from one to the other."""
        m = self._m
        products = []
        for at_a, a in _digits(factor):
            for at_m, b in _digits(multiplier):
                products.append((at_a + at_m, self._next(a * b)))
        # Two operands an adder: three, which words of more than 34 bits have in the second stage, are added by a layer of full adders in LUTs first.
        terms: list[Value] = [added, *_joined(products)]
        pairs = [sum(terms[k + 1 : k + 2], terms[k]) for k in range(0, len(terms), 2)]
        terms = [self._next(value) for value in pairs]
        terms = [self._next(sum(terms[1:], terms[0]))]
        held = Signal(signed(TOTAL_BITS), reset_less=True, name="held")
        total = Signal(signed(TOTAL_BITS), name="total")
        m.d.comb += total.eq(terms[0] + held)
        with m.If(self.enable & (first | second)):
            m.d.sync += held.eq(Mux(second, 0, total))
        with m.If(self.clear):
            m.d.sync += held.eq(0)
        return self._next(total)

    def _shifted(self, whole: Value) -> tuple[Value, Value, Value, Value]:
        """The total shifted right by ``shift``, two cycles later.

        (FRACTION_BITS of the fraction with the bits that a result can have above them; whether a 1 was lost below; whether all
        bits above are copies of the sign; the sign).
        """
        m, sign = self._m, whole[-1]
        present: Value = Cat(Const(0, FRACTION_BITS), whole)
        lost: Value = Const(0, 1)
        above: Value = Const(0, 1)
        shift = self.configuration.shift
        kept = FRACTION_BITS + self.shape.result_bits + 1
        # The largest first: what those after it cannot bring down to the bits that are kept needs no multiplexers.
        for k in reversed(range(len(shift))):
            within = kept + (1 << k) - 1
            lost = lost | (shift[k] & present[: 1 << k].any())
            above = above | (~shift[k] & _differs(present[within:], sign))
            shifted = Signal(min(within, len(present)), name=f"shifted_{k}")
            filled = Cat(present[1 << k :], sign.replicate(1 << k))
            m.d.comb += shifted.eq(Mux(shift[k], filled, present))
            present = shifted
            if k == len(shift) // 2:
                present, lost, above, sign = map(self._next, (present, lost, above, sign))
        return (
            self._next(present),
            self._next(lost),
            self._next(~above),
            self._next(sign),
        )

    def _finish(
        self, floating: Value, window: Value, sticky: Value, fits: Value, negative: Value
    ) -> None:
        """Rounding of the float32 form (as in the scalar operator), in two cycles; after it sign, zero point and limits."""
        m, setting = self._m, self.configuration
        integer, below = window[FRACTION_BITS:], ~window[FRACTION_BITS - 1]
        # The fraction less one half, in two's complement; ones up to the highest bit of the integer part; and half a unit in
        # the last place of the product, which is the bit above these.
        distance, mask = Signal(FRACTION_BITS, name="distance"), Signal(FRACTION_BITS, name="mask")
        half = Signal(FRACTION_BITS, name="half")
        inside = Signal(name="inside")
        m.d.comb += [
            distance.eq(Cat(window[: FRACTION_BITS - 1], below)),
            mask.eq(Cat(integer[k:].any() for k in range(len(integer)))),
            half.eq(Cat(1, mask) & ~mask),
            inside.eq(~((distance ^ below.replicate(FRACTION_BITS)) & ~mask).any()),
        ]
        # Whether it is a tie where the fraction is below one half, where it is not; and whether it is rounded up if it is none.
        tie_below, tie_above, more = map(
            self._next,
            (
                inside & mask[0],
                inside | ((distance == half) & ~sticky),
                ~below & (distance.any() | sticky),
            ),
        )
        integer, below, negative, fits = map(self._next, (integer, below, negative, fits))
        up = Signal(name="up")
        m.d.comb += up.eq(Mux(Mux(below, tie_below, tie_above), integer[0], more))
        inverted, carry = negative & floating, floating & (up ^ negative)
        sign = self._next(negative)
        # -(integer + up) is ~integer + 1 - up: one sum for both signs, its carry given by a bit below.
        bits = Cat(integer ^ inverted.replicate(len(integer)), negative).as_signed()
        zero_point = Mux(floating, setting.zero_point, 0)
        above, carried = self._next(bits), self._next(carry)
        total = Cat(1, above).as_signed() + Cat(carried, zero_point).as_signed()
        value = total[1:].as_signed()
        result = Mux(value < setting.low, setting.low, value)
        result = Mux(value > setting.high, setting.high, result)
        end = Mux(sign, setting.low, setting.high)
        m.d.comb += self.result.eq(self._next(Mux(self._next(fits), result, end)))


def _differs(bits: Value, sign: Value) -> Value:
    """Whether any bit is not the sign."""
    return (bits ^ sign.replicate(len(bits))).any()


def _joined(products: list[tuple[int, Value]]) -> list[Value]:
    """Values whose sum is that of the (position, product) pairs: products that do not overlap are side by side, which needs no adder."""
    terms: list[Value] = []
    waiting = sorted(products, key=lambda product: product[0])
    while waiting:
        position, term = waiting.pop(0)
        joined: Value = Cat(Const(0, position), term)
        signed_ = term.shape().signed
        for product in list(waiting):
            gap = product[0] - len(joined)
            if not signed_ and gap >= 0:
                waiting.remove(product)
                joined, signed_ = Cat(joined, Const(0, gap), product[1]), product[1].shape().signed
        terms.append(joined.as_signed() if signed_ else joined)
    return terms


def _digits(value: Value) -> list[tuple[int, Value]]:
    """(position, digit) pairs of at most DIGIT_BITS (one more for the signed last digit) that make up a value."""
    sign = value.shape().signed
    count = max(1, -(-(len(value) - sign) // DIGIT_BITS))
    cut = [value[k * DIGIT_BITS : (k + 1) * DIGIT_BITS] for k in range(count - 1)]
    last = value[(count - 1) * DIGIT_BITS :]
    return [
        (k * DIGIT_BITS, digit)
        for k, digit in enumerate([*cut, last.as_signed() if sign else last])
    ]

"""LUTs of single operators as yosys maps them, to which the costs of word operators and of comparisons are fitted.

``python -m benchmarks.operator_luts`` synthesises every word operator and the scalar operator Equal, each by itself, on every family at every
width, and compares with ``hlsgen/cost/operator_luts.toml``, of which costs are made (exit code 1 where they differ); ``--record`` writes
the file instead.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from hlsgen.rtl_templates.arithmetic.scalar_units import scalar_unit
from hlsgen.rtl_templates.arithmetic.word_units import WORD_UNITS, WordAlu, accumulates

from benchmarks.models import ROOT
from hlsgen.algebra.scalar import Equal
from hlsgen.algebra.types import ElementType
from hlsgen.artefact.manifest import TOP
from hlsgen.bitstream.build import TOOLCHAINS, synthesised
from hlsgen.bitstream.steps import Workplace
from hlsgen.bitstream.synthesis import SynthesisJob
from hlsgen.bitstream.toolchain import Usage
from hlsgen.processes import Running
from hlsgen.progress import silent
from hlsgen.rtl.verilog import to_rtlil

RECORDS = ROOT / "hlsgen" / "cost" / "operator_luts.toml"
WIDTHS = (4, 8, 12, 16, 24, 32)


class Alone(wiring.Component):
    """One word operator on operands that change, as a fixed pipeline uses it: never idle, and true but where select chooses."""

    def __init__(self, operator: str, bits: int) -> None:
        self.operator, self.bits = operator, bits
        word = Shape(bits, signed=True)
        super().__init__({"a": In(word), "b": In(word), "flag": In(1), "result": Out(word)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if accumulates(self.operator):
            self._accumulate(m)
            return m
        m.submodules.unit = unit = WordAlu((self.operator,), self.bits)
        m.d.comb += [
            unit.a.eq(self.a),
            unit.b.eq(self.b),
            unit.predicate.eq(self.flag if self.operator == "select" else 1),
            unit.controls.as_value().eq(-1),
            self.result.eq(unit.result),
        ]
        return m

    def _accumulate(self, m: Module) -> None:
        """As ``LoopPipeline`` keeps a sum or a maximum, begun anew where ``flag`` is high."""
        product, value = Signal.like(self.a), Signal.like(self.result)
        multiplies = self.operator == "multiply_accumulate"
        following: Value = value + product if multiplies else Mux(product > value, product, value)
        m.d.sync += [
            product.eq(self.a * self.b if multiplies else self.a),
            value.eq(Mux(self.flag, product, following)),
        ]
        m.d.comb += self.result.eq(value)


class Collection(wiring.Component):
    """Every word operator, and the unit of Equal, side by side."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        results = {f"result_{name}": Out(bits) for name in (*WORD_UNITS, "Equal")}
        super().__init__({"a": In(bits), "b": In(bits), "flag": In(1), **results})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name in WORD_UNITS:
            m.submodules[name] = unit = Alone(name, self.bits)
            m.d.comb += [unit.a.eq(self.a), unit.b.eq(self.b), unit.flag.eq(self.flag)]
            m.d.comb += getattr(self, f"result_{name}").eq(unit.result)
        m.submodules.Equal = equal = scalar_unit(Equal(), (ElementType(self.bits, True),) * 2)
        m.d.comb += [equal.operand(0).eq(self.a), equal.operand(1).eq(self.b)]
        m.d.comb += self.result_Equal.eq(equal.result)
        return m


def usages(family: str, bits: int) -> dict[str, Usage]:
    """What each operator takes on words of so many bits, as yosys maps it within its own module."""
    text = re.sub(
        rf"^module \\{TOP}\.(\w+)$",
        lambda match: "attribute \\keep_hierarchy 1\n" + match[0],
        to_rtlil(Collection(bits)),
        flags=re.MULTILINE,
    )
    toolchain = TOOLCHAINS[family]
    with tempfile.TemporaryDirectory(prefix="hlsgen_operators_") as folder:
        work = Path(folder)
        (work / "design.il").write_text(text)
        synthesised(
            toolchain, Workplace(work, silent, Running()), SynthesisJob(("design.il",), TOP)
        )
        modules = json.loads((work / "mapped.json").read_text())["modules"]
    prefix = f"{TOP}."
    return {
        name.removeprefix(prefix): toolchain.count(
            Counter(cell["type"] for cell in module["cells"].values())
        )
        for name, module in modules.items()
        if name.startswith(prefix)
    }


def measured() -> str:
    """The records as TOML: a table for each family, and in it LUTs (and DSP blocks of products) at each of ``widths``."""
    lines = ["# LUTs of single operators: python -m benchmarks.operator_luts --record"]
    lines.append(f"widths = {list(WIDTHS)}")
    for family in sorted(TOOLCHAINS):
        by_width = [usages(family, bits) for bits in WIDTHS]
        for resource in ("lut", "dsp"):
            lines += ["", f"[{family}.{resource}]"]
            for name in sorted(by_width[0]):
                amounts = [getattr(each[name], resource) for each in by_width]
                if resource == "lut" or any(amounts):
                    lines.append(f"{name} = {amounts}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Compare with the records, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"write {RECORDS.name}")
    record, text = parser.parse_args().record, measured()
    if record:
        RECORDS.write_text(text)
    elif text != RECORDS.read_text():
        print(text)
        sys.exit(f"this differs from {RECORDS}")


if __name__ == "__main__":
    main()

"""SharedUnit: stands in a design for a unit that is emitted once as a module of its own and instantiated many times."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring


class SharedUnit(wiring.Component):
    """An instance of module ``module`` with the members ``signature``; the module is a component of them converted under that name."""

    def __init__(self, signature: wiring.Signature, module: str) -> None:
        self.module = module
        super().__init__(signature)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        ports: list[tuple[str, str, Any]] = [
            ("i", "clk", ClockSignal()),
            ("i", "rst", ResetSignal()),
        ]
        for path, member, value in self.signature.flatten(self):
            way = "i" if member.flow == wiring.In else "o"
            ports.append((way, "__".join(map(str, path)), value))
        m.submodules.shared = Instance(self.module, *ports)
        return m

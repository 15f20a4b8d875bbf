"""Units that a design emits once, as modules of their own, and instantiates many times.

Amaranth elaborates and converts every submodule by itself, however many are alike. A unit that is a ``SharedUnit`` becomes an
instance where the design is elaborated for a ``UnitLibrary``, which remembers the modules that are still to be converted.
Elaborated for anything else (simulation of a unit, say) it is its own circuit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from amaranth.hdl import ClockSignal, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import wiring


class SharedUnit(wiring.Component):
    """A unit with ``clk`` and ``rst`` of its design. Units of one class and one ``key`` are one module.

    A class of such units defines ``unit_name``, ``key`` and ``circuit`` in place of ``elaborate``.
    """

    unit_name: str
    """What the modules are called, before their number."""

    @property
    def key(self) -> Hashable:
        """Everything that the circuit depends on."""
        raise NotImplementedError

    @property
    def kept_apart(self) -> bool:
        """Whether synthesis leaves each unit as it is (``keep_hierarchy``): registers of equal content in several units stay several."""
        return False

    def circuit(self, platform: Any) -> Module:
        """The circuit behind the members."""
        raise NotImplementedError

    def elaborate(self, platform: Any) -> Module | Instance:
        if isinstance(platform, UnitLibrary):
            return platform.instance(self)
        return self.circuit(platform)


class UnitCircuit(Elaboratable):
    """The circuit of a shared unit for a converter, with the unit's members: also where the platform is a library."""

    def __init__(self, unit: SharedUnit) -> None:
        self._unit = unit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    def elaborate(self, platform: Any) -> Module:
        return self._unit.circuit(platform)


class UnitLibrary:
    """The modules of shared units that a design is made of; given as the platform to what elaborates the design.

    ``prefix`` begins the name of every module.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[tuple[type[SharedUnit], Hashable], str] = {}
        self._waiting: list[tuple[str, SharedUnit]] = []
        self._kept_apart: list[str] = []

    def instance(self, unit: SharedUnit) -> Instance:
        """The unit as an instance of the module that all of its kind share."""
        key = (type(unit), unit.key)
        if key not in self._names:
            alike = sum(kind is type(unit) for kind, _ in self._names)
            self._names[key] = f"{self._prefix}.{unit.unit_name}_{alike}"
            self._waiting.append((self._names[key], unit))
            if unit.kept_apart:
                self._kept_apart.append(self._names[key])
        ports: list[tuple[str, str, Any]] = [
            ("i", "clk", ClockSignal()),
            ("i", "rst", ResetSignal()),
        ]
        for path, member, value in unit.signature.flatten(unit):
            ports.append(
                ("i" if member.flow == wiring.In else "o", "__".join(map(str, path)), value)
            )
        return Instance(self._names[key], *ports)

    @property
    def kept_apart(self) -> tuple[str, ...]:
        """The modules of the units met so far that synthesis leaves as they are."""
        return tuple(self._kept_apart)

    def waiting(self) -> Iterator[tuple[str, UnitCircuit]]:
        """(module, its circuit) of every unit met so far, each once; converting one may meet others."""
        while self._waiting:
            name, unit = self._waiting.pop(0)
            yield name, UnitCircuit(unit)

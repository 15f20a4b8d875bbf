"""A synthesised netlist: the cells of the flattened top module of yosys' JSON, who drives and who reads each net."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

Net = int | str
"""One bit: the number of a net, or a constant: ``"0"``, ``"1"``, ``"x"``, ``"z"``."""


class Pin(NamedTuple):
    """One bit of a cell's port; ``cell`` is empty for a port of the design."""

    cell: str
    port: str
    bit: int


class Netlist:
    """The top module of a JSON file that yosys wrote; a step of the netlist changes it in place and writes it again.

    Members: ``document``: what is written; ``cells``: kind, parameters and connections of every cell, as in the file, by name.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        modules = document["modules"]
        name = next(n for n, m in modules.items() if int(m["attributes"].get("top", "0"), 2))
        self._top = modules[name]
        # The descriptions of the cells, which a flattened design has no more need of, stay behind.
        self.document = {**document, "modules": {name: self._top}}
        self.cells: dict[str, dict[str, Any]] = self._top["cells"]
        self._driver: dict[Net, Pin] = {}
        self._users: defaultdict[Net, set[Pin]] = defaultdict(set)
        for port, description in self._top["ports"].items():
            for bit, net in enumerate(description["bits"]):
                self._attach(Pin("", port, bit), net, description["direction"] == "input")
        for name, cell in self.cells.items():
            for port, nets in cell["connections"].items():
                drives = cell["port_directions"][port] == "output"
                for bit, net in enumerate(nets):
                    self._attach(Pin(name, port, bit), net, drives)
        nets = (*self._driver, *self._users)
        self._last = max((net for net in nets if isinstance(net, int)), default=1)

    @classmethod
    def read(cls, path: Path) -> Netlist:
        """The netlist of a JSON file."""
        with path.open() as file:
            return cls(json.load(file))

    def write(self, path: Path) -> None:
        """The file that place and route reads."""
        with path.open("w") as file:
            json.dump(self.document, file, separators=(",", ":"))

    def counts(self) -> Mapping[str, int]:
        """Number of cells of each kind; yosys' notes of the hierarchy are none."""
        kinds = Counter(str(cell["type"]) for cell in self.cells.values())
        return dict(sorted((kind, n) for kind, n in kinds.items() if kind != "$scopeinfo"))

    def restricted(self, cells: Iterable[str]) -> Netlist:
        """Only these cells, with what they are connected to."""
        (name,) = self.document["modules"]
        only = {**self._top, "cells": {cell: self.cells[cell] for cell in cells}}
        return Netlist({**self.document, "modules": {name: only}})

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Names of the cells of a kind."""
        return tuple(name for name, cell in self.cells.items() if cell["type"] == kind)

    def net(self, cell: str, port: str, bit: int = 0, default: Net = "x") -> Net:
        """What a pin is connected to; ``default`` where the cell does not have it."""
        nets: list[Net] = self.cells[cell]["connections"].get(port, ())
        return nets[bit] if bit < len(nets) else default

    def driver(self, net: Net) -> Pin | None:
        """The pin that drives a net; None for a constant and for a net that nothing drives."""
        return self._driver.get(net)

    def users(self, net: Net) -> frozenset[Pin]:
        """The pins that read a net."""
        return frozenset(self._users.get(net, ()))

    def kind(self, pin: Pin) -> str:
        """The kind of the cell of a pin; empty for a port of the design."""
        return str(self.cells[pin.cell]["type"]) if pin.cell else ""

    def connect(self, pin: Pin, net: Net, *, drives: bool = False) -> None:
        """Connect a pin to a net, in place of what it was connected to."""
        cell = self.cells[pin.cell]
        nets = cell["connections"].setdefault(pin.port, [])
        while len(nets) <= pin.bit:
            nets.append("x")
        self._detach(pin, nets[pin.bit])
        nets[pin.bit] = net
        cell.setdefault("port_directions", {})[pin.port] = "output" if drives else "input"
        self._attach(pin, net, drives)

    def drop_open_outputs(self) -> None:
        """Take away the outputs that are connected to nothing (``"x"``): nextpnr wants to see them, yosys refuses to."""
        for cell in self.cells.values():
            directions, connections = cell["port_directions"], cell["connections"]
            for port in [p for p, nets in connections.items() if set(nets) == {"x"}]:
                if directions[port] == "output":
                    del directions[port], connections[port]

    def fresh(self) -> Net:
        """A net that nothing is connected to."""
        self._last += 1
        return self._last

    def add(
        self,
        name: str,
        kind: str,
        parameters: Mapping[str, str],
        inputs: Mapping[str, Net],
        outputs: Mapping[str, Net],
    ) -> None:
        """Put a cell with ports of one bit into the netlist."""
        assert name not in self.cells
        directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
        self.cells[name] = {
            "hide_name": 0,
            "type": kind,
            "parameters": dict(parameters),
            "attributes": {},
            "port_directions": directions,
            "connections": {port: [net] for port, net in {**inputs, **outputs}.items()},
        }
        for port, direction in directions.items():
            pin = Pin(name, port, 0)
            self._attach(pin, self.net(name, port), direction == "output")

    def set_parameters(self, cell: str, **values: str) -> None:
        """Set parameters of a cell."""
        self.cells[cell]["parameters"].update(values)

    def remove(self, cell: str) -> None:
        """Take a cell out of the netlist."""
        for port, nets in self.cells[cell]["connections"].items():
            for bit, net in enumerate(nets):
                self._detach(Pin(cell, port, bit), net)
        del self.cells[cell]

    def _attach(self, pin: Pin, net: Net, drives: bool) -> None:
        if isinstance(net, str):
            return
        if drives:
            self._driver[net] = pin
        else:
            self._users[net].add(pin)

    def _detach(self, pin: Pin, net: Net) -> None:
        self._users[net].discard(pin)
        if self._driver.get(net) == pin:
            del self._driver[net]

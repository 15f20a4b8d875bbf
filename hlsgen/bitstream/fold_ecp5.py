"""A step of the ECP5 netlist: flip-flops around multipliers and behind block RAMs move into the registers of these cells.

yosys leaves the registers of MULT18X18D and DP16KD unused. With them a multiplier's clock to output falls from 3.9 to 0.7 ns and a block
RAM's from 5.8 to 1.0 (speed grade 6, Project Trellis). A group of flip-flops moves only if the registers of the cell do the same: one rising
clock, never held, no reset, initial value 0, and behind an output no other reader of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hlsgen.bitstream.align_ecp5 import OPERAND_BITS, PRODUCT_BITS
from hlsgen.bitstream.netlist import Net, Netlist, Pin

MEMORY_BITS = 18
"""Bits of each of the two read ports of a DP16KD; words of 36 bits leave through both."""


@dataclass(frozen=True)
class FlipFlop:
    """A flip-flop that a register of another cell could take over."""

    cell: str
    data: Net
    output: Net
    clock: Net


@dataclass(frozen=True)
class Folded:
    """How many cells now use their registers: multipliers in front and behind, ports of block RAMs; and flip-flops that went."""

    operands: int
    products: int
    memories: int
    flip_flops: int


def fold_registers(netlist: Netlist) -> Folded:
    """Move flip-flops into multipliers and block RAMs, in place."""
    before = len(netlist.of_kind("TRELLIS_FF"))
    multipliers = netlist.of_kind("MULT18X18D")
    products = [_fold_product(netlist, cell) for cell in multipliers]
    memories = [_fold_memory(netlist, cell) for cell in netlist.of_kind("DP16KD")]
    operands = [_fold_operands(netlist, cell) for cell in multipliers]
    after = len(netlist.of_kind("TRELLIS_FF"))
    return Folded(sum(operands), sum(products), sum(memories), before - after)


def _flip_flop(netlist: Netlist, cell: str) -> FlipFlop | None:
    """The flip-flop of a cell; None if it has something that the registers of multipliers and memories lack."""
    if netlist.cells[cell]["type"] != "TRELLIS_FF":
        return None
    parameters = netlist.cells[cell]["parameters"]
    setting = {name: str(value).strip() for name, value in parameters.items()}
    if setting.get("CLKMUX", "CLK") != "CLK" or setting.get("REGSET", "RESET") != "RESET":
        return None
    if setting.get("LSRMUX", "LSR") != "LSR" or netlist.net(cell, "LSR", default="0") != "0":
        return None
    if setting.get("CEMUX", "1") != "1":
        return None
    clock = netlist.net(cell, "CLK")
    return FlipFlop(cell, netlist.net(cell, "DI"), netlist.net(cell, "Q"), clock)


def _behind(netlist: Netlist, cell: str, ports: Iterable[str]) -> dict[str, FlipFlop] | None:
    """The flip-flop behind each output that is read at all; None unless each is its output's only reader and all share a clock."""
    registers: dict[str, FlipFlop] = {}
    for port in ports:
        readers = netlist.users(netlist.net(cell, port))
        if not readers:
            continue
        reader = next(iter(readers))
        if len(readers) > 1 or not reader.cell or reader.port != "DI":
            return None
        register = _flip_flop(netlist, reader.cell)
        if register is None:
            return None
        registers[port] = register
    return registers if len({r.clock for r in registers.values()}) == 1 else None


def _take_outputs(netlist: Netlist, cell: str, registers: dict[str, FlipFlop]) -> None:
    """The outputs drive what the flip-flops behind them drove, which go."""
    for port, register in registers.items():
        netlist.remove(register.cell)
        netlist.connect(Pin(cell, port, 0), register.output, drives=True)


def _fold_product(netlist: Netlist, cell: str) -> bool:
    """The flip-flops behind a multiplier become its output register."""
    registers = _behind(netlist, cell, (f"P{k}" for k in range(PRODUCT_BITS)))
    if registers is None:
        return False
    _clock(netlist, cell, next(iter(registers.values())).clock)
    # Project Trellis has found no bits for REG_OUTPUT_CE of its own, and shares those of the reset with the pipeline register's in half of
    # the multipliers: naming the same for both registers leaves nothing to a default.
    for register in ("OUTPUT", "PIPELINE"):
        settings = {f"REG_{register}_CE": "CE0", f"REG_{register}_RST": "RST0"}
        netlist.set_parameters(cell, **settings)
    netlist.set_parameters(cell, REG_OUTPUT_CLK="CLK0")
    _take_outputs(netlist, cell, registers)
    return True


def _fold_operands(netlist: Netlist, cell: str) -> bool:
    """The flip-flops of both operands become the multiplier's input registers, if its output register has their clock.

    A flip-flop stays for its other readers. Where logic stands in front of them the flip-flops stay beside it: the way to the multiplier
    would add to its delay. Registers of multipliers that must differ from 0 before the first edge do not exist: constants are 0.
    """
    clock: Net | None = None
    if "REG_OUTPUT_CLK" in netlist.cells[cell]["parameters"]:
        clock = netlist.net(cell, "CLK0")
    sources: dict[str, FlipFlop] = {}
    for side in "AB":
        for k in range(OPERAND_BITS):
            net = netlist.net(cell, f"{side}{k}")
            if net == "0":
                continue
            driver = netlist.driver(net)
            register = _flip_flop(netlist, driver.cell) if driver and driver.cell else None
            if register is None or register.clock != (clock or register.clock):
                return False
            if not _registered(netlist, register.data):
                return False
            clock = register.clock
            sources[f"{side}{k}"] = register
    if clock is None:
        return False
    _clock(netlist, cell, clock)
    for side in "AB":
        settings = {f"REG_INPUT{side}_CLK": "CLK0", f"REG_INPUT{side}_CE": "CE0"}
        netlist.set_parameters(cell, **settings, **{f"REG_INPUT{side}_RST": "RST0"})
    for port, register in sources.items():
        netlist.connect(Pin(cell, port, 0), register.data)
    for name in {register.cell for register in sources.values()}:
        if not netlist.users(netlist.net(name, "Q")):
            netlist.remove(name)
    return True


def _registered(netlist: Netlist, net: Net) -> bool:
    """Whether a net comes out of a flip-flop, of a RAM or of nothing that moves, without logic behind it."""
    if isinstance(net, str):
        return True
    driver = netlist.driver(net)
    return driver is not None and netlist.kind(driver) in ("TRELLIS_FF", "DP16KD")


def _clock(netlist: Netlist, cell: str, clock: Net) -> None:
    """Connect the clock of a multiplier's registers, which are always enabled and never reset."""
    for port, net in (("CLK0", clock), ("CE0", "1"), ("RST0", "0")):
        netlist.connect(Pin(cell, port, 0), net)
    netlist.set_parameters(cell, CLK0_DIV="ENABLED", RESETMODE="SYNC")


def _fold_memory(netlist: Netlist, cell: str) -> int:
    """The flip-flops behind each read port become its output register; the number of ports."""
    wide = int(netlist.cells[cell]["parameters"]["DATA_WIDTH_A"], 2) == 2 * MEMORY_BITS
    folded = 0
    for sides in ("AB",) if wide else ("A", "B"):
        ports = (f"DO{side}{k}" for side in sides for k in range(MEMORY_BITS))
        registers = _behind(netlist, cell, ports)
        if registers is None:
            continue
        clock = next(iter(registers.values())).clock
        clocks = {netlist.net(cell, f"CLK{side}") for side in sides}
        resets = {netlist.net(cell, f"RST{side}", default="0") for side in sides}
        edges = {netlist.cells[cell]["parameters"].get(f"CLK{s}MUX", f"CLK{s}") for s in sides}
        if clocks != {clock} or resets != {"0"} or "INV" in edges:
            continue
        for side in sides:
            netlist.set_parameters(cell, **{f"REGMODE_{side}": "OUTREG"})
            netlist.connect(Pin(cell, f"OCE{side}", 0), "1")
        _take_outputs(netlist, cell, registers)
        folded += len(sides)
    return folded

"""A step of the ECP5 netlist: carry chains begin and end within their own cells.

nextpnr-ecp5 puts a CCU2C in front of a chain whose carry in is connected, be it to a constant, and one behind a chain whose carry out is
connected, be it to nothing (``ecp5/pack.cc``): four LUTs a chain. Here the carry begins in a half of the first CCU2C. A half whose LUT4 is
0 hands on ``INIT[3:0](A, B)``, whatever comes in; one whose LUT4 is always 0 gives the carry that comes in as its sum (yosys'
``lattice/ccu2c_sim.vh``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlsgen.bitstream.netlist import Net, Netlist

_PINS = "ABCD"
_HIGH: tuple[Net, ...] = ("1", "1", "1", "1")


@dataclass(frozen=True)
class Half:
    """A bit of a chain: the table of its LUT4, what stands at A, B, C and D, and the net of its sum (``"x"``: nobody reads it)."""

    table: int
    pins: tuple[Net, ...]
    total: Net


@dataclass(frozen=True)
class Chain:
    """The CCU2C of a chain, from its first on, with the halves that something depends on."""

    cells: tuple[str, ...]
    carry: Net
    halves: tuple[Half, ...]


def begin_chains(netlist: Netlist) -> int:
    """Let every chain begin and end within its own cells, in place; the number of chains.

    A chain that is read between its ends is left as it is.
    """
    chains = [chain for first in _firsts(netlist) if (chain := _chain(netlist, first)) is not None]
    for chain in chains:
        _rebuild(netlist, chain)
    return len(chains)


def _firsts(netlist: Netlist) -> list[str]:
    """The CCU2C whose carry does not come out of another."""
    firsts = []
    for cell in netlist.of_kind("CCU2C"):
        driver = netlist.driver(netlist.net(cell, "CIN"))
        if driver is None or netlist.kind(driver) != "CCU2C" or driver.port != "COUT":
            firsts.append(cell)
    return firsts


def _chain(netlist: Netlist, first: str) -> Chain | None:
    """The chain that begins with a cell; None if it is read between its ends, or does something else than to carry."""
    carry = netlist.net(first, "CIN")
    if carry == "x":
        return None
    cells, halves, cell = [first], [], first
    while True:
        for half in (0, 1):
            if netlist.cells[cell]["parameters"].get(f"INJECT1_{half}", "YES") != "NO":
                return None
            halves.append(_half(netlist, cell, half))
        out = netlist.net(cell, "COUT")
        readers = netlist.users(out)
        following = [pin.cell for pin in readers if pin.cell and pin.port == "CIN"]
        if not following:
            break
        if len(readers) > 1:
            return None
        cell = following[0]
        cells.append(cell)
    if readers:
        halves.append(Half(0, _HIGH, out))
    while len(halves) > 1 and halves[-1].total == "x":
        halves.pop()
    return Chain(tuple(cells), carry, tuple(halves))


def _half(netlist: Netlist, cell: str, half: int) -> Half:
    total = netlist.net(cell, f"S{half}")
    table = int(netlist.cells[cell]["parameters"][f"INIT{half}"], 2)
    pins = tuple(netlist.net(cell, f"{pin}{half}", default="1") for pin in _PINS)
    return Half(table, pins, total if netlist.users(total) else "x")


def _rebuild(netlist: Netlist, chain: Chain) -> None:
    """Put a chain that begins in its first cell into the place of the one that there is."""
    halves = (_beginning(chain.carry), *chain.halves)
    apart = None
    if len(chain.halves) % 2 == 0 and (absorbed := _absorbed(chain.halves[0], chain.carry)):
        # With its lowest sum in a LUT of its own the chain is as long as before.
        halves, apart = (absorbed, *chain.halves[1:]), chain.halves[0]
    for cell in chain.cells:
        netlist.remove(cell)
    if apart is not None and apart.total != "x":
        table = apart.table ^ (0xFFFF if chain.carry == "1" else 0)
        pins = dict(zip(_PINS, apart.pins, strict=True))
        name = f"{chain.cells[0]}_first"
        netlist.add(name, "LUT4", {"INIT": format(table, "016b")}, pins, {"Z": apart.total})
    carry: Net = "x"
    for k in range(0, len(halves), 2):
        number = k // 2
        name = chain.cells[number] if number < len(chain.cells) else f"{chain.cells[-1]}_{number}"
        last = k + 2 >= len(halves)
        carry_next: Net = "x" if last else netlist.fresh()
        _add_cell(netlist, name, halves[k : k + 2], carry, carry_next)
        carry = carry_next


def _add_cell(
    netlist: Netlist, name: str, halves: tuple[Half, ...], carry: Net, carry_next: Net
) -> None:
    parameters = {"INJECT1_0": "NO", "INJECT1_1": "NO"}
    inputs: dict[str, Net] = {"CIN": carry}
    outputs: dict[str, Net] = {"COUT": carry_next}
    unused = Half(0, _HIGH, "x")
    for number, half in enumerate((*halves, unused)[:2]):
        parameters[f"INIT{number}"] = format(half.table, "016b")
        inputs |= {f"{pin}{number}": net for pin, net in zip(_PINS, half.pins, strict=True)}
        outputs[f"S{number}"] = half.total
    netlist.add(name, "CCU2C", parameters, inputs, outputs)


def _beginning(carry: Net) -> Half:
    """A half that hands on a carry from outside the chain."""
    if carry in ("0", "1"):
        return Half(0xF if carry == "1" else 0, _HIGH, "x")
    return Half(0xA, (carry, "1", "1", "1"), "x")


def _absorbed(half: Half, carry: Net) -> Half | None:
    """A half that hands on what ``half`` does after a constant carry; None if that depends on more than two nets."""
    if carry not in ("0", "1"):
        return None
    into = int(carry)
    if any(net == "x" for net in half.pins):
        return None
    nets = sorted({net for net in half.pins if not isinstance(net, str)})
    values: dict[tuple[int, ...], int] = {}
    for number in range(1 << len(nets)):
        bits = {net: number >> k & 1 for k, net in enumerate(nets)}
        index = sum(_bit(net, bits) << k for k, net in enumerate(half.pins))
        chosen = half.table >> index & 1
        values[tuple(bits.values())] = into if chosen else half.table >> (index & 3) & 1
    moving = [k for k in range(len(nets)) if _depends(values, k)]
    if len(moving) > 2:
        return None
    table = 0
    for place in range(4):
        places = {k: place >> at & 1 for at, k in enumerate(moving)}
        key = tuple(places.get(k, 0) for k in range(len(nets)))
        table |= values[key] << place
    pins = (*(nets[k] for k in moving), *_HIGH)[:4]
    return Half(table, pins, "x")


def _bit(net: Net, bits: Mapping[int, int]) -> int:
    return int(net) if isinstance(net, str) else bits[net]


def _depends(values: Mapping[tuple[int, ...], int], at: int) -> bool:
    """Whether the function with this table changes with one of its variables."""
    return any(
        value != values[(*key[:at], 1 - key[at], *key[at + 1 :])] for key, value in values.items()
    )

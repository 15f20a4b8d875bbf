"""What nextpnr makes of a netlist's LUTs, flip-flops and carry chains when it packs, counted before it does.

The rules are those of nextpnr: ``ice40/pack.cc`` and ``ice40/chains.cc``, ``himbaechel/uarch/gowin/pack_luts.cc``.
"""

from __future__ import annotations

from hlsgen.bitstream.netlist import Net, Netlist, Pin


def gowin_chain_ends(netlist: Netlist) -> int:
    """ALUs that a Gowin netlist gets beside its own: one in front of each chain, one behind a carry that is read, and one that makes them even."""
    added = 0
    for cell in netlist.of_kind("ALU"):
        if _from_alu(netlist, cell):
            continue
        length, here = 1, cell
        while True:
            length += 1
            readers = netlist.users(netlist.net(here, "COUT"))
            if len(readers) != 1 or not _is_carry_in(netlist, pin := next(iter(readers))):
                break
            here = pin.cell
        whole = length + bool(readers)
        added += whole + whole % 2 - (length - 1)
    return added


def _from_alu(netlist: Netlist, cell: str) -> bool:
    """Whether an ALU goes on with the chain of another."""
    carry = netlist.net(cell, "CIN")
    driver = netlist.driver(carry)
    chained = driver is not None and netlist.kind(driver) == "ALU" and driver.port == "COUT"
    return chained and len(netlist.users(carry)) == 1


def _is_carry_in(netlist: Netlist, pin: Pin) -> bool:
    return netlist.kind(pin) == "ALU" and pin.port == "CIN"


def ice40_logic_cells(netlist: Netlist) -> int:
    """Logic cells of an iCE40 netlist: LUTs, flip-flops and carries as far as they do not share one, and the ends of carry chains.

    Near: where several LUTs could share a cell with a carry, nextpnr decides by the order of names.
    """
    luts, flip_flops = netlist.of_kind("SB_LUT4"), _flip_flops(netlist)
    paired = sum(_registered(netlist, lut) for lut in luts)
    alone, merged = 0, set[str]()
    for carry in netlist.of_kind("SB_CARRY"):
        if _has_sum(netlist, carry):
            continue
        alone += 1
        if (lut := _lut_of_operand(netlist, carry, merged)) is not None:
            merged.add(lut)
    ends = sum(_ends(netlist, carry) for carry in netlist.of_kind("SB_CARRY"))
    return len(luts) + len(flip_flops) - paired + alone - len(merged) + ends


def _flip_flops(netlist: Netlist) -> list[str]:
    return [name for name, cell in netlist.cells.items() if cell["type"].startswith("SB_DFF")]


def _registered(netlist: Netlist, lut: str) -> bool:
    """Whether a flip-flop alone reads the LUT, whose cell it then shares."""
    readers = netlist.users(netlist.net(lut, "O"))
    pin = next(iter(readers)) if len(readers) == 1 else None
    return pin is not None and netlist.kind(pin).startswith("SB_DFF") and pin.port == "D"


def _has_sum(netlist: Netlist, carry: str) -> bool:
    """Whether a LUT reads both operands where the carry does, and the carry that comes in; that at a chain's beginning is known."""
    operands = {"I1": netlist.net(carry, "I0"), "I2": netlist.net(carry, "I1")}
    moving = [(port, net) for port, net in operands.items() if not isinstance(net, str)]
    if not moving:
        return False
    both = {
        lut
        for lut in _luts_at(netlist, moving[0][1], moving[0][0])
        if all(netlist.net(lut, port) == net for port, net in operands.items())
    }
    carried = netlist.net(carry, "CI")
    if isinstance(carried, str):
        return len(both) == 1
    return bool(both & _luts_at(netlist, carried, "I3"))


def _luts_at(netlist: Netlist, net: Net, port: str) -> set[str]:
    """The LUTs that read a net at a port."""
    return {
        pin.cell
        for pin in netlist.users(net)
        if pin.port == port and netlist.kind(pin) == "SB_LUT4"
    }


def _lut_of_operand(netlist: Netlist, carry: str, merged: set[str]) -> str | None:
    """A LUT of at most two inputs without a flip-flop that makes an operand of a carry without a sum: it goes into the carry's cell."""
    for port in ("I0", "I1"):
        driver = netlist.driver(netlist.net(carry, port))
        if driver is None or netlist.kind(driver) != "SB_LUT4" or driver.cell in merged:
            continue
        inputs = [netlist.net(driver.cell, pin) for pin in ("I0", "I1")]
        if all(isinstance(net, str) for net in inputs) and not _registered(netlist, driver.cell):
            return driver.cell
    return None


def _ends(netlist: Netlist, carry: str) -> int:
    """Cells through which a carry comes from logic, or goes to it."""
    came = netlist.net(carry, "CI")
    driver = netlist.driver(came)
    begins = not isinstance(came, str) and (driver is None or netlist.kind(driver) != "SB_CARRY")
    readers = netlist.users(netlist.net(carry, "CO"))
    sums = [pin for pin in readers if netlist.kind(pin) == "SB_LUT4" and pin.port == "I3"]
    carries = [pin for pin in readers if netlist.kind(pin) == "SB_CARRY" and pin.port == "CI"]
    if not readers:
        return int(begins)
    plain = len(readers) <= 2 and len(sums) == 1 and len(sums) + len(carries) == len(readers)
    return int(begins) + (not plain and not (len(readers) == 1 and len(carries) == 1))

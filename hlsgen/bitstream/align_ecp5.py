"""A step of the ECP5 netlist: operands of multipliers move to the upper ends of their ports.

yosys fills the upper bits of an operand that is narrower than 18 bits with copies of its sign: an int8 value on a MULT18X18D has one net on
eleven pins, which all have to be routed. ``(a * 2^j) * (b * 2^k) = (a * b) * 2^(j + k)``: with the operands at the upper ends constants 0
stand below them, which need no wires, and the product is read j + k bits higher. Done before registers are folded.
"""

from __future__ import annotations

from hlsgen.bitstream.netlist import Net, Netlist, Pin

OPERAND_BITS = 18
PRODUCT_BITS = 36


def align_operands(netlist: Netlist) -> int:
    """Move the operands of every multiplier up as far as they go, in place; the number of pins that need no wire any more."""
    freed = 0
    for cell in netlist.of_kind("MULT18X18D"):
        shifts = {side: _redundant(netlist, cell, side) for side in "AB"}
        for side, shift in shifts.items():
            freed += _move_up(netlist, cell, side, shift)
        _read_above(netlist, cell, sum(shifts.values()))
    return freed


def _pins(netlist: Netlist, cell: str, side: str) -> list[Net]:
    return [netlist.net(cell, f"{side}{k}") for k in range(OPERAND_BITS)]


def _redundant(netlist: Netlist, cell: str, side: str) -> int:
    """How many of the upper bits of an operand are copies of the one below them."""
    nets = _pins(netlist, cell, side)
    copies = 0
    while copies < OPERAND_BITS - 1 and nets[-2 - copies] == nets[-1]:
        copies += 1
    return copies


def _move_up(netlist: Netlist, cell: str, side: str, shift: int) -> int:
    nets = _pins(netlist, cell, side)
    for k, net in enumerate(["0"] * shift + nets[: OPERAND_BITS - shift]):
        netlist.connect(Pin(cell, f"{side}{k}", 0), net)
    return shift if isinstance(nets[-1], int) else 0


def _read_above(netlist: Netlist, cell: str, shift: int) -> None:
    """What read a bit of the product reads the one ``shift`` bits higher; above the last all bits are the sign."""
    nets = [netlist.net(cell, f"P{k}") for k in range(PRODUCT_BITS)]
    sign = nets[PRODUCT_BITS - 1 - shift]
    for net in nets[PRODUCT_BITS - shift :]:
        for user in netlist.users(net):
            if sign == "x":
                sign = netlist.fresh()
            netlist.connect(user, sign)
    kept = [*nets[: PRODUCT_BITS - shift - 1], sign]
    for k in range(PRODUCT_BITS):
        net = kept[k - shift] if k >= shift else "x"
        netlist.connect(Pin(cell, f"P{k}", 0), "x", drives=True)
        netlist.connect(Pin(cell, f"P{k}", 0), net, drives=True)

"""A step of the ECP5 netlist: address bits that a memory in LUTs does not use repeat one that it uses.

yosys ties them to 0, and nextpnr-ecp5 brings that 0 to every pin through the wires of all other signals, from one LUT (``ecp5/pack.cc``,
``pack_constants``): four LUTs a memory for each bit that is read, and one that is written. 8 x 8 PEs have 1,300 such memories. A bit that is at hand
leaves them their place, since a memory whose address bits k and 0 are the same everywhere uses other rows, as many of them.
"""

from __future__ import annotations

from hlsgen.bitstream.netlist import Netlist, Pin

_KIND = "TRELLIS_DPR16X4"
_BITS = 4


def repeat_addresses(netlist: Netlist) -> int:
    """Let every address bit that is 0 in writes and reads be the lowest one that is not, in place; the number of those bits.

    A memory that begins with a content is left as it is.
    """
    repeated = 0
    for cell in netlist.of_kind(_KIND):
        content = str(netlist.cells[cell]["parameters"].get("INITVAL", ""))
        unused = [bit for bit in range(_BITS) if _is_unused(netlist, cell, bit)]
        used = [bit for bit in range(_BITS) if bit not in unused]
        if "1" in content or not used:
            continue
        for bit in unused:
            for port in ("RAD", "WAD"):
                netlist.connect(Pin(cell, port, bit), netlist.net(cell, port, used[0]))
        repeated += len(unused)
    return repeated


def _is_unused(netlist: Netlist, cell: str, bit: int) -> bool:
    return all(netlist.net(cell, port, bit) == "0" for port in ("RAD", "WAD"))

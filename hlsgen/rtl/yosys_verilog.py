"""``python yosys_verilog.py IN.il OUT.v TOP [MODULE ...]``: RTLIL to Verilog whose operators have operands of their result's width.

Runs in a process of its own, see ``verilog.py``. Verilog would extend the operands in the same way; written out, a linter has
nothing to say and a reader nothing to guess.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from pyosys import libyosys

_AS_RESULT = ("$add", "$sub", "$and", "$or", "$xor", "$xnor", "$not", "$pos", "$neg")
_ALIKE = ("$eq", "$ne", "$lt", "$le", "$gt", "$ge")
_SHIFTS = ("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx")
_A, _B, _Y = (libyosys.IdString(f"\\{name}") for name in "ABY")
_SIGNED = libyosys.IdString("\\A_SIGNED")


def main() -> None:
    """Convert argument 1 to argument 2: the module of argument 3 and what it instantiates; the further ones are to be kept apart in synthesis."""
    source, target, top, *apart = sys.argv[1:]
    design = libyosys.Design()
    _run(design, f"read_rtlil {source}", "proc -noopt", "pmuxtree", "memory_collect", "opt_clean")
    # What memories of a single port hold at first is nobody's matter (see ``channel_buffer.HUGE``), and the SPRAM of a device cannot be told.
    _run(design, "setparam -set INIT 1'x t:$mem_v2 a:ram_style=huge %i")
    for module in _values(design.modules_):
        for cell in list(_values(module.cells_)):
            _widen(module, cell)
        _drop_empty_wires(module)
    for name in apart:
        _run(design, f"setattr -mod -set keep_hierarchy 1 {name}")
    # With attributes: synthesis reads how memories are meant (rom_style, no_collision) from the Verilog.
    # Last, since units without effect are gone by now: what nobody instantiates would be a second top.
    _run(design, f"hierarchy -check -top {top}", "check -assert", f"write_verilog {target}")


def _run(design: Any, *commands: str) -> None:
    for command in commands:
        libyosys.run_pass(f"tee -q -a yosys.log {command}", design)


def _values(named: Any) -> Iterator[Any]:
    return (named[key] for key in list(named))


def _widen(module: Any, cell: Any) -> None:
    """Bring the operands of one cell to the width that the operation has in RTLIL."""
    kind = cell.type.str()
    names: tuple[Any, ...]
    if kind in _AS_RESULT:
        names, width = (_A, _B), cell.getPort(_Y).size()
    elif kind in _ALIKE:
        names, width = (_A, _B), max(cell.getPort(_A).size(), cell.getPort(_B).size())
    elif kind in _SHIFTS:
        names, width = (_A,), max(cell.getPort(_A).size(), cell.getPort(_Y).size())
    else:
        return
    signed = cell.getParam(_SIGNED).as_bool()
    for name in names:
        if cell.hasPort(name):
            operand = cell.getPort(name)
            operand.extend_u0(width, signed)
            cell.setPort(name, operand)
    result = cell.getPort(_Y)
    if kind in _SHIFTS and result.size() < width:
        whole = module.addWire(module.uniquify(libyosys.IdString("\\shifted")), width)
        cell.setPort(_Y, libyosys.SigSpec(whole))
        module.connect(result, libyosys.SigSpec(whole).extract(0, result.size()))
    cell.fixup_parameters()


def _drop_empty_wires(module: Any) -> None:
    """Signals of no bits, which Verilog cannot say."""
    empty = {wire for wire in _values(module.wires_) if wire.width == 0}
    if empty:
        module.remove(empty)


if __name__ == "__main__":
    main()

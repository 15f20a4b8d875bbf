"""Yosys proves that flip-flops may move into ECP5 multipliers and block RAMs, on the models of these cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bitstream.test_fold_ecp5 import CLOCK, ENABLE, READ, Circuit

from hlsgen.bitstream.fold_ecp5 import fold_registers
from hlsgen.bitstream.netlist import Netlist, Pin
from hlsgen.bitstream.netlist_verilog import model_commands
from hlsgen.bitstream.tools import YOSYS, run_tool
from hlsgen.errors import ToolFailed

STAND_INS = """
module ECP5_product (input [17:0] a, b, input signed_a, signed_b, output [35:0] p);
    assign p = {a, b} ^ {b, a};
endmodule
module ECP5_memory #(
    parameter WIDTH_A = 0, parameter WIDTH_B = 0, parameter WRITEMODE_A = 0, parameter WRITEMODE_B = 0,
    parameter INITIAL = 0
) (
    input clk_a, clk_b, enable_a, enable_b, write_a, write_b, reset_a, reset_b,
    input [13:0] address_a, address_b, input [17:0] data_a, data_b, output [17:0] q_a, q_b
);
    assign q_a = data_a;
    assign q_b = data_b;
endmodule
"""
"""What a cell computes is of no account to the registers beside it: any function may stand for it, and these are quickly compared."""


def with_ports(netlist: Netlist, inputs: list[int], outputs: list[int]) -> Netlist:
    """The same with everything that yosys asks of a file: named ports, and names for the registers that may go."""
    top: dict[str, Any] = next(iter(netlist.document["modules"].values()))
    top["attributes"] = {"top": format(1, "032b")}
    nets = {"clk": [CLOCK], "enable": [ENABLE], "read": [READ], "i": inputs}
    top["ports"] = {name: {"direction": "input", "bits": bits} for name, bits in nets.items()}
    top["ports"]["q"] = {"direction": "output", "bits": outputs}
    for name in ("a0", "b0", "a1", "b1"):
        bits = [
            cell["connections"]["Q"][0]
            for n, cell in netlist.cells.items()
            if n.startswith(f"{name}_")
        ]
        if bits:
            top["netnames"][name] = {"hide_name": 0, "bits": bits, "attributes": {}}
    for cell in netlist.cells.values():
        cell |= {"hide_name": 0, "attributes": {}}
    return netlist


def multiplier() -> Netlist:
    """A multiplier of unsigned operands with two registers before each and one behind."""
    circuit = Circuit()
    a, b = circuit.nets(18), circuit.nets(18)
    inputs = a + b
    for k in range(2):
        a, b = circuit.registers(f"a{k}", a), circuit.registers(f"b{k}", b)
    outputs = circuit.registers("p", circuit.multiply("cell", a, b))
    for side in "AB":
        circuit.cells["cell"]["connections"][f"SIGNED{side}"] = ["0"]
    return with_ports(circuit.netlist(outputs), inputs, outputs)


def memory(bits: int) -> Netlist:
    """A block RAM with a register behind its read port."""
    circuit = Circuit()
    inputs = circuit.nets(36)
    outputs = circuit.registers("q", circuit.memory("cell", bits))
    for side, nets in (("A", inputs[:18]), ("B", inputs[18:])):
        for k, net in enumerate(nets):
            circuit.cells["cell"]["connections"][f"DI{side}{k}"] = [net]
            circuit.cells["cell"]["port_directions"][f"DI{side}{k}"] = "input"
    return with_ports(circuit.netlist(outputs), inputs, outputs)


def prove_equal(folder: Path, plain: str, folded: Netlist, operands: bool) -> None:
    """Prove that ``folded`` does in every cycle what the file ``plain`` does; raises ToolFailed where that is not so.

    ``operands``: the cell's registers of its operands are told to be the flip-flops that went, for the proof by induction.
    """
    folded.write(folder / "folded.json")
    (folder / "stand_ins.v").write_text(STAND_INS)
    commands: list[str] = []
    for side, file in (("gold", plain), ("gate", "folded.json")):
        commands += [
            *(
                f"read_json {file}",
                *model_commands(folder, "ecp5"),
                "read_verilog -overwrite stand_ins.v",
            ),
            *("hierarchy -check -top unit", "proc", "flatten", "opt_expr", "opt_dff", "opt_clean"),
            *("rename -hide w:cell.* w:*kept %d", f"rename unit {side}", f"design -stash {side}"),
        ]
    commands += [f"design -copy-from {side} {side}" for side in ("gold", "gate")]
    commands += ["equiv_make gold gate equiv", "hierarchy -top equiv", "cd equiv"]
    for side in "ab" if operands else "":
        commands.append(f"equiv_add {side}1_gold cell.register_{side}.genblk1.kept_gate[17:0]")
    commands += ["cd ..", "equiv_simple", "equiv_induct", "equiv_status -assert"]
    (folder / "equal.ys").write_text("\n".join(commands) + "\n")
    run_tool(YOSYS, ("equal.ys",), folder, "equal.log")


def test_a_multiplier_with_its_registers_equals_one_between_flip_flops(tmp_path: Path) -> None:
    netlist = multiplier()
    netlist.write(tmp_path / "plain.json")
    folded = fold_registers(netlist)
    assert (folded.operands, folded.products) == (1, 1)
    prove_equal(tmp_path, "plain.json", netlist, operands=True)


@pytest.mark.parametrize("bits", [18, 36])
def test_a_block_ram_with_its_register_equals_one_before_flip_flops(
    bits: int, tmp_path: Path
) -> None:
    netlist = memory(bits)
    netlist.write(tmp_path / "plain.json")
    assert fold_registers(netlist).memories == bits // 18
    prove_equal(tmp_path, "plain.json", netlist, operands=False)


@pytest.mark.parametrize(
    ("unit", "port", "net"),
    [
        (multiplier, "CE0", ENABLE),
        (multiplier, "A3", "0"),
        (lambda: memory(18), "OCEB", ENABLE),
        (lambda: memory(36), "OCEA", READ),
    ],
)
def test_the_proof_refutes_a_register_that_is_not_the_same(
    unit: Any, port: str, net: Any, tmp_path: Path
) -> None:
    netlist = unit()
    netlist.write(tmp_path / "plain.json")
    fold_registers(netlist)
    netlist.connect(Pin("cell", port, 0), net)
    with pytest.raises(ToolFailed, match="unproven"):
        prove_equal(tmp_path, "plain.json", netlist, operands=unit is multiplier)

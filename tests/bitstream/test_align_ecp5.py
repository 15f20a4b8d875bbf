"""Operands of ECP5 multipliers at the upper ends of their ports: every product stays what it was, for every pair of operands."""

from __future__ import annotations

import numpy as np
import pytest
from bitstream.test_fold_ecp5 import Circuit

from hlsgen.bitstream.align_ecp5 import OPERAND_BITS, PRODUCT_BITS, align_operands
from hlsgen.bitstream.netlist import Net, Netlist


def multiplier(a_bits: int, b_bits: int, signed: bool, read: int) -> tuple[Netlist, list[int]]:
    """A multiplier of operands of so many bits, of whose product ``read`` bits are read; and the nets that read them."""
    circuit = Circuit()
    nets = {"A": circuit.nets(a_bits), "B": circuit.nets(b_bits)}
    product = circuit.multiply("product", nets["A"], nets["B"])
    pins = circuit.cells["product"]["connections"]
    directions = circuit.cells["product"]["port_directions"]
    for k in range(PRODUCT_BITS):
        net = product[k] if k < len(product) else circuit.nets(1)[0]
        pins[f"P{k}"], directions[f"P{k}"] = [net], "output"
    if not signed:
        for side, bits in (("A", a_bits), ("B", b_bits)):
            pins[f"SIGNED{side}"] = ["0"]
            pins |= {f"{side}{k}": ["0"] for k in range(bits, OPERAND_BITS)}
    outputs = circuit.registers("p", [pins[f"P{k}"][0] for k in range(read)])
    return circuit.netlist(outputs), outputs


def evaluated(netlist: Netlist, values: dict[Net, np.ndarray]) -> list[np.ndarray]:
    """What the flip-flops behind the product read, given the bits of nets."""

    def operand(side: str) -> np.ndarray:
        total = np.zeros_like(next(iter(values.values())))
        for k in range(OPERAND_BITS):
            net = netlist.net("product", f"{side}{k}")
            bit = values[net] if isinstance(net, int) else np.int64(net == "1")
            negative = k == OPERAND_BITS - 1 and netlist.net("product", f"SIGNED{side}") == "1"
            total = total + bit * (-(1 << k) if negative else 1 << k)
        return total

    product = operand("A") * operand("B")
    bits = {netlist.net("product", f"P{k}"): (product >> k) & 1 for k in range(PRODUCT_BITS)}
    read = len([name for name in netlist.cells if name.startswith("p_")])
    return [bits[netlist.net(f"p_{k}", "DI")] for k in range(read)]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    ("a_bits", "b_bits", "read", "freed"),
    [
        (8, 8, 16, 20),
        (8, 8, 36, 20),
        (5, 3, 8, 28),
        (1, 8, 20, 27),
        (17, 2, 19, 17),
        (18, 4, 22, 14),
    ],
)
def test_products_stay(a_bits: int, b_bits: int, read: int, freed: int, signed: bool) -> None:
    netlist, _ = multiplier(a_bits, b_bits, signed, read)
    plain, _ = multiplier(a_bits, b_bits, signed, read)
    pairs = np.arange(1 << min(a_bits + b_bits, 20), dtype=np.int64)
    if a_bits + b_bits > 20:
        pairs = np.random.default_rng(1).integers(0, 1 << (a_bits + b_bits), 1 << 16)
    nets = [*(plain.net("product", f"A{k}") for k in range(a_bits))]
    nets += [plain.net("product", f"B{k}") for k in range(b_bits)]
    values = {net: (pairs >> k) & 1 for k, net in enumerate(nets)}
    assert align_operands(netlist) == (freed if signed else 0)
    assert netlist.net("product", "A0") == (
        "0" if a_bits < 17 or (signed and a_bits < 18) else nets[0]
    )
    for before, after in zip(evaluated(plain, values), evaluated(netlist, values), strict=True):
        np.testing.assert_array_equal(after, before)


def test_the_upper_half_of_a_shifted_product_is_read_in_its_place() -> None:
    netlist, _ = multiplier(8, 8, True, 16)
    align_operands(netlist)
    assert [netlist.net("product", f"A{k}") for k in range(10)] == ["0"] * 10
    assert netlist.net("p_0", "DI") == netlist.net("product", "P20")
    assert netlist.net("p_15", "DI") == netlist.net("product", "P35")

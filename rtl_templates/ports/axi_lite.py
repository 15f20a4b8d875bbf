"""Registers on an AXI4-Lite bus."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hlsgen.algebra.registers import (
    Register,
    RegisterAccess,
    RegisterField,
    address_bits,
    field_name,
)

OKAY, SLVERR = 0b00, 0b10


def axi_lite_members(bits: int) -> dict[str, Any]:
    """The signals of an AXI4-Lite subordinate whose words have 32 bits, with ``bits`` bits of address, without their prefix."""
    address = {"addr": In(bits), "prot": In(3), "valid": In(1), "ready": Out(1)}
    return {
        **{f"aw{name}": member for name, member in address.items()},
        **{"wdata": In(32), "wstrb": In(4), "wvalid": In(1), "wready": Out(1)},
        **{"bresp": Out(2), "bvalid": Out(1), "bready": In(1)},
        **{f"ar{name}": member for name, member in address.items()},
        **{"rdata": Out(32), "rresp": Out(2), "rvalid": Out(1), "rready": In(1)},
    }


class AxiLiteRegisters(wiring.Component):
    """Registers that an AXI4-Lite manager reads and writes.

    Parameters
    ----------
    registers : tuple of Register
        In rising order of their offsets.

    Members
    -------
    awaddr ... rready
        The bus (Arm IHI 0022, B1). Byte strobes are heeded. An address without a register, and a write to a register that only reads,
        answer SLVERR and do nothing; awprot and arprot are not read.
    REGISTER_FIELD : In or Out
        Of every field (``algebra.registers.field_name``): Out, what was written (0 after reset), or high for a cycle where it is an event;
        In, what is read.
    REGISTER_FIELD_set : In(1)
        Of a flag that is cleared by writing 1: sets it, also in the cycle in which it is cleared. The flag itself is Out.

    **Timing** A write or read takes a cycle and its answer stands in the next; one of either kind in every cycle where the answers are taken.
    ``awready``, ``wready`` depend combinationally on ``awvalid``, ``wvalid``, ``bready``; ``arready`` on ``rready``.
    """

    def __init__(self, registers: tuple[Register, ...]) -> None:
        self.registers = registers
        members: dict[str, Any] = axi_lite_members(address_bits(registers))
        for register in registers:
            for field in register.fields:
                name = field_name(register, field)
                read = field.access is RegisterAccess.READ
                members[name] = In(field.bits) if read else Out(field.bits)
                if field.access is RegisterAccess.CLEAR:
                    members[f"{name}_set"] = In(1)
        super().__init__(members)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        write, read = Signal(name="write"), Signal(name="read")
        m.d.comb += [
            write.eq(self.awvalid & self.wvalid & (~self.bvalid | self.bready)),
            self.awready.eq(write),
            self.wready.eq(write),
            self.arready.eq(~self.rvalid | self.rready),
            read.eq(self.arvalid & self.arready),
        ]
        with m.If(self.bready):
            m.d.sync += self.bvalid.eq(0)
        with m.If(self.rready):
            m.d.sync += self.rvalid.eq(0)
        with m.If(write):
            m.d.sync += [self.bvalid.eq(1), self.bresp.eq(SLVERR)]
        with m.If(read):
            m.d.sync += [self.rvalid.eq(1), self.rresp.eq(SLVERR), self.rdata.eq(0)]
        strobes = Cat(*(self.wstrb[k].replicate(8) for k in range(4)))
        for register in self.registers:
            number = register.offset // 4
            chosen = Signal(name=f"writes_{register.name}")
            if register.written:
                m.d.comb += chosen.eq(write & (self.awaddr[2:] == number))
                with m.If(chosen):
                    m.d.sync += self.bresp.eq(OKAY)
            with m.If(read & (self.araddr[2:] == number)):
                m.d.sync += [self.rresp.eq(OKAY), self.rdata.eq(self._word(register))]
            for field in register.fields:
                self._written(m, register, field, chosen, strobes)
        return m

    def _word(self, register: Register) -> Value:
        """What a register reads as."""
        parts: list[Value] = []
        for field in register.fields:
            parts.append(Const(0, field.low - sum(map(len, parts))))
            unread = field.access is RegisterAccess.PULSE
            value = getattr(self, field_name(register, field))
            parts.append(Const(0, field.bits) if unread else value)
        return Cat(*parts)

    def _written(
        self, m: Module, register: Register, field: RegisterField, chosen: Value, strobes: Value
    ) -> None:
        """What a write does to a field."""
        if field.access is RegisterAccess.READ:
            return
        value = getattr(self, field_name(register, field))
        places = slice(field.low, field.low + field.bits)
        data, mask = self.wdata[places], strobes[places]
        if field.access is RegisterAccess.PULSE:
            m.d.sync += value.eq(Mux(chosen, data & mask, 0))
        elif field.access is RegisterAccess.WRITE:
            with m.If(chosen):
                m.d.sync += value.eq((data & mask) | (value & ~mask))
        else:
            name = f"{field_name(register, field)}_set"
            cleared = Mux(chosen, data & mask, 0)
            m.d.sync += value.eq((value & ~cleared) | getattr(self, name))

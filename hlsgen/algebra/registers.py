"""The registers by which a processor controls a circuit, as data: gateware, C header, driver, IP-XACT and LiteX module are made of this one
description. Registers are words of 32 bits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

WORD_BYTES = 4
SIGNATURE = 0x4853
"""The upper half of the first register of every circuit: "HS"."""
VERSION = 1
"""Of everything in this module."""


class RegisterAccess(Enum):
    """What reading and writing a field does, in the words of IP-XACT (IEEE 1685) that say so."""

    READ = "read-only"
    WRITE = "read-write"
    PULSE = "write-only"
    """Reads as 0; writing 1 is an event."""
    CLEAR = "oneToClear"
    """Reads as a flag, which writing 1 clears."""


@dataclass(frozen=True)
class RegisterField:
    """``bits`` bits of a register from bit ``low`` on."""

    name: str
    low: int
    bits: int
    access: RegisterAccess
    meaning: str

    @property
    def mask(self) -> int:
        """The bits of the word that are the field's."""
        return ((1 << self.bits) - 1) << self.low


@dataclass(frozen=True)
class Register:
    """The word at byte ``offset``; its bits without a field read as 0."""

    name: str
    offset: int
    meaning: str
    fields: tuple[RegisterField, ...]

    def __post_init__(self) -> None:
        masks = [field.mask for field in self.fields]
        assert self.offset % WORD_BYTES == 0 and sum(masks) < 1 << 32, self.name
        assert all(a & b == 0 for k, a in enumerate(masks) for b in masks[:k]), self.name

    @property
    def written(self) -> bool:
        """Whether a write does anything."""
        return any(field.access is not RegisterAccess.READ for field in self.fields)

    @property
    def access(self) -> str:
        """The access of the whole word, as IP-XACT names it."""
        if not self.written:
            return RegisterAccess.READ.value
        pulses = all(field.access is RegisterAccess.PULSE for field in self.fields)
        return RegisterAccess.PULSE.value if pulses else RegisterAccess.WRITE.value


def field_name(register: Register, field: RegisterField) -> str:
    """The name of a field among those of all registers."""
    return f"{register.name}_{field.name}"


def address_bits(registers: tuple[Register, ...]) -> int:
    """Bits of the byte addresses that tell the registers apart."""
    return (registers[-1].offset + WORD_BYTES - 1).bit_length()


def _number(name: str, offset: int, access: RegisterAccess, meaning: str) -> Register:
    """A register that is one number."""
    return Register(name, offset, meaning, (RegisterField("value", 0, 32, access, meaning),))


def _flag(name: str, bit: int, access: RegisterAccess, meaning: str) -> RegisterField:
    return RegisterField(name, bit, 1, access, meaning)


CONTROL = (
    Register("identity", 0x00, "what this is", (
        RegisterField("version", 0, 16, RegisterAccess.READ, f"of the registers: {VERSION}"),
        RegisterField("signature", 16, 16, RegisterAccess.READ, f"{SIGNATURE:#x}, by which the circuit is told"),
    )),
    _number("design_low", 0x04, RegisterAccess.READ, "bytes 0 to 3 of the SHA-256 of the design's Verilog, byte 0 lowest"),
    _number("design_high", 0x08, RegisterAccess.READ, "bytes 4 to 7 of it, byte 4 lowest"),
    Register("control", 0x0C, "what the circuit is to do", (
        _flag("start", 0, RegisterAccess.PULSE, "let as many samples in as `samples` says, and count from 0; without effect while one runs"),
        _flag("endless", 1, RegisterAccess.WRITE, "let samples in without end; when it is cleared the sample that has begun is the last"),
        _flag("reset", 2, RegisterAccess.WRITE, "hold the circuit, its counters and its run in reset"),
    )),
    Register("status", 0x10, "what the circuit does", (
        _flag("running", 0, RegisterAccess.READ, "samples may go in, or are to come out"),
        _flag("done", 1, RegisterAccess.READ, "all samples of the last start have come out"),
        _flag("busy", 2, RegisterAccess.READ, "a sample is inside"),
    )),
    _number("samples", 0x14, RegisterAccess.WRITE, "samples of the next start"),
    _number("finished", 0x18, RegisterAccess.READ, "samples that have come out since the last start, modulo 2**32"),
    _number("cycles", 0x1C, RegisterAccess.READ, "clock cycles since the last start, until it was done, modulo 2**32"),
    _number("busy_cycles", 0x20, RegisterAccess.READ, "those in which a sample was inside, modulo 2**32"),
    Register("interrupt_enable", 0x24, "which events raise the interrupt", (
        _flag("done", 0, RegisterAccess.WRITE, "the last sample of a start has come out"),
    )),
    Register("interrupt", 0x28, "events since they were cleared", (
        _flag("done", 0, RegisterAccess.CLEAR, "the last sample of a start has come out"),
    )),
)  # fmt: skip
"""Of every exported circuit."""

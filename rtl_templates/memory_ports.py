"""Ports of memories whose signals are named by the caller.

``Memory.read_port`` and ``write_port`` name them after the variable that the call is assigned to, as far as the bytecode shows it;
each version of Python shows it in other places, and the Verilog would follow.
"""

from __future__ import annotations

from amaranth.lib.memory import Memory, ReadPort, WritePort
from amaranth.utils import ceil_log2


def read_port(memory: Memory, name: str = "read", domain: str = "sync") -> ReadPort:
    """A read port with the signals ``<name>__addr``, ``<name>__data``, ``<name>__en``; domain ``comb`` reads without a register."""
    signature = ReadPort.Signature(shape=memory.shape, addr_width=ceil_log2(memory.depth))
    return ReadPort(signature, memory=memory, domain=domain, path=(name,))


def write_port(memory: Memory, name: str = "write", granularity: int | None = None) -> WritePort:
    """A write port with the signals ``<name>__addr``, ``<name>__data``, ``<name>__en``.

    ``granularity``: bits of a word that one enable stands for; without it there is one enable for the word.
    """
    signature = WritePort.Signature(
        shape=memory.shape, addr_width=ceil_log2(memory.depth), granularity=granularity
    )
    return WritePort(signature, memory=memory, domain="sync", path=(name,))

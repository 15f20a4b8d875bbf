"""Counters of few bits, without a chain of carries."""

from __future__ import annotations

from amaranth.hdl import Cat, Signal, Value


def successor(count: Signal) -> Value:
    """``count + 1`` modulo its range, a LUT a bit up to four bits; chains have ends that cost as much on some families."""
    return Cat(bit ^ count[:k].all() if k else ~bit for k, bit in enumerate(count))

"""Strings of configuration fields: packed without gaps, lowest bits first, in words of the load port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from hlsgen.algebra.packets import LOAD_BITS
from hlsgen.algebra.types import bounds, wrap
from hlsgen.errors import DoesNotFit


@dataclass(frozen=True)
class Field:
    """``bits`` of a string; ``signed``: two's complement."""

    name: str
    bits: int
    signed: bool = False


Fields: TypeAlias = tuple[Field, ...]
Values: TypeAlias = Mapping[str, int]


def string_bits(fields: Iterable[Field]) -> int:
    """Bits of a string of fields."""
    return sum(field.bits for field in fields)


def string_words(fields: Iterable[Field]) -> int:
    """Words of the load port that a string takes."""
    return -(-string_bits(fields) // LOAD_BITS)


def pitch(fields: Iterable[Field]) -> int:
    """Distance of the strings of two slots: their words rounded up to a power of two."""
    return 1 << (string_words(fields) - 1).bit_length()


def members(fields: Iterable[Field]) -> dict[str, int]:
    """Bits by name, in order: the members of a structure in hardware, whose bits are read as unsigned."""
    return {field.name: field.bits for field in fields}


def without_prefix(fields: Iterable[Field], prefix: str) -> Fields:
    """The fields under their names without ``prefix``."""
    return tuple(replace(field, name=field.name.removeprefix(prefix)) for field in fields)


def to_string(where: str, fields: Sequence[Field], values: Values) -> tuple[int, ...]:
    """The words of a string; fields without a value are 0. Raises DoesNotFit for a value that its field cannot hold."""
    unknown = set(values) - {field.name for field in fields}
    if any(values[name] for name in unknown):
        names = ", ".join(sorted(name for name in unknown if values[name]))
        raise DoesNotFit(
            where, f"expected no {names}: this unit has none", "Choose a fabric that has them."
        )
    total, place = 0, 0
    for field in fields:
        value = values.get(field.name, 0)
        low, high = bounds(field.bits, field.signed)
        if not low <= value <= high:
            raise DoesNotFit(
                f"{where}, {field.name}",
                f"expected {low} to {high} ({field.bits} bits), found {value}",
                "Make the loop, array or value smaller, or the fabric larger.",
            )
        total |= (value & ((1 << field.bits) - 1)) << place
        place += field.bits
    mask = (1 << LOAD_BITS) - 1
    return tuple((total >> (LOAD_BITS * k)) & mask for k in range(string_words(fields)))


def from_string(fields: Sequence[Field], words: Sequence[int]) -> dict[str, int]:
    """The values of a string."""
    total = sum(word << (LOAD_BITS * k) for k, word in enumerate(words))
    values, place = {}, 0
    for field in fields:
        value = (total >> place) & ((1 << field.bits) - 1)
        values[field.name] = wrap(value, field.bits) if field.signed else value
        place += field.bits
    return values

"""Unroll factors: how many iterations of each loop of a process run side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields
from numbers import Integral

from hlsgen.errors import BadOption


@dataclass(frozen=True)
class Unroll:
    """How many iterations of each loop run side by side; a factor need not divide its extent (idle lanes are counted as lost).

    ``x`` output pixels of one row; ``g`` independent channels; ``o`` output channels that share operands; ``ky kx i`` the
    reduction. ``g`` and ``i`` are not both above 1. MAC units = the product of all six.
    """

    x: int = 1
    g: int = 1
    o: int = 1
    ky: int = 1
    kx: int = 1
    i: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            factor = getattr(self, field.name)
            whole = isinstance(factor, Integral) and not isinstance(factor, bool)
            if not whole or factor < 1:
                raise BadOption(
                    f"Unroll, factor {field.name}",
                    f"expected a whole number of at least 1, found {factor!r}",
                    "Leave it out for 1.",
                )

    @property
    def rows(self) -> int:
        """Accumulators: results that are finished together."""
        return self.x * self.g * self.o

    @property
    def lanes(self) -> int:
        """Products that are added per accumulator and cycle."""
        return self.ky * self.kx * self.i


def parse_unroll(text: str) -> tuple[str, Unroll]:
    """``NAME:o=4,kx=3`` as (process name, Unroll); raises BadOption."""
    name, colon, factors = text.rpartition(":")
    try:
        pairs = dict(factor.split("=") for factor in factors.split(","))
        if not colon or any(int(value) < 1 for value in pairs.values()):
            raise ValueError
        return name, Unroll(**{key: int(value) for key, value in pairs.items()})
    except (ValueError, TypeError):
        raise BadOption(
            "--unroll",
            f"expected NAME:factor=number,... with factors x g o ky kx i; found {text!r}",
            "Write for example --unroll conv_11:o=4,kx=3.",
        ) from None

"""Shapes of a fabric's units: plain values without Amaranth, computed by a compiler, read by the units.

The fields of a configuration's bit strings are those of ``hlsgen.algebra.fields``.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.algebra.fields import Fields


@dataclass(frozen=True)
class RunShape:
    """What loop control tells all units: ``lines`` loop marks, each as it was 0 .. ``stages`` - 1 iterations ago.

    ``contexts``: slots at most; ``registers``: words of the rotating register files (0: none). ``streams``: words of the elastic border decide
    in each cycle whether the array moves; where not, every unit has registers of its own for what it is told (``run_bus.own_run``).
    """

    lines: int
    stages: int
    contexts: int
    registers: int
    streams: bool


@dataclass(frozen=True)
class PeShape:
    """A PE.

    ``operators``: (word operator, latency), in the order of their codes (code 0: none). ``arriving``, ``leaving``: names of the links.
    ``memories``: words read by the cell's tiles, ``memory_<side>``. ``sources``: (multiplexer, its sources in the order of their codes) pairs, for
    a, b, predicate, register, memory and each leaving link.
    ``accumulator_bits``: 0 where nothing accumulates. ``fields`` of one context, in any order; one that is missing is always 0:

    * ``operator``: 0 none, then ``operators``; ``a``, ``b``: their sources; ``constant``: word_bits;
    * ``predicate``: 0 true, then its sources, then the line tap (``predicate_line``, ``predicate_stage``);
    * ``initial``: none, a_constant, a_zero, b_constant, b_zero; where the line tap (``initial_line``, ``initial_stage``) is true;
    * ``clear``, ``drain``: never, always, line, mark; the line of clear is that of ``initial``, that of drain (``drain_line``,
      ``drain_stage``);
    * ``read_a``, ``read_b``, ``register_index``: registers; ``register``, ``link_<name>``: 0 nothing, then their sources.
    """

    run: RunShape
    operators: tuple[tuple[str, int], ...]
    arriving: tuple[str, ...]
    leaving: tuple[str, ...]
    memories: tuple[str, ...]
    sources: tuple[tuple[str, tuple[str, ...]], ...]
    word_bits: int
    accumulator_bits: int
    drain: bool
    fields: Fields

    @property
    def late_latency(self) -> int:
        """The latency of the operators slower than one cycle; 1 if there are none."""
        return max((latency for _, latency in self.operators), default=1)

    @property
    def fast(self) -> tuple[str, ...]:
        """Operators of latency 1."""
        return tuple(name for name, latency in self.operators if latency == 1)

    @property
    def late(self) -> tuple[str, ...]:
        """Operators of a larger latency."""
        return tuple(name for name, latency in self.operators if latency > 1)

    @property
    def accumulates(self) -> bool:
        """Whether an operator accumulates."""
        return any(name.endswith("_accumulate") for name in self.late)

    def of(self, multiplexer: str) -> tuple[str, ...]:
        """The sources of a multiplexer."""
        return dict(self.sources)[multiplexer]

    @property
    def replaces(self) -> bool:
        """Whether an operand can be replaced by the constant or 0."""
        return any(field.name == "initial" for field in self.fields)


@dataclass(frozen=True)
class ControlShape:
    """Loop control. ``loops``: levels of the nest at most; ``fields`` of its configuration, in any order:

    ``interval``, ``cycles``; ``extent_0`` (outermost) ..: 1 for loops that are not there;
    ``line_<k>_last``: the edge of mark line k = 1, 2, 3, and ``line_<k>_level``: the level from which on all loops are at it.
    """

    run: RunShape
    loops: int
    fields: Fields

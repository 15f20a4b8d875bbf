"""What a compiled design promises of its outputs against ONNX Runtime: the session that is matched, and the differences foreseen.

The compile step writes one ``Declared`` per output of the circuit into the manifest; ``verify`` fails on anything beyond it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

Session: TypeAlias = Literal["default", "integer", "unoptimised"]
"""Sessions of ONNX Runtime: its default one, the one with int8 kernels allowed (``session.qdqisint8allowed``), and the one without
graph optimisation."""
TITLES: Mapping[Session, str] = {
    "default": "default session",
    "integer": "session with int8 kernels allowed",
    "unoptimised": "session without optimisation",
}


@dataclass(frozen=True)
class Difference:
    """One cause for which an output may differ from the session that is matched.

    ``reason``: a sentence part that names the node, for example "node pool_3 (AveragePool): ONNX Runtime sums floats, ties are decided by
    noise". ``bound``: the most by which an element may differ for this cause, in steps of the output's own quantisation; None where
    none is known. ``count``: the most elements of one sample that may differ for this cause; None for any number.
    """

    reason: str
    bound: int | None
    count: int | None = None

    def __str__(self) -> str:
        much = "by an amount not known" if self.bound is None else f"by at most {self.bound}"
        many = "" if self.count is None else f", in at most {self.count} elements a sample"
        return f"{much}{many}: {self.reason}"


@dataclass(frozen=True)
class Declared:
    """The promise for the output ``value`` of the circuit: equal to the session's in every element, but for ``differences``."""

    value: str
    session: Session
    differences: tuple[Difference, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether equality is promised."""
        return self.bound == 0

    @property
    def bound(self) -> int | None:
        """The most by which an element may differ, all causes together (0: equality); None where none is known."""
        return _sum(difference.bound for difference in self.differences)

    @property
    def count(self) -> int | None:
        """The most elements of a sample that may differ; None for any number."""
        return _sum(difference.count for difference in self.differences)

    def as_json(self) -> dict[str, Any]:
        """The entry of the manifest."""
        return {
            "value": self.value,
            "session": self.session,
            "differences": [
                {"reason": d.reason, "bound": d.bound, "count": d.count} for d in self.differences
            ],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Declared:
        """The inverse of ``as_json``; raises KeyError, TypeError, ValueError."""
        if fields["session"] not in get_args(Session):
            raise ValueError(f"session {fields['session']!r}")
        differences = tuple(
            Difference(str(d["reason"]), _count(d["bound"]), _count(d["count"]))
            for d in fields["differences"]
        )
        return cls(str(fields["value"]), fields["session"], differences)


def _sum(numbers: Any) -> int | None:
    """The sum; None where any number is not known."""
    known = list(numbers)
    return None if None in known else sum(known)


def _count(field: Any) -> int | None:
    if field is None:
        return None
    if int(field) < 0:
        raise ValueError(f"{field} is below 0")
    return int(field)

"""Codes of sources and of predicates in contexts, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hlsgen.errors import IllegalGraph
from hlsgen.fabric.configuration import LineTap


def index_of(where: str, chosen: Sequence[str], name: str | None) -> int:
    """The place of a source among those that can be chosen. Raises IllegalGraph where it is not one."""
    if name not in chosen:
        raise IllegalGraph(
            where, f"expected one of {', '.join(chosen)}, found {name}", "Route it another way."
        )
    return chosen.index(name)


def predicate_codes(
    where: str, chosen: Sequence[str], name: str, predicate: str | LineTap | None
) -> dict[str, int]:
    """The fields of a predicate by name. Raises IllegalGraph."""
    match predicate:
        case None:
            return {}
        case LineTap(line, stage):
            code = len(chosen) + 1
            return {name: code, f"{name}_line": line, f"{name}_stage": stage}
        case source:
            return {name: 1 + index_of(where, chosen, source)}


def predicate_of(
    chosen: Sequence[str], name: str, values: Mapping[str, int]
) -> str | LineTap | None:
    """The predicate of a context's fields. Raises IndexError."""
    code = values[name]
    if code == 0:
        return None
    if code <= len(chosen):
        return chosen[code - 1]
    return LineTap(values[f"{name}_line"], values[f"{name}_stage"])

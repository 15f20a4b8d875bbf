"""The tables of ``docs/link.md``, from the description of the frames."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.algebra.link import HEADER, TO_BOARD, TO_HOST, FrameKind, LinkNumber


def tables() -> str:
    """Header and frames as they stand in the page."""
    parts = [
        "| Header | Bytes | |\n|---|---|---|",
        *(f"| {number.name} | {number.bytes} | {number.meaning} |" for number in HEADER),
        "",
        "| To the board | Kind | Payload | |\n|---|---|---|---|",
        *map(_row, TO_BOARD),
        "",
        "| To the host | Kind | Payload | |\n|---|---|---|---|",
        *map(_row, TO_HOST),
        "",
        *(_numbers(kind.name, kind.payload) for kind in (*TO_BOARD, *TO_HOST) if kind.payload),
    ]
    return "\n".join(parts)


def _row(kind: FrameKind) -> str:
    code = f"{kind.code:02x}" + (f" to {kind.code + 15:02x}" if kind.of_port else "")
    if kind.payload:
        payload = f"{kind.length} bytes"
    else:
        payload = "elements" if kind.name in ("FEED", "OUTPUT") else ""
    return f"| {kind.name} | {code} | {payload} | {kind.meaning} |"


def _numbers(name: str, numbers: Sequence[LinkNumber]) -> str:
    told = ", ".join(f"{n.name} ({n.bytes}: {n.meaning})" for n in numbers)
    return f"* {name}: {told}."

"""Frames of the link to bytes and back; see ``hlsgen.algebra.link``."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hlsgen.algebra.link import (
    CHECK_BYTES,
    CHECK_START,
    ESCAPE,
    FLAG,
    FLIP,
    HEADER_BYTES,
    FrameKind,
)

_ESCAPED = {byte: bytes((ESCAPE, byte ^ FLIP)) for byte in (FLAG, ESCAPE)}


@dataclass(frozen=True)
class Frame:
    """What stands between two flags: ``code`` (with the port's number), ``position`` or tag, and payload."""

    code: int
    position: int
    payload: bytes = b""

    def encoded(self) -> bytes:
        """The bytes of the line, flags included."""
        header = bytes((self.code,)) + self.position.to_bytes(2, "little")
        body = header + bytes((len(self.payload),)) + self.payload
        body += binascii.crc_hqx(body, CHECK_START).to_bytes(CHECK_BYTES, "big")
        escaped = body.replace(bytes((ESCAPE,)), _ESCAPED[ESCAPE])
        return bytes((FLAG,)) + escaped.replace(bytes((FLAG,)), _ESCAPED[FLAG]) + bytes((FLAG,))


class Decoder:
    """Frames out of the bytes of a line, in pieces of any size. ``refused``: how many were damaged."""

    def __init__(self) -> None:
        self.refused = 0
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The good frames that end in ``data``."""
        *parts, self._rest = (self._rest + data).split(bytes((FLAG,)))
        for part in parts:
            if part:
                frame = _decoded(part)
                if frame is None:
                    self.refused += 1
                else:
                    yield frame


def _decoded(part: bytes) -> Frame | None:
    """The frame between two flags; None where it is damaged."""
    pieces = part.split(bytes((ESCAPE,)))
    body = pieces[0] + b"".join(
        bytes((piece[0] ^ FLIP,)) + piece[1:] if piece else b"" for piece in pieces[1:]
    )
    if len(body) < HEADER_BYTES + CHECK_BYTES or binascii.crc_hqx(body, CHECK_START):
        return None
    if body[3] != len(body) - HEADER_BYTES - CHECK_BYTES:
        return None
    return Frame(body[0], int.from_bytes(body[1:3], "little"), body[HEADER_BYTES:-CHECK_BYTES])


def numbers(kind: FrameKind, payload: bytes) -> Mapping[str, int] | None:
    """The numbers of a payload; None where it is of another length."""
    if len(payload) != kind.length:
        return None
    values: dict[str, int] = {}
    place = 0
    for number in kind.payload:
        values[number.name] = int.from_bytes(payload[place : place + number.bytes], "little")
        place += number.bytes
    return values

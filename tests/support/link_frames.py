"""Frames of the link in plain Python, byte by byte: a second reading of the page, with which units and host are tested."""

from __future__ import annotations

from collections.abc import Iterator


def check(data: bytes) -> int:
    """CRC-16 with polynomial 0x1021, begun with ones, bit by bit."""
    value = 0xFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            top = (value >> 15) ^ (byte >> bit & 1)
            value = (value << 1 & 0xFFFF) ^ (0x1021 if top else 0)
    return value


def frame(kind: int, position: int = 0, payload: bytes = b"") -> bytes:
    """A frame between its flags."""
    body = bytes((kind, position & 255, position >> 8, len(payload))) + payload
    value = check(body)
    out = bytearray([0x7E])
    for byte in body + bytes((value >> 8, value & 255)):
        out += bytes((0x7D, byte ^ 0x20)) if byte in (0x7D, 0x7E) else bytes((byte,))
    return bytes(out) + b"\x7e"


def frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(kind, position, payload) of every good frame; raises ValueError for a bad one."""
    for part in data.split(b"\x7e"):
        if not part:
            continue
        body, escaped = bytearray(), False
        for byte in part:
            if byte == 0x7D:
                escaped = True
            else:
                body.append(byte ^ 0x20 if escaped else byte)
                escaped = False
        if len(body) < 6 or check(bytes(body)) != 0 or body[3] != len(body) - 6:
            raise ValueError(body.hex())
        yield body[0], body[1] | body[2] << 8, bytes(body[4:-2])

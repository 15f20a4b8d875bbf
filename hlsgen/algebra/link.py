"""The frames that a board and its host exchange, as data: gateware, host and page are made of this one description.

A frame is a flag, a header, ``length`` bytes of payload, a check, and a flag; one flag may end a frame and begin the next. Of the bytes between
flags, those that equal FLAG or ESCAPE are sent as ESCAPE and the byte with FLIP flipped (RFC 1662), so that a flag always begins anew.
Numbers have their lowest byte first, but for the check.

The elements of an input or output are one endless row of bytes, and a *position* is a place in it, modulo 2**16. A frame of elements is
accepted where its position is the one expected next, so that lost, damaged and repeated frames change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

FLAG = 0x7E
ESCAPE = 0x7D
FLIP = 0x20
VERSION = 1
"""Of everything in this module: a board of another version is refused."""
LONGEST = 255
"""Most bytes of payload."""
PORTS = 16
"""Most inputs, and most outputs."""
POSITIONS = 1 << 16
CHECK_START = 0xFFFF
"""The check is CRC-16/IBM-3740 over header and payload, its upper byte first: polynomial 0x1021, begun with ones."""
HASH_BYTES = 8
"""How much of the SHA-256 of a design tells it."""


@dataclass(frozen=True)
class LinkNumber:
    """An unsigned number of ``bytes`` bytes in a frame."""

    name: str
    bytes: int
    meaning: str


HEADER = (
    LinkNumber("kind", 1, "what the frame is; the lower four bits are the number of an input or output, where it is of one"),
    LinkNumber("position", 2, "of elements: where they begin; else a number that the answer repeats"),
    LinkNumber("length", 1, "bytes of payload"),
)  # fmt: skip
CHECK_BYTES = 2
HEADER_BYTES = sum(number.bytes for number in HEADER)


@dataclass(frozen=True)
class FrameKind:
    """``code``: of port 0, where ``of_port``. ``payload``: its numbers; empty for elements and for frames without."""

    name: str
    code: int
    meaning: str
    payload: tuple[LinkNumber, ...] = ()
    of_port: bool = False

    @property
    def length(self) -> int:
        """Bytes of the payload's numbers."""
        return sum(number.bytes for number in self.payload)


ANSWER = 0x80
"""What is added to the code of a question for its answer; all that a board sends has this bit."""
IDENTIFY = FrameKind("IDENTIFY", 0x01, "which design is on the board?")
RESET = FrameKind("RESET", 0x02, "circuit, positions and counters begin anew")
COUNT = FrameKind("COUNT", 0x03, "what do the counters say?")
MEASURE = FrameKind(
    "MEASURE",
    0x04,
    "run the last sample again and again from memory, and count; the answer says that it has begun",
    (LinkNumber("samples", 4, "how often, at least once"),),
)
FAST = FrameKind("FAST", 0x05, "go on at the faster bit rate, behind the answer")
ASK = FrameKind("ASK", 0x10, "where does this input stand?", of_port=True)
TAKEN = FrameKind("TAKEN", 0x20, "the host has this output up to the position", of_port=True)
AGAIN = FrameKind("AGAIN", 0x30, "send this output again from the position", of_port=True)
FEED = FrameKind("FEED", 0x40, "elements of an input", of_port=True)
IDENTITY = FrameKind(
    "IDENTITY",
    IDENTIFY.code | ANSWER,
    "the answer to IDENTIFY",
    (
        LinkNumber("version", 1, "of this page"),
        LinkNumber("inputs", 1, "how many"),
        LinkNumber("outputs", 1, "how many"),
        LinkNumber("capacity", 2, "bytes that wait on the board, of each input and output"),
        LinkNumber("measures", 1, "1 where MEASURE is understood"),
        LinkNumber("oscillator_khz", 4, "frequency of the oscillator"),
        LinkNumber("baud", 4, "bits per second after power-up and after a break"),
        LinkNumber("fast_baud", 4, "bits per second after FAST"),
        LinkNumber("design", HASH_BYTES, "the first bytes of the SHA-256 of design.v"),
    ),
)
WAS_RESET = FrameKind("WAS_RESET", RESET.code | ANSWER, "the answer to RESET")
COUNTERS = FrameKind(
    "COUNTERS",
    COUNT.code | ANSWER,
    "the answer to COUNT; since RESET, or since MEASURE began",
    (
        LinkNumber("cycles", 4, "cycles of the circuit's clock"),
        LinkNumber("ticks", 4, "cycles of the oscillator"),
        LinkNumber("busy", 4, "cycles in which a sample was inside"),
        LinkNumber("samples", 4, "samples that came out"),
        LinkNumber(
            "refused", 2, "frames refused, modulo 2**16; not those while the counters are read"
        ),
        LinkNumber(
            "measuring", 1, "1 while MEASURE runs, when the other numbers are not to be trusted"
        ),
    ),
)
MEASURING = FrameKind("MEASURING", MEASURE.code | ANSWER, "the answer to MEASURE")
FAST_NEXT = FrameKind("FAST_NEXT", FAST.code | ANSWER, "the answer to FAST, at the old rate")
ACCEPTED = FrameKind(
    "ACCEPTED",
    0x90,
    "elements of this input came whole up to the position",
    (LinkNumber("limit", 2, "up to which position there is room"),),
    of_port=True,
)
REPEAT = FrameKind(
    "REPEAT",
    0xA0,
    "a frame was refused: send this input again from the position",
    (LinkNumber("limit", 2, "up to which position there is room"),),
    of_port=True,
)
OUTPUT = FrameKind("OUTPUT", 0xC0, "elements of an output", of_port=True)
TO_BOARD = (IDENTIFY, RESET, COUNT, MEASURE, FAST, ASK, TAKEN, AGAIN, FEED)
TO_HOST = (IDENTITY, WAS_RESET, COUNTERS, MEASURING, FAST_NEXT, ACCEPTED, REPEAT, OUTPUT)

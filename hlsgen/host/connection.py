"""The host's end of the link: questions with their answers, and streams of elements that survive damage of the line.

Nothing waits without an end: a question is asked TRIES times, a transfer fails after ``patience`` without any progress.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from hlsgen.algebra.link import (
    ACCEPTED,
    AGAIN,
    ANSWER,
    ASK,
    COUNT,
    COUNTERS,
    FAST,
    FEED,
    FLAG,
    IDENTIFY,
    IDENTITY,
    LONGEST,
    MEASURE,
    OUTPUT,
    POSITIONS,
    REPEAT,
    RESET,
    TAKEN,
    VERSION,
    FrameKind,
)
from hlsgen.errors import BoardFailed
from hlsgen.host.frames import Decoder, Frame, numbers
from hlsgen.host.line import BoardLine
from hlsgen.progress import Progress, silent

TRIES = 6
ANSWER_SECONDS = 0.5
"""How long one try of a question waits; each waits longer than the one before by as much."""
QUIET_SECONDS = 0.3
"""After so long without a frame, a transfer asks where the board stands; each time that nothing comes it waits twice as long."""
LONGEST_QUIET_SECONDS = 10.0
USUAL_GAPS = 4
"""A board whose frames come slowly, a simulated one, is asked after so many times the usual gap between them."""
PATIENCE_SECONDS = 60.0
READ_SECONDS = 0.05
WORTH_SENDING = 64
"""Where less room than that is known, a frame waits for more."""


class _Feeding:
    """Bytes on their way to an input: up to ``known`` the board has them, up to ``sent`` they are on the line (and were
    up to ``furthest``), up to ``limit`` there is room."""

    def __init__(self, data: bytes, begin: int, capacity: int) -> None:
        self.data, self.begin = data, begin
        self.known = self.sent = self.furthest = 0
        self.limit, self.repeated = capacity, -1
        self.asked: int | None = None  # what was on the line when ASK went behind it

    def frame(self, port: int) -> Frame | None:
        """The next frame, where there is something to send and room."""
        left = len(self.data) - self.sent
        size = min(left, LONGEST, self.limit - self.sent)
        if size <= 0 or (size < WORTH_SENDING and size < left):
            return None
        payload = self.data[self.sent : self.sent + size]
        frame = Frame(FEED.code | port, (self.begin + self.sent) % POSITIONS, payload)
        self.sent += size
        self.furthest = max(self.furthest, self.sent)
        return frame

    def hear(self, frame: Frame, repeat: bool) -> bool:
        """ACCEPTED or REPEAT; whether it is news."""
        room = numbers(ACCEPTED, frame.payload)
        ahead = (frame.position - self.begin - self.known) % POSITIONS
        if room is None or self.known + ahead > self.furthest:
            return False
        limit = self.known + ahead + (room["limit"] - frame.position) % POSITIONS
        news = ahead > 0 or limit != self.limit
        self.known, self.limit = self.known + ahead, limit
        self.sent = max(self.sent, self.known)
        if self.asked is not None and (self.known >= self.asked or not news):
            # The answer to ASK repeats what came before it: of what was sent before ASK, the rest was lost.
            if self.known < self.asked:
                self.sent, self.repeated = self.known, -1
            self.asked = None
        # Every frame behind a lost one is refused too: one return answers them all.
        if repeat and self.repeated != self.known:
            self.sent, self.repeated = self.known, self.known
        return ahead > 0

    @property
    def whole(self) -> bool:
        return self.known == len(self.data)


class _Taking:
    """Bytes of an output."""

    def __init__(self, size: int, begin: int) -> None:
        self.size, self.begin = size, begin
        self.data = bytearray()
        self.owed, self.asked = False, -1

    @property
    def position(self) -> int:
        return (self.begin + len(self.data)) % POSITIONS

    def hear(self, frame: Frame) -> bool:
        """OUTPUT; whether it is news."""
        self.owed = True
        if frame.position != self.position or not frame.payload:
            return False
        self.data += frame.payload
        return True

    def gap(self, frame: Frame) -> bool:
        """Whether something before the frame is missing that was not asked for again."""
        missing = (frame.position - self.position) % POSITIONS
        if not 0 < missing < POSITIONS // 2 or self.asked == len(self.data):
            return False
        self.asked = len(self.data)
        return True


class Connection:
    """A line to a board that answers. ``identity``: the numbers of IDENTITY."""

    def __init__(self, line: BoardLine, patience: float = PATIENCE_SECONDS) -> None:
        """Wake whatever is at the other end, ask it who it is, and have it begin anew. Raises BoardFailed."""
        self.line, self.patience = line, patience
        self._decoder, self._tag = Decoder(), int(time.monotonic() * 1000) % POSITIONS
        # Zeros are a break for a board that listens at the faster rate; the flag ends what another host began.
        line.write(bytes(4) + bytes((FLAG,)))
        self.identity: Mapping[str, int] = self._identify()
        self.positions_in = [0] * self.identity["inputs"]
        self.positions_out = [0] * self.identity["outputs"]
        self.reset()

    def _identify(self) -> Mapping[str, int]:
        payload = self.ask(IDENTIFY)
        if payload and payload[0] != VERSION:
            raise BoardFailed(
                self.line.name,
                f"expected a board whose link has version {VERSION}, found version {payload[0]}",
                "Build and program the design again with this hlsgen, or use the hlsgen that built it.",
            )
        identity = numbers(IDENTITY, payload)
        if identity is None:
            raise BoardFailed(
                self.line.name,
                f"expected {IDENTITY.length} bytes of identity, found {len(payload)}",
                "Build and program the design again with this hlsgen.",
            )
        return identity

    def ask(self, kind: FrameKind, payload: bytes = b"") -> bytes:
        """The payload of the answer to a question. Raises BoardFailed where none comes."""
        self._tag = (self._tag + 1) % POSITIONS
        question = Frame(kind.code, self._tag, payload).encoded()
        for attempt in range(1, TRIES + 1):
            self.line.write(question)
            until = time.monotonic() + ANSWER_SECONDS * attempt
            while (left := until - time.monotonic()) > 0:
                for frame in self._decoder.feed(self.line.read(min(left, READ_SECONDS))):
                    if (frame.code, frame.position) == (kind.code | ANSWER, self._tag):
                        return frame.payload
        raise BoardFailed(
            self.line.name,
            f"expected an answer to {kind.name} within {ANSWER_SECONDS * TRIES * (TRIES + 1) / 2:.0f} s, found none",
            "Is this the board's port, and is it programmed (docs/boards.md)? --port names another.",
        )

    def reset(self) -> None:
        """Circuit, positions and counters begin anew."""
        self.ask(RESET)
        self.positions_in = [0] * len(self.positions_in)
        self.positions_out = [0] * len(self.positions_out)

    def counters(self) -> Mapping[str, int]:
        """The numbers of COUNTERS. Raises BoardFailed."""
        counters = numbers(COUNTERS, self.ask(COUNT))
        if counters is None:
            raise BoardFailed(
                self.line.name, "expected counters, found another payload", "Program it again."
            )
        return counters

    def measure(self, samples: int) -> Mapping[str, int]:
        """The counters after the last sample has been run ``samples`` times from memory; then everything begins anew."""
        self.ask(MEASURE, samples.to_bytes(4, "little"))
        counters, began = self.counters(), time.monotonic()
        while counters["measuring"]:
            if time.monotonic() > began + self.patience:
                raise BoardFailed(
                    self.line.name,
                    f"expected {samples} samples within {self.patience:.0f} s, found {counters['samples']}",
                    "Measure fewer samples.",
                )
            time.sleep(QUIET_SECONDS / 10)
            counters = self.counters()
        counters = self.counters()  # of which none was read while it moved
        self.reset()
        return counters

    def speed_up(self) -> int:
        """Go on at the faster rate, or at the usual one where the line does not carry it; the rate in bits per second."""
        usual, fast = self.identity["baud"], self.identity["fast_baud"]
        if fast == usual:
            return usual
        self.ask(FAST)
        try:
            self.line.set_baud(fast)
            for _ in range(3):
                self.ask(IDENTIFY)
        except BoardFailed:
            self.line.set_baud(usual)
            self.line.write(bytes(4) + bytes((FLAG,)))
            self.ask(IDENTIFY)
            return usual
        return fast

    def transfer(
        self, inputs: Sequence[bytes], sizes: Sequence[int], progress: Progress = silent
    ) -> list[bytes]:
        """Send all bytes of every input and receive ``sizes`` bytes of every output, side by side. Raises BoardFailed."""
        capacity = self.identity["capacity"]
        feeding = [
            _Feeding(data, begin, capacity)
            for data, begin in zip(inputs, self.positions_in, strict=True)
        ]
        taking = [
            _Taking(size, begin) for size, begin in zip(sizes, self.positions_out, strict=True)
        ]
        heard = moved = time.monotonic()
        gap, quiet = 0.0, QUIET_SECONDS
        total = max(1, sum(sizes))
        while not (all(f.whole for f in feeding) and all(len(t.data) >= t.size for t in taking)):
            self._send(feeding, taking)
            answers = [*self._decoder.feed(self.line.read(READ_SECONDS))]
            now = time.monotonic()
            if any([self._hear(frame, feeding, taking) for frame in answers]):
                moved = now
                progress("running samples", sum(len(t.data) for t in taking) / total)
            if answers:
                gap, heard = gap + (now - heard - gap) / 8, now
                quiet = min(max(QUIET_SECONDS, USUAL_GAPS * gap), LONGEST_QUIET_SECONDS)
            elif now > heard + quiet:
                self._ask_again(feeding, taking)
                heard, quiet = now, min(2 * quiet, LONGEST_QUIET_SECONDS)
            if now > moved + self.patience:
                raise self._stopped(feeding, taking)
        self._send(feeding, taking)
        self.positions_in = [(f.begin + f.known) % POSITIONS for f in feeding]
        self.positions_out = [t.position for t in taking]
        return [bytes(t.data) for t in taking]

    def _send(self, feeding: Sequence[_Feeding], taking: Sequence[_Taking]) -> None:
        """Everything that there is room for, behind the news of what has come."""
        out = bytearray()
        for port, output in enumerate(taking):
            if output.owed:
                output.owed = False
                out += Frame(TAKEN.code | port, output.position).encoded()
        for port, source in enumerate(feeding):
            while (frame := source.frame(port)) is not None:
                out += frame.encoded()
        if out:
            self.line.write(bytes(out))

    def _hear(self, frame: Frame, feeding: Sequence[_Feeding], taking: Sequence[_Taking]) -> bool:
        kind, port = frame.code & 0xF0, frame.code & 0x0F
        if kind in (ACCEPTED.code, REPEAT.code) and port < len(feeding):
            return feeding[port].hear(frame, kind == REPEAT.code)
        if kind == OUTPUT.code and port < len(taking):
            if taking[port].gap(frame):
                self.line.write(Frame(AGAIN.code | port, taking[port].position).encoded())
            return taking[port].hear(frame)
        return False

    def _ask_again(self, feeding: Sequence[_Feeding], taking: Sequence[_Taking]) -> None:
        """Nothing came for a while: what was on the line may be lost, either way."""
        out = b""
        for port, source in enumerate(feeding):
            if not source.whole:
                source.asked = source.sent
                out += Frame(ASK.code | port, 0).encoded()
        for port, output in enumerate(taking):
            output.asked = -1
            out += Frame(AGAIN.code | port, output.position).encoded()
        self.line.write(out)

    def _stopped(self, feeding: Sequence[_Feeding], taking: Sequence[_Taking]) -> BoardFailed:
        given = sum(f.known for f in feeding), sum(len(f.data) for f in feeding)
        come = sum(len(t.data) for t in taking), sum(t.size for t in taking)
        return BoardFailed(
            self.line.name,
            f"expected the next elements within {self.patience:.0f} s, found none: the board has taken {given[0]} of"
            f" {given[1]} bytes and given {come[0]} of {come[1]}",
            "Is the board still connected, and does it hold this design? Run the command again.",
        )

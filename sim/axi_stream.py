"""Drivers of AXI4-Stream ports that know no simulator: a bench gives them each cycle's signal values.

A cycle has two halves. In the first the drivers say what they drive (``Source.drive``, ``Sink.drive``);
the bench lets the design settle; in the second they see what the design answers (``settle``). The values of the second half are
those that the clock edge at the end of the cycle samples, so a transfer happens where valid and ready are both 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hlsgen.sim.stalls import StallPattern


@dataclass
class Source:
    """Sends ``words`` in order; once valid it stays valid with the same word until it is accepted.

    ``last`` every ``words_per_sample``-th word carries tlast. ``first_accepted`` collects the cycle in which each
    sample's first word was accepted.
    """

    words: list[int]
    words_per_sample: int
    pattern: StallPattern
    sent: int = 0
    valid: bool = False
    first_accepted: list[int] = field(default_factory=list)

    def drive(self) -> tuple[bool, int, bool]:
        """(tvalid, tdata, tlast) of this cycle."""
        willing = self.pattern.willing()
        self.valid = self.sent < len(self.words) and (self.valid or willing)
        if not self.valid:
            return False, 0, False
        return True, self.words[self.sent], (self.sent + 1) % self.words_per_sample == 0

    def settle(self, cycle: int, ready: bool) -> bool:
        """Take the design's tready; True if the word was accepted."""
        if not (self.valid and ready):
            return False
        if self.sent % self.words_per_sample == 0:
            self.first_accepted.append(cycle)
        self.sent += 1
        self.valid = False
        return True

    @property
    def done(self) -> bool:
        return self.sent == len(self.words)


@dataclass
class Sink:
    """Takes words, and checks the rules of a stream.

    Rules: valid, once 1, stays 1 with the same data and last until ready; last is 1 exactly on each sample's last word;
    no more than ``expected`` words come. ``violations`` collects the breaches as sentences, the first of each kind.
    """

    name: str
    expected: int
    words_per_sample: int
    pattern: StallPattern
    words: list[int] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    ready: bool = False
    _pending: tuple[int, bool] | None = None
    _kinds: set[str] = field(default_factory=set)

    def drive(self) -> bool:
        """tready of this cycle."""
        self.ready = self.pattern.willing()
        return self.ready

    def settle(self, cycle: int, valid: bool, data: int, last: bool) -> bool:
        """Take the design's tvalid, tdata and tlast (of any value where not valid); True if a word came."""
        pending, self._pending = self._pending, None
        if not valid:
            if pending is not None:
                self._breach("withdrawn", cycle, "tvalid fell before tready was given")
            return False
        if pending is not None and pending[0] != data:
            self._breach(
                "tdata", cycle, f"tdata changed from {pending[0]:#x} to {data:#x} before tready"
            )
        if pending is not None and pending[1] != last:
            self._breach("tlast unstable", cycle, "tlast changed before tready was given")
        if not self.ready:
            self._pending = (data, last)
            return False
        position = len(self.words) % self.words_per_sample
        if last != (position == self.words_per_sample - 1):
            self._breach(
                "tlast",
                cycle,
                f"tlast is {int(last)} on word {position} of {self.words_per_sample} of a sample",
            )
        if len(self.words) == self.expected:
            self._breach("surplus", cycle, f"more than the expected {self.expected} words came")
        else:
            self.words.append(data)
            self.cycles.append(cycle)
        return True

    def _breach(self, kind: str, cycle: int, text: str) -> None:
        if kind not in self._kinds:
            self._kinds.add(kind)
            self.violations.append(f"{self.name}, cycle {cycle}: {text}")

    @property
    def done(self) -> bool:
        return len(self.words) == self.expected

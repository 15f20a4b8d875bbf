"""The outcome of a verification, of every kind of design, and its file ``verify.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from hlsgen.verify.agreement import Agreement
from hlsgen.verify.compare import ElementMismatch
from hlsgen.verify.reference import FUNCTION
from hlsgen.verify.run import Request
from hlsgen.verify.timing import Timing

LATE = 1.05
"""Measured over predicted interval: from here on a prediction is missed."""


@dataclass(frozen=True, repr=False)
class VerifyResult:
    """``mismatches``: output elements that differ from the design's ``meaning`` (in the stalled or in the full-speed run); ``agreements``:
    with other references. ``predicted``: latency and interval. ``slowest_cycles``: those in which the slowest process or port works on one
    sample. ``finding``: which part of a wrong design is the first that is wrong. ``timeline``: of one sample, where it was asked for. ``waves``: where
    those are that were asked for, or of the first mismatch.
    """

    meaning: str
    samples: int
    elements: int
    mismatches: int
    agreements: tuple[Agreement, ...]
    timing: Timing
    predicted: Timing
    slowest_cycles: int | None
    request: Request
    verilog_sha256: str
    shown: tuple[ElementMismatch, ...]
    violations: tuple[str, ...]
    finding: str | None
    outputs: Mapping[str, np.ndarray] = field(repr=False, compare=False)
    timeline: Mapping[str, Any] | None = None
    waves: str | None = None

    @property
    def latency_cycles(self) -> int | None:
        """Measured at full speed; None where the design stopped."""
        return self.timing.latency_cycles

    @property
    def interval_cycles(self) -> int | None:
        """Measured at full speed; None where the design stopped or had too few samples."""
        return self.timing.interval_cycles

    @property
    def busy_share(self) -> float | None:
        """The share of all cycles at full speed in which the slowest process or port works."""
        if not self.interval_cycles or self.slowest_cycles is None:
            return None
        return round(self.slowest_cycles / self.interval_cycles, 4)

    @property
    def undeclared(self) -> int:
        """Elements that differ from another reference by more than was declared."""
        return sum(agreement.undeclared for agreement in self.agreements)

    @property
    def late(self) -> bool:
        """Whether the interval at full speed is more than 5 % above the predicted one."""
        measured, predicted = self.interval_cycles, self.predicted.interval_cycles
        if measured is None or predicted is None:
            return False
        return measured > LATE * predicted

    @property
    def good(self) -> bool:
        """No wrong element, no broken rule, no missed interval, and no difference from another reference beyond what is declared."""
        return not (self.mismatches or self.violations or self.undeclared or self.late)

    def against(self, reference: str) -> int | None:
        """Elements that differ from a reference; None where it was not asked or has no such values."""
        for agreement in self.agreements:
            if agreement.reference == reference and agreement.elements:
                return agreement.mismatches
        return None

    @property
    def ort_mismatches(self) -> int | None:
        """Elements that differ from ONNX Runtime's default session."""
        return self.against("default")

    @property
    def ort_integer_mismatches(self) -> int | None:
        """Elements that differ from the session with int8 kernels allowed; not asked where the default one agrees."""
        asked = self.against("integer")
        return 0 if asked is None and self.ort_mismatches == 0 else asked

    @property
    def ort_matched(self) -> str | None:
        """Which of ONNX Runtime's answers the design gives: "default", "integer" kernels, or neither (None)."""
        counts = {"default": self.ort_mismatches, "integer": self.ort_integer_mismatches}
        return next((session for session, count in counts.items() if count == 0), None)

    @property
    def function_mismatches(self) -> int | None:
        """Elements that differ from a kernel's Python function."""
        return self.against(FUNCTION)

    def as_json(self) -> dict[str, Any]:
        """The content of verify.json."""
        return {
            "good": self.good,
            "samples": self.samples,
            "elements": self.elements,
            "mismatches": self.mismatches,
            "undeclared": self.undeclared,
            "ort_mismatches": self.ort_mismatches,
            "ort_integer_mismatches": self.ort_integer_mismatches,
            "ort_matched": self.ort_matched,
            "function_mismatches": self.function_mismatches,
            "declared": [text for agreement in self.agreements for text in agreement.declared],
            "latency_cycles": self.latency_cycles,
            "interval_cycles": self.interval_cycles,
            "predicted_latency_cycles": self.predicted.latency_cycles,
            "predicted_interval_cycles": self.predicted.interval_cycles,
            "late": self.late,
            "busy_share": self.busy_share,
            "engine": self.request.engine,
            "stall": self.request.stall,
            "reference": self.request.reference,
            "seed": self.request.seed,
            "verilog_sha256": self.verilog_sha256,
            "violations": list(self.violations),
            "finding": self.finding,
            "waves": self.waves,
            "first_mismatches": [
                {
                    "sample": m.sample,
                    "value": m.value,
                    "index": m.index,
                    "got": m.got,
                    "want": m.want,
                }
                for m in self.shown
            ],
            **({} if self.timeline is None else {"timeline": self.timeline}),
        }

    def to_text(self) -> str:
        """verify.json."""
        return json.dumps(self.as_json(), indent=1) + "\n"

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """What a person wants to read: the verdict, the times, and what is wrong."""
        request = self.request
        lines = [
            self._verdict(),
            f"{self.samples} samples, {self.elements} output elements, engine {request.engine}, stall {request.stall}, seed {request.seed}",
            f"{self.meaning}: {self.mismatches} different",
            *(agreement.text() for agreement in self.agreements),
            f"latency {_cycles(self.latency_cycles)} (predicted {self.predicted.latency_cycles}), "
            f"interval {_cycles(self.interval_cycles)} (predicted {self.predicted.interval_cycles})",
        ]
        if self.busy_share is not None:
            lines.append(
                f"slowest process or port busy {self.busy_share:.1%} of its cycles at full speed"
            )
        lines += [str(mismatch) for mismatch in self.shown]
        if self.mismatches > len(self.shown):
            lines.append(f"... {self.mismatches - len(self.shown)} more")
        lines += [f"rule broken: {text}" for text in self.violations]
        if self.finding is not None:
            lines.append(self.finding)
        if self.waves is not None:
            lines.append(self.waves)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return f"<pre>{escape(self.text())}</pre>"

    def _verdict(self) -> str:
        """The first line: whether all is well, and if not, what is wrong."""
        faults = []
        if self.mismatches:
            faults.append(f"{self.mismatches} elements are not what the {self.meaning} says")
        faults += [
            f"{agreement.undeclared} elements differ from {agreement.title} by more than was declared"
            for agreement in self.agreements
            if agreement.undeclared
        ]
        if self.violations:
            faults.append(f"rules broken: {len(self.violations)}")
        if self.late:
            faults.append(
                f"the interval is {self.interval_cycles} cycles, more than 5 % above the predicted {self.predicted.interval_cycles}"
            )
        return f"WRONG: {'; '.join(faults)}" if faults else "good"


def _cycles(cycles: int | None) -> str:
    return "not measured" if cycles is None else f"{cycles} cycles"

"""The outcome of a verification, and its file ``verify.json``."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.errors import BadFile
from hlsgen.verify.compare import ElementMismatch
from hlsgen.verify.timing import Timing


@dataclass(frozen=True)
class VerifyResult:
    """``mismatches``: output elements that differ from the integer graph's meaning (in the stalled or in the full-speed run);
    ``ort_mismatches``: from ONNX Runtime's default session, ``ort_integer_mismatches``: from the one with int8 kernels allowed (None
    where it gives no such value). ``latency_cycles``, ``interval_cycles``: of the
    full-speed run, None where it stopped. ``slowest_cycles``: those in which the slowest process or port works on
    one sample.
    """

    samples: int
    elements: int
    mismatches: int
    ort_mismatches: int | None
    ort_integer_mismatches: int | None
    timing: Timing
    predicted_latency_cycles: int
    predicted_interval_cycles: int
    slowest_cycles: int | None
    engine: str
    stall: str
    reference: str
    seed: int
    verilog_sha256: str
    shown: tuple[ElementMismatch, ...]
    violations: tuple[str, ...]
    finding: str | None
    outputs: Mapping[str, np.ndarray] = field(repr=False, compare=False)

    @property
    def latency_cycles(self) -> int | None:
        return self.timing.latency_cycles

    @property
    def interval_cycles(self) -> int | None:
        return self.timing.interval_cycles

    @property
    def busy_share(self) -> float | None:
        """The share of all cycles at full speed in which the slowest process or port works."""
        if not self.interval_cycles or self.slowest_cycles is None:
            return None
        return round(self.slowest_cycles / self.interval_cycles, 4)

    @property
    def ort_matched(self) -> str | None:
        """Which of ONNX Runtime's answers the design gives: "default", "integer" kernels, or neither (None)."""
        counts = {"default": self.ort_mismatches, "integer": self.ort_integer_mismatches}
        return next((session for session, count in counts.items() if count == 0), None)

    @property
    def good(self) -> bool:
        """No wrong element, no broken stream rule."""
        return self.mismatches == 0 and not self.violations

    def as_json(self) -> dict[str, Any]:
        """The content of verify.json."""
        return {
            "samples": self.samples,
            "elements": self.elements,
            "mismatches": self.mismatches,
            "ort_mismatches": self.ort_mismatches,
            "ort_integer_mismatches": self.ort_integer_mismatches,
            "ort_matched": self.ort_matched,
            "latency_cycles": self.latency_cycles,
            "interval_cycles": self.interval_cycles,
            "predicted_latency_cycles": self.predicted_latency_cycles,
            "predicted_interval_cycles": self.predicted_interval_cycles,
            "busy_share": self.busy_share,
            "engine": self.engine,
            "stall": self.stall,
            "reference": self.reference,
            "seed": self.seed,
            "verilog_sha256": self.verilog_sha256,
            "violations": list(self.violations),
            "finding": self.finding,
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
        }

    def _ort_text(self) -> str:
        if self.ort_mismatches is None or self.ort_integer_mismatches is None:
            return "ONNX Runtime: has no value that could be compared"
        text = f"ONNX Runtime, default session: {self.ort_mismatches} different"
        if self.ort_mismatches:
            text += f"; with int8 kernels allowed: {self.ort_integer_mismatches} different"
        return text

    def text(self) -> str:
        """What a person wants to read: the verdict, the times, and what is wrong."""
        lines = [
            f"{self.samples} samples, {self.elements} output elements, engine {self.engine}, stall {self.stall}, seed {self.seed}",
            f"integer graph ({self.reference}): {self.mismatches} different",
            self._ort_text(),
            f"latency {_cycles(self.latency_cycles)} (predicted {self.predicted_latency_cycles}), "
            f"interval {_cycles(self.interval_cycles)} (predicted {self.predicted_interval_cycles})",
        ]
        if self.busy_share is not None:
            lines.append(
                f"slowest process or port busy {self.busy_share:.1%} of its cycles at full speed"
            )
        lines += [str(item) for item in self.shown]
        if self.mismatches > len(self.shown):
            lines.append(f"... {self.mismatches - len(self.shown)} more")
        lines += [f"stream rule broken: {text}" for text in self.violations]
        if self.finding is not None:
            lines.append(self.finding)
        return "\n".join(lines)


def write_result(directory: Path, result: VerifyResult) -> Path:
    """Write DIR/verify.json whole or not at all; raises BadFile."""
    path = directory / "verify.json"
    try:
        handle, name = tempfile.mkstemp(prefix="verify_", suffix=".unfinished", dir=directory)
        with os.fdopen(handle, "w") as stream:
            json.dump(result.as_json(), stream, indent=1)
            stream.write("\n")
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise BadFile(
            str(path), f"expected to write it, found {error}", "Make the folder writable."
        ) from None
    return path


def _cycles(cycles: int | None) -> str:
    return "not measured" if cycles is None else f"{cycles} cycles"

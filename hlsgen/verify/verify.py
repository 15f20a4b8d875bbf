"""One comparison for every kind of design: simulate it, and compare every output element with its references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hlsgen.artefact.declared import Declared
from hlsgen.artefact.folder import Folder
from hlsgen.errors import BadOption, Mismatch
from hlsgen.html_report.page import write_page
from hlsgen.progress import Progress, silent
from hlsgen.verify.agreement import Agreement, agree
from hlsgen.verify.compare import Comparison, compare
from hlsgen.verify.executables import ENGINES
from hlsgen.verify.reference import FUNCTION, Reference, Samples
from hlsgen.verify.result import VerifyResult
from hlsgen.verify.run import Failure, Request, Runner, Runs, repeated
from hlsgen.verify.simulation import Simulation
from hlsgen.verify.timeline import simulated_timeline
from hlsgen.verify.timing import Timing, measure, slowest_cycles
from hlsgen.verify.waves import forget_mismatch, waves_of_mismatch, write_waves

STALLS = ("random", "none")


def checked_request(
    stall: str, engine: str, reference: str, seed: int, port: str | None = None
) -> Request:
    """How to verify; raises BadOption for what cannot be asked of any design."""
    for option, value, known in (("--stall", stall, STALLS), ("--engine", engine, ENGINES)):
        if value not in known:
            raise BadOption(
                option,
                f"expected one of {', '.join(known)}; found {value!r}",
                "Choose one of these.",
            )
    if not 0 <= seed < 1 << 32:
        raise BadOption(
            "--seed", f"expected 0 to {2**32 - 1}, found {seed}", "Choose a seed in this range."
        )
    return Request(stall, engine, reference, seed, port)


def verify_design(
    folder: Folder,
    runner: Runner,
    reference: Reference,
    samples: Samples,
    request: Request,
    progress: Progress = silent,
) -> VerifyResult:
    """Simulate the design of a folder on samples, compare, and write DIR/verify.json.

    Raises BadFile, ToolFailed; Mismatch where all elements are right but a rule of streams or of predicted cycles is broken.
    """
    forget_mismatch(folder)
    runs = runner.run(folder, samples, request, progress)
    progress(f"evaluating the {reference.title}", None)
    want = reference.integers(samples)
    main = compare(runs.main, want)
    timed = main
    if runs.timed is not runs.main:
        timed = compare(runs.timed, _timed_want(reference, samples, want, runs.timed.samples))
    agreements = _agreements(folder, reference, samples, runs.main, progress)
    finding = failure = None
    if main.mismatches or timed.mismatches:
        failure = _failure(samples, request, runs, main, timed)
        finding = runner.first_wrong(folder, reference, failure, progress)
    manifest = folder.manifest
    result = VerifyResult(
        meaning=reference.title,
        samples=runs.main.samples,
        elements=main.elements,
        mismatches=main.mismatches or timed.mismatches,
        agreements=agreements,
        timing=measure(runs.timed),
        predicted=Timing(manifest.latency_cycles, manifest.interval_cycles),
        slowest_cycles=slowest_cycles(folder),
        request=request,
        verilog_sha256=manifest.verilog_sha256,
        shown=main.shown or timed.shown,
        violations=_violations(runs),
        finding=finding,
        outputs=runs.main.outputs,
        waves=_waves(folder, runner, samples, request, failure, progress),
        timeline=_timeline(folder, reference, samples, request, failure, progress),
    )
    path = folder.write("verify.json", result.to_text())
    write_page(folder)
    if result.violations and not result.mismatches:
        raise Mismatch(
            f"{folder.directory}: {manifest.top}",
            f"expected the rules of AXI4-Stream and the predicted cycles of fixed programs to hold, "
            f"found: {'; '.join(result.violations)}",
            f"All elements are right; {path} holds the whole result. This is a fault of hlsgen: please report it.",
        )
    return result


def _waves(
    folder: Folder,
    runner: Runner,
    samples: Samples,
    request: Request,
    failure: Failure | None,
    progress: Progress,
) -> str | None:
    """Where the waves are that were asked for, or those of a failure, which are written unasked."""
    if request.waves is not None:
        path, viewer = write_waves(
            folder, runner, samples.hardware, request, failure, request.waves, progress
        )
        return f"waves: {path}; gtkwave {path.name} {viewer.name}"
    if failure is None or not runner.has_waves or request.engine == "board":
        return None
    return waves_of_mismatch(folder, runner, request, failure, progress)


def _timeline(
    folder: Folder,
    reference: Reference,
    samples: Samples,
    request: Request,
    failure: Failure | None,
    progress: Progress,
) -> dict[str, Any] | None:
    """Of one sample, where it is asked for; a design that is wrong may stop on the way."""
    dataflow = reference.dataflow(nudged=True)
    if not request.timeline or failure is not None or dataflow is None:
        return None
    return simulated_timeline(folder, dataflow, samples.hardware, request.seed, progress)


def _timed_want(
    reference: Reference, samples: Samples, want: Mapping[str, np.ndarray], count: int
) -> Mapping[str, np.ndarray]:
    """What the timed run has to give; repeated samples give other results where the circuit keeps a state."""
    if count <= samples.count:
        return {name: array[:count] for name, array in want.items()}
    given, hardware = (repeated(part, count) for part in (samples.given, samples.hardware))
    return reference.integers(Samples(count, given, hardware))


def _agreements(
    folder: Folder,
    reference: Reference,
    samples: Samples,
    run: Simulation,
    progress: Progress,
) -> tuple[Agreement, ...]:
    """With every other reference; the integer session of ONNX Runtime is asked for besides where the default one differs."""
    agreements: list[Agreement] = []
    others = list(reference.others)
    for other in others:
        progress(f"asking the other reference: {other}", None)
        promised = {e.value: e for e in folder.manifest.declared if e.session == other}
        if other == FUNCTION:
            promised = {value: Declared(value, "default") for value in run.outputs}
        answers = reference.answers(other, samples)
        agreements.append(agree(other, answers, run.outputs, promised))
        if other == "default" and agreements[-1].mismatches and "integer" not in others:
            others.append("integer")
    return tuple(agreements)


def _failure(
    samples: Samples, request: Request, runs: Runs, main: Comparison, timed: Comparison
) -> Failure:
    """The run that went wrong."""
    failing, run, stalls, inputs = main, runs.main, request.stalls, samples.hardware
    if not main.mismatches:
        failing, run, stalls = timed, runs.timed, "none"
        inputs = repeated(samples.hardware, runs.timed.samples)
    first = failing.first_sample
    assert first is not None, "a comparison with mismatches shows the first of them"
    return Failure(inputs, stalls, request.seed, first, run.outputs, run.missing)


def _violations(runs: Runs) -> tuple[str, ...]:
    """Broken rules of both runs, and a stop."""
    violations: list[str] = []
    for run, what in ((runs.timed, "full speed"), (runs.main, "stalled")):
        violations += [f"{text} ({what})" for text in run.violations]
        if run.stopped:
            violations.append(
                f"the design stopped: no transfer for a long time after cycle {run.cycles}; "
                f"{len(run.last_given)} of {run.samples} samples came out ({what})"
            )
        if runs.main is runs.timed:
            break
    return tuple(violations)

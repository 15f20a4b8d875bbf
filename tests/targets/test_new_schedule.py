"""A schedule more is one file like the class below and one entry of TARGETS: compile, verify, reports and options follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from hlsgen import flow, targets
from hlsgen.artefact.board_ports import BoardPorts, stream_board_ports
from hlsgen.artefact.folder import Artefact, Folder
from hlsgen.artefact.manifest import Manifest
from hlsgen.artefact.report import Head, Report
from hlsgen.dataflow.interpret import interpret
from hlsgen.errors import BadOption
from hlsgen.lowering.lower import Lowered, lower
from hlsgen.progress import Progress
from hlsgen.rtl.manifest import port
from hlsgen.targets.network_source import NetworkSource
from hlsgen.targets.target import Target
from hlsgen.verify.reference import Reference, Samples
from hlsgen.verify.run import Failure, Request, Runs
from hlsgen.verify.simulation import Simulation
from hlsgen.verify.stored import StoredReference, stored_reference

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


@dataclass(frozen=True)
class PaperOptions:
    """``fabric``: what is interpreted; "wrong" gives results that are off by one."""

    fabric: str = "right"


@dataclass(frozen=True)
class PaperNetwork(Target[NetworkSource]):
    """A schedule without a circuit: the processes are interpreted."""

    kind: ClassVar[str] = "paper_network"
    source: ClassVar[str] = "network"
    schedule: ClassVar[str] = "paper"
    options: ClassVar[type] = PaperOptions

    def compile(self, source: NetworkSource, options: PaperOptions, progress: Progress) -> Artefact:
        lowered = source.lowered(nudged=True, progress=progress)
        manifest = Manifest(
            self.kind,
            inputs=tuple(port(layout, "in") for layout in lowered.inputs),
            outputs=tuple(port(layout, "out") for layout in lowered.outputs),
            interval_cycles=1,
            latency_cycles=1,
            declared=source.declared,
            details={"fabric": options.fabric},
        )
        files = {**source.files(), "design.v": b"// paper\n"}
        return Artefact(files, manifest, Report("paper", Head(interval_cycles=1), {}, "paper\n"))

    def reference(self, folder: Folder, name: str) -> Reference:
        return stored_reference(folder, name)

    def run(self, folder: Folder, samples: Samples, request: Request, progress: Progress) -> Runs:
        reference = stored_reference(folder, "numpy")
        assert isinstance(reference, StoredReference)
        lowered: Lowered = lower(reference.model.hardware)
        given = {p.channel: p.to_stream(samples.hardware[p.value]) for p in lowered.inputs}
        results = interpret(lowered.dataflow, given)
        off = folder.manifest.details["fabric"] == "wrong"
        outputs = {p.value: p.to_tensor(results[p.channel]) + off for p in lowered.outputs}
        missing = {name: np.zeros(array.shape, bool) for name, array in outputs.items()}
        cycles = np.arange(samples.count)
        done = Simulation(samples.count, 0, False, (), outputs, missing, cycles, cycles + 1, {})
        return Runs(done, done)

    def first_wrong(
        self, folder: Folder, reference: Reference, failure: Failure, progress: Progress
    ) -> str | None:
        return f"wrong from sample {failure.first_sample} on"

    def board_ports(self, folder: Folder) -> BoardPorts:
        return replace(stream_board_ports(folder.manifest, ""), large=True)


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "TARGETS", (*targets.TARGETS, PaperNetwork()))


@pytest.mark.parametrize("fabric", ["right", "wrong"])
def test_a_new_schedule_compiles_and_is_verified(tmp_path: Path, fabric: str) -> None:
    design = flow.compile(
        DIGITS / "digits.onnx", schedule="paper", fabric=fabric, output=tmp_path / "out"
    )
    assert design.report["interval_cycles"] == 1 and design.report["lut"] is None
    samples = dict(np.load(DIGITS / "samples.npz"))
    result = design.verify(samples, samples=3)
    assert result.good == (fabric == "right")
    assert (result.latency_cycles, result.interval_cycles) == (1, None if result.samples < 3 else 1)
    assert result.mismatches == (0 if fabric == "right" else 30)
    assert result.finding == (None if fabric == "right" else "wrong from sample 0 on")


def test_options_of_a_new_schedule_are_checked_like_all_others(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="found a network with --schedule paper"):
        flow.compile(DIGITS / "digits.onnx", schedule="paper", board="icebreaker")
    with pytest.raises(BadOption, match="stream, grid, paper"):
        flow.compile(DIGITS / "digits.onnx", schedule="stone")

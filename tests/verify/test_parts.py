"""A verification in parts says what a whole one says; what is done is kept; what cannot be cut is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.quantised_models import conv_model

import hlsgen
from hlsgen.artefact.folder import Folder, open_folder
from hlsgen.bitstream.cluster import Cluster
from hlsgen.errors import BadFile, BadOption
from hlsgen.flow import Compiled
from hlsgen.targets.stream_network import StreamNetwork
from hlsgen.verify import parts as cut
from hlsgen.verify.reference import Samples
from hlsgen.verify.run import Failure, Runs
from hlsgen.verify.simulation import Simulation


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    model = conv_model("u8", True, (1, 2, 4, 4), (2, 2, 2, 2))[0]
    return hlsgen.compile(model, effort="small", output=tmp_path_factory.mktemp("cut") / "design")


@pytest.fixture
def samples() -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(1).integers(0, 256, (10, 2, 4, 4)).astype(np.uint8)}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of samples of the simulations that ran."""
    counts: list[int] = []
    real = StreamNetwork.run

    def run(self: StreamNetwork, folder: Folder, given: Samples, *others: Any) -> Runs:
        counts.append(given.count)
        return real(self, folder, given, *others)

    monkeypatch.setattr(StreamNetwork, "run", run)
    return counts


def test_parts_say_what_the_whole_says_and_are_done_once(
    design: Compiled, samples: dict[str, np.ndarray], ran: list[int]
) -> None:
    whole = design.verify(samples, engine="fast")
    ran.clear()
    apart = design.verify(samples, engine="fast", parts=4)
    assert sorted(ran) == [1, 3, 3, 3, 5], "and five for the timing"
    assert (apart.samples, apart.elements, apart.mismatches) == (10, whole.elements, 0)
    assert apart.timing == whole.timing and apart.agreements == whole.agreements
    assert np.array_equal(
        apart.outputs[next(iter(apart.outputs))], next(iter(whole.outputs.values()))
    )
    ran.clear()
    assert design.verify(samples, engine="fast", parts=4).good and not ran
    samples["x"][4] ^= 1
    assert design.verify(samples, engine="fast", parts=4).good
    assert sorted(ran) == [3, 5], "one part changed, and what is timed"
    ran.clear()
    assert design.verify(samples, engine="fast", parts=4, seed=1).good
    assert len(ran) == 5, "other stalls"


def test_an_interrupted_verification_goes_on(
    design: Compiled, samples: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    real = StreamNetwork.run

    def run(self: StreamNetwork, folder: Folder, given: Samples, *others: Any) -> Runs:
        counts.append(given.count)
        if len(counts) == 3:
            raise KeyboardInterrupt
        return real(self, folder, given, *others)

    monkeypatch.setattr(StreamNetwork, "run", run)
    monkeypatch.setattr("hlsgen.bitstream.steps.os.cpu_count", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        design.verify(samples, engine="fast", seed=5, parts=5)
    assert design.verify(samples, engine="fast", seed=5, parts=5).good
    assert len(counts) == 3 + 3 + 1, "two of five were done; at last what is timed"


def test_a_wrong_part_is_seen_and_named(
    design: Compiled, samples: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = cut._joined

    def spoilt(runs: Sequence[Simulation]) -> Simulation:
        joined = real(runs)
        next(iter(joined.outputs.values()))[7] += 1
        return joined

    def first_wrong(
        self: StreamNetwork, folder: Folder, reference: object, failure: Failure, progress: object
    ) -> str:
        seen.extend((failure.first_sample, len(failure.inputs["x"])))
        return "the first layer"

    monkeypatch.setattr(cut, "_joined", spoilt)
    monkeypatch.setattr(StreamNetwork, "first_wrong", first_wrong)
    result = design.verify(samples, engine="fast", parts=4)
    assert not result.good and result.finding == "the first layer"
    assert seen == [1, 3], "the second of the third part"


def test_what_cannot_be_cut_is_refused_in_three_lines(
    design: Compiled, samples: dict[str, np.ndarray]
) -> None:
    with pytest.raises(BadOption, match="at least 1") as caught:
        design.verify(samples, parts=0)
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(BadOption, match="board") as caught:
        design.verify(samples, parts=2, engine="board")
    assert len(str(caught.value).splitlines()) == 3
    folder = open_folder(design.directory)
    details = {**folder.manifest.details, "states": {"h": "g"}}
    folder = replace(folder, manifest=replace(folder.manifest, details=details))
    with pytest.raises(BadOption, match="follow from those before"):
        cut.check_parts(folder, 2, "fast")
    (design.directory / "spoilt.npz").write_bytes(b"PK")
    with pytest.raises(BadFile, match="part of a verification"):
        cut._read(design.directory / "spoilt.npz")


@pytest.fixture
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as local:
        yield local.scheduler_address


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_cluster_of_two_workers_simulates_the_parts(
    design: Compiled, samples: dict[str, np.ndarray], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    real = Cluster._submitted
    monkeypatch.setattr(Cluster, "_submitted", lambda *given: (sent.append(1), real(*given))[1])
    whole = design.verify(samples, engine="fast", seed=9)
    apart = design.verify(samples, engine="fast", seed=9, cluster=address)
    assert len(sent) == 2, "a part for each thread, of as many samples as are timed"
    assert apart.mismatches == whole.mismatches == 0 and apart.samples == 10
    assert design.verify(samples, engine="fast", seed=9, parts=2).good and len(sent) == 2

"""Whole networks in the simulated circuit of one fabric, one after the other: only the program changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.made_by_others import model_folder

from hlsgen.artefact.folder import open_folder
from hlsgen.flow import Compiled, compile
from hlsgen.schedule.grid_network.ports import outputs_of, result_words
from hlsgen.targets.grid_network import GridNetwork, NetworkProgram, load_program, program_words
from hlsgen.verify.fabric_simulation import Stalls, simulate_program
from hlsgen.verify.stored import stored_reference

ROOT = Path(__file__).parents[2]
NETWORKS = ("digits", "ad_fcae_int8", "kws_dscnn_int8", "ic_resnet8_int8")
pytestmark = pytest.mark.slow


@dataclass(frozen=True, eq=False)
class Network:
    """A compiled network with the program of one sample, and what it must answer: channel -> integers."""

    compiled: Compiled
    program: NetworkProgram
    words: np.ndarray
    answers: dict[str, np.ndarray]

    def differing(self, unload: np.ndarray) -> int:
        """Elements of the results that are wrong."""
        results = outputs_of(self.program.fabric, self.program.outputs, unload, 1)
        return sum(
            int(np.count_nonzero(results[channel].reshape(-1) != answer.reshape(-1)))
            for channel, answer in self.answers.items()
        )


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the simulator of the fabric is built once."""
    return tmp_path_factory.mktemp("networks")


def network(name: str, circuit: Path) -> Network:
    if name == "digits":
        model, samples = (ROOT / "examples" / "digits" / f for f in ("digits.onnx", "samples.npz"))
    else:
        model, samples = (model_folder(name) / f for f in ("model.onnx", "inputs.npz"))
    compiled = compile(model, schedule="grid", fabric="mac_8x8", output=circuit)
    folder = open_folder(circuit)
    program = load_program(folder)
    with np.load(samples) as arrays:
        first = {key: arrays[key][:1] for key in arrays.files}
    reference = stored_reference(folder, "numpy")
    given = reference.samples(first, None, 0)
    integers = reference.integers(given)
    answers = {port.channel: integers[port.value] for port in folder.manifest.outputs}
    words = program_words(folder, program, given.hardware, 1)
    return Network(compiled, program, words, answers)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_exact_in_the_cycles_of_its_report(name: str, circuit: Path) -> None:
    compiled = network(name, circuit)
    done = simulate_program(circuit, compiled.program.fabric, compiled.words)
    assert compiled.differing(done.unload) == 0
    assert done.run_cycles == compiled.program.run_cycles
    assert done.busy_cycles == compiled.compiled.report["cycles"]


def test_networks_run_one_after_the_other_on_one_circuit(circuit: Path) -> None:
    networks = [network(name, circuit) for name in ("digits", "ad_fcae_int8", "digits")]
    words = np.concatenate([compiled.words for compiled in networks])
    stalls = Stalls("random", "bursty", 3)
    done = simulate_program(circuit, networks[0].program.fabric, words, stalls=stalls)
    place = 0
    for compiled in networks:
        count = result_words(compiled.program.fabric, compiled.program.outputs)
        assert compiled.differing(done.unload[place : place + count]) == 0
        place += count
    assert place == len(done.unload)


def test_samples_of_batches_are_exact_in_the_cycles_of_their_report(tmp_path: Path) -> None:
    """Two batches of 8 and one of 4, compared sample by sample; the line of a board would carry the same words."""
    digits = ROOT / "examples" / "digits"
    compiled = compile(
        digits / "digits.onnx", schedule="grid", fabric="mac_8x8", batch=8, output=tmp_path / "net"
    )
    with np.load(digits / "samples.npz") as arrays:
        samples = {key: arrays[key][:20] for key in arrays.files}
    result = compiled.verify(inputs=samples)
    assert result.good
    assert result.latency_cycles == compiled.report["latency_cycles"]
    assert result.interval_cycles == compiled.report["latency_cycles"] // 8
    folder = open_folder(tmp_path / "net")
    given = stored_reference(folder, "numpy").samples(samples, None, 0)
    traffic = GridNetwork().traffic(folder, given.hardware, 20)
    words = result_words(load_program(folder).fabric, load_program(folder).outputs)
    assert traffic.sizes == (4 * 3 * words,)

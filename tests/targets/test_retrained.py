"""Designs whose weights are loadable: the same meaning, the retrained network's after its bytes went in, and refusals of other architectures."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.retrained_digits import DIGITS, other_digits
from support.source_tree import ROOT

from hlsgen import flow
from hlsgen.artefact.folder import open_folder
from hlsgen.dataflow.interpret import interpret
from hlsgen.dataflow.loadable import layer_types, loadable
from hlsgen.errors import BadFile, BadOption, TypeMismatch
from hlsgen.flow_weights import weights, write_weights
from hlsgen.lowering.lower import lower
from hlsgen.numbers import Numbers
from hlsgen.progress import silent
from hlsgen.targets import target_of
from hlsgen.targets.network_source import NetworkSource, read_network
from hlsgen.verify.executables import build_executable
from hlsgen.verify.simulation import simulate
from hlsgen.verify.simulators import find_simulator
from hlsgen.verify.stored import stored_reference


@functools.cache
def design() -> Path:
    """The digits network with loadable weights."""
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_loadable_")) / "digits"
    options: dict[str, Any] = {"board": "ulx3s_85f", "target_fps": 10000.0, "weights": "loadable"}
    return flow.compile(DIGITS, output=folder, **options).directory


def network(model: onnx.ModelProto) -> NetworkSource:
    return read_network(model, Numbers(), silent)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_retrained_network_means_the_same_in_the_types_of_the_first(seed: int) -> None:
    compiled = lower(network(onnx.load(DIGITS)).integer.hardware, True, True)
    graph = network(other_digits(seed)).integer.hardware
    plain = lower(graph).dataflow
    loaded = lower(graph, True, True, compiled.layers).dataflow
    (channel,) = plain.inputs
    shape = plain.channels[channel].shape
    pictures = np.random.default_rng(seed).integers(-128, 128, (8, *shape))
    results = [interpret(dataflow, {channel: pictures}) for dataflow in (plain, loaded)]
    for output in plain.outputs:
        assert np.array_equal(results[0][output], results[1][output])
        assert len(np.unique(results[0][output])) > 8


def test_a_design_computes_what_it_was_compiled_for_until_others_are_loaded() -> None:
    graph = network(onnx.load(DIGITS)).integer.hardware
    plain, loaded = lower(graph).dataflow, lower(graph, True, True).dataflow
    (channel,) = plain.inputs
    pictures = np.random.default_rng(3).integers(-128, 128, (8, *plain.channels[channel].shape))
    results = [interpret(dataflow, {channel: pictures}) for dataflow in (plain, loaded)]
    (output,) = plain.outputs
    assert np.array_equal(results[0][output], results[1][output])
    assert all(store.loadable for store in loaded.stores.values())


@pytest.mark.slow
def test_the_circuit_computes_the_network_whose_bytes_were_loaded(tmp_path: Path) -> None:
    folder = open_folder(design())
    program = build_executable(folder.directory, folder.manifest, find_simulator(), "cocotb")
    samples = dict(np.load(ROOT / "examples" / "digits" / "samples.npz"))
    for seed in (None, 0, 1):
        model = onnx.load(DIGITS) if seed is None else other_digits(seed)
        other = open_folder(flow.compile(model, output=tmp_path / f"plain_{seed}").directory)
        reference = stored_reference(other, "numpy")
        given = reference.samples(samples, 20, 0)
        (inputs,), (expected,) = given.hardware.values(), reference.integers(given).values()
        run = simulate(
            program,
            "cocotb",
            folder.manifest,
            {folder.manifest.inputs[0].value: inputs},
            20,
            "random",
            0,
            image=b"" if seed is None else weights(folder.directory, model),
        )
        assert not run.stopped and not run.violations
        assert np.array_equal(run.outputs[folder.manifest.outputs[0].value], expected), seed


def test_the_bytes_are_those_of_the_model_and_no_others() -> None:
    first, again = (weights(design(), other_digits(0)) for _ in range(2))
    assert first == again != weights(design(), other_digits(1))
    assert len(first) == len(weights(design(), DIGITS))


def test_the_port_is_an_input_of_the_link_and_passed_on_by_an_export(tmp_path: Path) -> None:
    from hlsgen.flow_export import export

    folder = open_folder(design())
    ports = target_of(folder).board_ports(folder)
    assert [port.prefix for port in ports.inputs] == ["s_axis", "s_parameters"]
    assert ports.measures and not ports.tied
    exported = export(design(), "litex", tmp_path / "out")
    for name in ("digits_axi", "digits_controlled"):
        assert "input [7:0] s_parameters_tdata;" in (exported / "rtl" / f"{name}.v").read_text()
    assert "self.s_parameters = stream.Endpoint" in (exported / "digits_axi.py").read_text()


def test_another_architecture_is_refused_with_the_first_difference() -> None:
    model = onnx.load(DIGITS)
    (pool,) = (node for node in model.graph.node if node.op_type == "MaxPool")
    pool.attribute.remove(next(a for a in pool.attribute if a.name == "strides"))
    pool.attribute.append(helper.make_attribute("strides", [1, 1]))
    pool.attribute.append(helper.make_attribute("pads", [0, 0, 0, 0]))
    with pytest.raises(Exception, match=r"expected|Expected"):
        weights(design(), model)
    padded = other_digits(0, r1_zero_point=np.array(-120))
    with pytest.raises(TypeMismatch, match=r"expected the architecture that was compiled: .*found"):
        weights(design(), padded)


def test_scales_out_of_range_are_refused_with_the_layer() -> None:
    with pytest.raises(TypeMismatch, match=r"(?s)layer conv1.*expected multiplier of 0 to"):
        weights(design(), other_digits(0, larger=12.0))
    graph = network(onnx.load(DIGITS)).integer.hardware
    layers = {
        name: replace(types, fraction=types.fraction - 20)
        for name, types in lower(graph, True, True).layers.items()
        if types.fraction is not None
    }
    with pytest.raises(TypeMismatch, match=r"(?s)layer conv1.*expected scales that are whole"):
        lower(graph, True, True, layers)


def test_a_layer_that_cannot_be_loadable_is_refused() -> None:
    dataflow = lower(network(onnx.load(DIGITS)).integer.hardware).dataflow
    with pytest.raises(TypeMismatch, match="expected a requantiser of one float32 scale"):
        layer_types(dataflow)
    compiled = lower(network(onnx.load(DIGITS)).integer.hardware, True, True)
    with pytest.raises(TypeMismatch, match="expected the same kind of finish"):
        loadable(dataflow, compiled.layers)
    wide = {
        name: replace(store, values=store.values * 3000) for name, store in dataflow.stores.items()
    }
    with pytest.raises(TypeMismatch, match="expected"):
        layer_types(replace(dataflow, stores=wide))


def test_a_design_of_fixed_weights_and_a_wrong_manifest_are_refused(tmp_path: Path) -> None:
    fixed = flow.compile(DIGITS, output=tmp_path / "fixed").directory
    with pytest.raises(BadOption, match="expected a network compiled with --weights loadable"):
        weights(fixed, DIGITS)
    path = tmp_path / "fixed" / "manifest.json"
    path.write_text(path.read_text().replace('"details": {}', '"details": {"loadable": 3}'))
    with pytest.raises(BadFile, match="expected the options of a design with loadable weights"):
        weights(fixed, DIGITS)


def test_an_option_that_there_is_not_and_a_place_that_cannot_be_written_are_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(BadOption, match="expected loadable, found 'fixed'"):
        flow.compile(DIGITS, weights="fixed")
    with pytest.raises(BadFile, match="expected a file that can be written"):
        write_weights(b"", tmp_path / "none" / "weights.bin")

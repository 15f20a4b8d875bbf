"""The folder of a circuit with a retrained network: verified against that network, run with its scales, and its weights loaded by whoever runs it."""

from __future__ import annotations

import functools
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.quantised_models import QuantisedModel
from support.source_tree import ROOT

import hlsgen
from hlsgen import cli, flow_board, flow_export
from hlsgen.artefact.folder import open_folder
from hlsgen.artefact.parameter_port import parameters_to_load, stored_parameters
from hlsgen.errors import BadOption, HlsgenError
from hlsgen.flow_weights import retrained, weights
from hlsgen.frontend.sessions import open_session

DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
FEATURES, CLASSES = 6, 3


def dense(seed: int, classes: int = CLASSES) -> onnx.ModelProto:
    """Reals, quantised, through a matrix product to probabilities; weights and all scales and zero points are drawn."""
    model = QuantisedModel((1, FEATURES), "s8", seed=seed)
    x = model.quantize("x", model.scale, model.zero, "s8")
    x = model.dequantize(x, model.scale, model.zero, "s8")
    scale, zero = np.float32(model.random.uniform(0.01, 0.05)), int(model.random.integers(-20, 20))
    operands = model.weights((classes, FEATURES), classes, False), model.bias(classes, model.scale)
    scores = model.quantize(model.node("Gemm", x, *operands, transB=1), scale, zero, "s8")
    scores = model.dequantize(scores, scale, zero, "s8")
    network = model.finish(model.node("Softmax", scores, axis=1))
    network.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return network


def samples(count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {"x": random.uniform(-3, 3, (count, FEATURES)).astype(np.float32)}


def answers(model: onnx.ModelProto, given: dict[str, np.ndarray]) -> np.ndarray:
    """Of ONNX Runtime."""
    session = open_session(model, [], "unoptimised")
    return np.concatenate([session.run(None, {"x": row[None]})[0] for row in given["x"]])


@functools.cache
def design() -> hlsgen.Compiled:
    folder = Path(tempfile.mkdtemp(prefix="hlsgen_dense_")) / "dense"
    board: dict[str, Any] = {"board": "ulx3s_25f", "weights": "loadable", "name": "dense"}
    return hlsgen.compile(dense(0), output=folder, **board)


@functools.cache
def other(seed: int = 1) -> hlsgen.Compiled:
    return retrained(design().directory, dense(seed), design().directory.parent / f"other_{seed}")


def test_the_folder_holds_the_same_circuit_with_the_network_and_its_bytes() -> None:
    first, second = open_folder(design().directory), open_folder(other().directory)
    assert first.manifest.verilog_sha256 == second.manifest.verilog_sha256
    assert second.read("parameters.bin") == weights(first.directory, dense(1))
    assert stored_parameters(first) == weights(first.directory, dense(0))
    assert (parameters_to_load(first), parameters_to_load(second)) == (
        b"",
        stored_parameters(second),
    )
    assert "loaded before the first sample" in (second.directory / "report.txt").read_text()
    assert second.manifest.made_by["command"] == "hlsgen weights dense MODEL.onnx"


@pytest.mark.parametrize("engine", ["cocotb", "fast"])
def test_the_simulated_circuit_gives_what_the_retrained_network_does(engine: str) -> None:
    given = samples(12)
    verified = [each.verify(given, engine=engine) for each in (design(), other(), other(2))]
    assert all(result.good for result in verified)
    outputs = [next(iter(result.outputs.values())) for result in verified]
    assert len({array.tobytes() for array in outputs}) == 3
    assert all(agreement.mismatches == 0 for agreement in verified[1].agreements)


@pytest.mark.slow
def test_the_waves_and_the_timeline_are_those_of_the_retrained_network(tmp_path: Path) -> None:
    result = other().verify(samples(3), waves=tmp_path / "waves.vcd", timeline=True)
    assert result.good and (tmp_path / "waves.vcd").stat().st_size > 1000


def test_an_emulated_board_runs_one_network_after_the_other_with_the_scales_of_each() -> None:
    pytest.importorskip("serial", reason="needs pyserial")
    given = samples(9)
    terminal = flow_board.emulate(design().directory, clock="50")
    port = next(terminal)
    try:
        for each, model in ((other(), dense(1)), (design(), dense(0))):
            result = flow_board.run(each.directory, given, port, measured=20)
            (probabilities,) = result.outputs.values()
            np.testing.assert_allclose(probabilities, answers(model, given), atol=1e-6)
            assert result.measurement is not None and result.measurement.samples == 20
        with design().connect(port) as board:
            for model, each in ((dense(2), other(2)), (dense(1), other())):
                (probabilities,) = board.run(each, **given).values()
                np.testing.assert_allclose(probabilities, answers(model, given), atol=1e-6)
            (probabilities,) = board(given).values()
            np.testing.assert_allclose(probabilities, answers(dense(0), given), atol=1e-6)
        verified = other().verify(given, engine="board", port=port)
        assert verified.good and verified.elements == 9 * CLASSES
    finally:
        terminal.close()


def test_what_the_folder_is_not_for_is_refused(tmp_path: Path) -> None:
    refusals = (
        lambda: weights(other().directory, dense(2)),
        lambda: flow_export.export(other().directory, "verilog", tmp_path / "out"),
        lambda: flow_export.bench(other().directory, tmp_path / "bench"),
    )
    for refused in refusals:
        with pytest.raises(BadOption, match="found one of 'hlsgen weights --design'") as caught:
            refused()
        assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(BadOption, match="expected a folder of its own"):
        retrained(design().directory, dense(1), design().directory)
    with pytest.raises(HlsgenError, match="expected the architecture that was compiled"):
        retrained(design().directory, dense(1, CLASSES + 1), tmp_path / "more")
    assert not (tmp_path / "more").exists()


def test_the_command_line_writes_the_folder_or_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    onnx.save(dense(1), tmp_path / "again.onnx")
    command = ["hlsgen", "weights", str(design().directory), str(tmp_path / "again.onnx")]

    def code(*options: str) -> object:
        monkeypatch.setattr(sys, "argv", [*command, *options])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code or 0

    assert code("--design", str(tmp_path / "again")) == 0
    assert "hlsgen run and verify load its weights" in capsys.readouterr().out
    assert code("-o", str(tmp_path / "bytes")) == 0
    assert (tmp_path / "bytes").read_bytes() == (tmp_path / "again" / "parameters.bin").read_bytes()
    assert code("-o", str(tmp_path / "bytes"), "--design", str(tmp_path / "twice")) == 2
    assert "found both" in capsys.readouterr().err

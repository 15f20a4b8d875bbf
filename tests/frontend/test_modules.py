"""PyTorch modules and Keras models as sources: by their own exporters, which are stood in for here."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest
from support.quantised_models import conv_model

from hlsgen import flow
from hlsgen.errors import BadFile, BadOption
from hlsgen.frontend.modules import exported, framework_of


class Module:
    """As torch.nn.Module, as far as an export asks."""

    def eval(self) -> Module:
        return self


Module.__module__ = "torch.nn.modules.module"


class Net(Module):
    """A user's module."""


class Model:
    """As keras.Model, as far as an export asks."""

    def export(self, path: str, format: str, verbose: bool) -> None:
        assert format == "onnx"
        Path(path).write_bytes(conv_model("u8", False)[0].SerializeToString())


Model.__module__ = "keras.src.models.model"


class KerasNet(Model):
    """A user's model."""


def torch_that(export: Any) -> types.ModuleType:
    """A package torch with this exporter."""
    package = types.ModuleType("torch")
    package.onnx = types.SimpleNamespace(export=export)  # type: ignore[attr-defined]
    return package


def test_a_module_is_traced_with_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def export(module: object, arguments: tuple[object, ...], **options: object) -> object:
        calls.append((module, arguments, options["dynamo"]))
        return types.SimpleNamespace(model_proto=conv_model("u8", False)[0])

    monkeypatch.setitem(sys.modules, "torch", torch_that(export))
    net = Net()
    assert framework_of(net) == "torch"
    proto = exported(net, "tensor")
    assert calls == [(net, ("tensor",), True)] and proto.graph.name == "Net"


def test_a_keras_model_exports_itself() -> None:
    assert framework_of(KerasNet()) == "keras" and framework_of(3) == ""
    assert exported(KerasNet(), None).graph.node


def test_a_missing_package_a_missing_sample_and_a_failure_are_three_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise RuntimeError("no symbolic for aten::odd\nand more")

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadOption, match="one missing") as missing:
        flow.compile(Net(), sample=1)
    with pytest.raises(BadOption, match="found none") as unsampled:
        flow.compile(Net())
    monkeypatch.setitem(sys.modules, "torch", torch_that(fails))
    with pytest.raises(BadFile, match="aten::odd") as failed:
        flow.compile(Net(), sample=1)
    for caught in (missing, unsampled, failed):
        lines = str(caught.value).splitlines()
        assert len(lines) == 3 and lines[0].startswith("Net (torch)")


def test_a_sample_belongs_to_a_module() -> None:
    with pytest.raises(BadOption, match="expected a PyTorch module"):
        flow.compile("net.onnx", sample=1)

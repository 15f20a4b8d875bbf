"""Every kind of design has one file, found once from the manifest; what can be asked of it can be asked everywhere."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from support.toy_designs import write_manifest

from hlsgen import cli, flow
from hlsgen.algebra.unroll import Unroll
from hlsgen.artefact.folder import open_folder
from hlsgen.errors import BadFile, BadOption
from hlsgen.targets import TARGETS, AnyTarget, target_of

ROOT = Path(__file__).parents[2]
COMPILED = [target for target in TARGETS if target.source != "fabric"]
HEAD = ("macs", "interval_cycles", "latency_cycles", "lut", "ff", "dsp", "bram", "clock_mhz")
AXPY = f"{ROOT / 'examples' / 'kernels' / 'axpy.py'}:axpy"
DIGITS = str(ROOT / "examples" / "digits" / "digits.onnx")
FABRIC = "icebreaker_2x2"


def test_kinds_name_schedule_and_source_and_their_file() -> None:
    assert len({target.kind for target in TARGETS}) == len(TARGETS)
    for target in COMPILED:
        assert target.kind == f"{target.schedule}_{target.source}"
        assert (ROOT / "hlsgen" / "schedule" / target.kind).is_dir()
    for target in TARGETS:
        assert type(target).__module__ == f"hlsgen.targets.{target.kind}"


def test_the_kind_of_a_folder_is_asked_nowhere_else() -> None:
    parts = ("artefact", "bitstream", "verify", "targets", "flow.py", "cli.py")
    asking = ('"grid"', '"stream"', '"stream_network"', '"grid_network"', '"grid_kernel"')
    places = {
        path.relative_to(ROOT).as_posix()
        for part in parts
        for path in (
            (ROOT / "hlsgen" / part).rglob("*.py") if "." not in part else [ROOT / "hlsgen" / part]
        )
        for line in path.read_text().splitlines()
        if ("==" in line or "!=" in line or " in (" in line) and any(a in line for a in asking)
    }
    assert not places


@pytest.mark.parametrize("target", COMPILED, ids=lambda target: target.kind)
def test_every_option_of_a_target_can_be_given_to_compile(target: AnyTarget) -> None:
    offered = set(inspect.signature(flow.compile).parameters)
    assert {field.name for field in fields(target.options)} <= offered


def test_the_command_line_offers_what_compile_takes() -> None:
    (command,) = (c for c in cli.app.registered_commands if c.name == "compile")
    assert command.callback is not None
    offered = set(inspect.signature(command.callback).parameters)
    taken = set(inspect.signature(flow.compile).parameters)
    assert offered - {"unroll", "quiet"} == taken - {"overrides", "progress", "sample"}


@pytest.mark.parametrize("target", COMPILED, ids=lambda target: target.kind)
def test_an_option_of_another_target_is_refused_and_the_right_one_named(target: AnyTarget) -> None:
    values = {
        "board": "icebreaker",
        "fabric": FABRIC,
        "overrides": {"conv": Unroll()},
        "effort": "max",
        "target_fps": 1.0,
        "time_limit": 1.0,
        "exact": True,
        "as_given": True,
        "weights": "loadable",
    }
    known = {field.name for field in fields(target.options)}
    source = AXPY if target.source == "kernel" else DIGITS
    every = {field.name for other in COMPILED for field in fields(other.options)}
    for name in sorted(every - known):
        value = values.get(name, 1)
        with pytest.raises(BadOption, match=f"found a {target.source} with --schedule") as caught:
            flow.compile(source, schedule=target.schedule, **{name: value})  # type: ignore[arg-type]
        option = {"overrides": "unroll"}.get(name, name.replace("_", "-"))
        assert caught.value.where == f"--{option}"


def test_a_folder_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "design.v").write_text("")
    write_manifest(tmp_path, kind="quantum_network")
    with pytest.raises(BadFile, match=r"stream_network.*'quantum_network'"):
        target_of(open_folder(tmp_path))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, flow.Compiled]:
    """One design of each kind."""
    folder = tmp_path_factory.mktemp("kinds")
    return {
        "stream_network": flow.compile(DIGITS, target_fps=2000, output=folder / "a"),
        "stream_kernel": flow.compile(AXPY, output=folder / "b"),
        "grid_network": flow.compile(DIGITS, schedule="grid", output=folder / "c"),
        "grid_kernel": flow.compile(AXPY, schedule="grid", exact=False, output=folder / "d"),
        "fabric": flow.emit_fabric(FABRIC, output=folder / "e"),
    }


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.kind)
def test_every_report_begins_with_the_same_keys_and_every_folder_knows_its_target(
    target: AnyTarget, compiled: dict[str, flow.Compiled]
) -> None:
    design = compiled[target.kind]
    folder = open_folder(design.directory)
    assert target_of(folder) == target
    assert dict(folder.report()) == dict(design.report)
    assert tuple(design.report)[: len(HEAD) + 1] == ("name", *HEAD)
    manifest = design.manifest
    cycles = (manifest.interval_cycles, manifest.latency_cycles)
    assert cycles == (design.report["interval_cycles"], design.report["latency_cycles"])
    assert (cycles == (None, None)) == (target.kind == "fabric")
    assert {*manifest.files} <= {path.name for path in design.directory.iterdir()}
    if target.kind != "stream_kernel":  # of three inputs
        assert target.board_ports(folder).large == (target.schedule == "grid")


def test_map_is_compile_on_a_grid(compiled: dict[str, flow.Compiled], tmp_path: Path) -> None:
    mapped = flow.map_kernel(AXPY, exact=False, output=tmp_path / "mapped")
    assert mapped.manifest == compiled["grid_kernel"].manifest


def test_the_two_commands_take_the_same_options() -> None:
    commands = {c.name: c.callback for c in cli.app.registered_commands}
    options = {}
    for name in ("map", "compile"):
        callback = commands[name]
        assert callback is not None
        options[name] = set(inspect.signature(callback).parameters)
    (kernel,) = (target for target in TARGETS if target.kind == "grid_kernel")
    own = {field.name for field in fields(kernel.options)} | {"output", "quiet"}
    # many seeds at once are of the command alone
    assert own == options["map"] - {"kernel", "seeds", "cluster"}
    assert own <= options["compile"]
    assert isinstance(cli.app, typer.Typer)

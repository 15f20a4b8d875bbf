"""The C driver reads and writes the registers of the gateware: both in one program, the circuit by Verilator, each access a transfer on the bus."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.exported import exported

from hlsgen.verify.simulators import find_simulator

HERE = Path(__file__).parent
SAMPLES = 4
ACCESS = """#include <stdint.h>
uint32_t bus_read(uintptr_t address);
void bus_write(uintptr_t address, uint32_t word);
#define DIGITS_AXI_READ(base, offset) bus_read((base) + (offset))
#define DIGITS_AXI_WRITE(base, offset, value) bus_write((base) + (offset), value)
"""


def words(name: str, samples: list[list[str]]) -> str:
    flat = [f"0x{word}" for sample in samples for word in sample]
    return (
        f"static const unsigned {name[:-1].lower()}_words[] = {{{', '.join(flat)}}};\n"
        f"static const unsigned {name} = {len(flat)};\n"
    )


@pytest.mark.slow
def test_the_driver_runs_samples_and_takes_the_interrupt(tmp_path: Path) -> None:
    folder, simulator = exported("digits", "verilog"), find_simulator()
    streams = json.loads((folder / "bench" / "samples.json").read_text())
    text = words("INPUTS", streams["inputs"]["s_axis"])
    text += words("OUTPUTS", streams["outputs"]["m_axis"])
    (tmp_path / "samples.h").write_text(f"{text}static const unsigned SAMPLES = {SAMPLES};\n")
    (tmp_path / "access.h").write_text(ACCESS)
    compiler = shutil.which("cc") or "gcc"
    objects = []
    for source in (folder / "software" / "digits_axi.c", HERE / "use_driver.c"):
        objects.append(str(tmp_path / f"{source.stem}.o"))
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-include", str(tmp_path / "access.h")]
        where = [f"-I{folder / 'software'}", "-c", str(source), "-o", objects[-1]]
        subprocess.run([compiler, *flags, *where], check=True)
    sources = [*map(str, sorted((folder / "rtl").glob("*.v"))), str(HERE / "driver_main.cpp")]
    options = ["-cc", "--exe", "--top-module", "digits_axi", "--prefix", "Vtop", "-o", "run"]
    options += ["-Mdir", ".", "-CFLAGS", f"-I{tmp_path}"]
    environment = dict(simulator.environment)
    verilate = [str(simulator.verilator), *options, *sources, *objects]
    subprocess.run(verilate, cwd=tmp_path, env=environment, check=True)
    make = [simulator.make, "-f", "Vtop.mk", *simulator.make_arguments, "OPT_FAST=-O1"]
    subprocess.run(make, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([str(tmp_path / "run")], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout
    assert "check 0, 40 words taken, 0 wrong" in done.stdout

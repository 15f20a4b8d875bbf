"""Every module that refuses something has a message among the snapshots, or a reason why it has none."""

from __future__ import annotations

from collections import Counter

from errors.areas import lines_met
from errors.sites import sites

# Modules without a snapshot, each with its reason.
SIMULATES = "refuses what a simulator or a compiler of the machine did: tests/verify provokes it"
FOLDER = (
    "needs a compiled folder whose files are then changed: tests/verify and tests/targets do that"
)
INNER = "needs a value within a compilation that no case builds yet"
WITHOUT: dict[str, str] = {
    "hlsgen/artefact/board_ports.py": FOLDER,
    "hlsgen/bitstream/build.py": FOLDER,
    "hlsgen/bitstream/netlist_verilog.py": "only a family without models of its cells meets it: tests/bitstream",
    "hlsgen/bitstream/pins.py": "only a board file without pins meets it, and hlsgen brings the board files",
    "hlsgen/cycle_model/drain.py": INNER,
    "hlsgen/cycle_model/machine.py": INNER,
    "hlsgen/failures.py": "closes the standard streams of a process: tests/test_failures.py starts one",
    "hlsgen/frontend/calibrate.py": "quantises a network, which takes seconds: tests/frontend/test_calibrate.py",
    "hlsgen/frontend/declared.py": "asks a session of ONNX Runtime, whose words change with its version",
    "hlsgen/frontend/sessions.py": "words of ONNX Runtime, which change with its version",
    "hlsgen/frontend/reference.py": "words of ONNX Runtime, which change with its version",
    "hlsgen/loops/narrow_indices.py": INNER,
    "hlsgen/loops/python/resolve.py": INNER,
    "hlsgen/loops/python/variables.py": INNER,
    "hlsgen/lowering/node.py": INNER,
    "hlsgen/ops/accumulate.py": INNER,
    "hlsgen/passes/pipeline.py": "raises what a pass raised, with the name of the pass",
    "hlsgen/requantise/reference.py": INNER,
    "hlsgen/rtl/pipeline.py": INNER,
    "hlsgen/rtl/verilog.py": "a failure of yosys on Verilog that hlsgen wrote",
    "hlsgen/schedule/grid_kernel/bank_layout.py": INNER,
    "hlsgen/schedule/grid_kernel/register_allocation.py": INNER,
    "hlsgen/schedule/grid_kernel/tile_contexts.py": INNER,
    "hlsgen/schedule/grid_network/column.py": INNER,
    "hlsgen/schedule/grid_network/program.py": INNER,
    "hlsgen/schedule/stream_network/check.py": INNER,
    "hlsgen/targets/__init__.py": FOLDER,
    "hlsgen/targets/grid_network.py": FOLDER,
    "hlsgen/verify/executables.py": SIMULATES,
    "hlsgen/verify/fabric_simulation.py": SIMULATES,
    "hlsgen/verify/kernel.py": FOLDER,
    "hlsgen/verify/probes.py": SIMULATES,
    "hlsgen/verify/simulation.py": SIMULATES,
    "hlsgen/verify/simulator_cache.py": SIMULATES,
    "hlsgen/verify/simulators.py": SIMULATES,
    "hlsgen/verify/stored.py": FOLDER,
}
LEAST_SHARE = 0.6  # of all sites: raise it as more are met


def test_every_module_that_refuses_has_a_snapshot_or_a_reason() -> None:
    lines = lines_met()
    every = Counter(site.module for site in sites())
    met = Counter(site.module for site in sites() if site.met(lines))
    print("\n".join(f"{module}: {met[module]} of {every[module]}" for module in every))
    assert sorted(every.keys() - met.keys()) == sorted(WITHOUT)


def test_most_sites_have_a_snapshot() -> None:
    lines, every = lines_met(), sites()
    missing = [site for site in every if not site.met(lines)]
    for site in missing:
        print(f"{site.module}:{site.first} in {site.function}")
    print(f"{len(every) - len(missing)} of {len(every)} sites have a snapshot")
    assert len(missing) <= (1 - LEAST_SHARE) * len(every)

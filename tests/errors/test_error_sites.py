"""Every error that a user can meet has a snapshot; those without one are listed, each with its reason."""

from __future__ import annotations

from collections import Counter

from errors.areas import lines_met
from errors.sites import sites

FAULT = "only a fault of hlsgen meets it: what is checked was made by the step before"
TESTED = "refused in three lines in the test of its module, which makes what it needs"
CAUGHT = "caught where an operator is taken apart, whose refusal says it"
MACHINE = "needs a machine on which a program fails"
WITHOUT: dict[str, tuple[int, str]] = {
    "algebra/adder_graph.py check": (4, TESTED),
    "algebra/scalar.py __post_init__": (1, FAULT),
    "algebra/shift_rounding.py __post_init__": (1, FAULT),
    "schedule/stream_network/solver.py _within_latency": (1, TESTED),
    "ops/resize.py normalised": (1, TESTED),
    "backend.py prepare": (1, TESTED),
    "backend.py run": (2, TESTED),
    "backend.py _simulated": (1, "raises again what was caught"),
    "backend_rtl.py _simulated": (1, FAULT),
    "backend_rtl.py run_rtl": (1, FAULT),
    "fixed_point/convert.py _converted": (1, TESTED),
    "fixed_point/convert.py _refuse_empty": (1, TESTED),
    "fixed_point/convert.py to_fixed_point": (1, TESTED),
    "fixed_point/ranges.py _range": (1, TESTED),
    "fixed_point/traced.py __getitem__": (1, CAUGHT),
    "fixed_point/traced.py plain": (1, CAUGHT),
    "fixed_point/traced.py _compared": (1, CAUGHT),
    "fixed_point/traced.py named": (1, CAUGHT),
    "fixed_point/traced.py where": (1, CAUGHT),
    "flow.py _from_framework": (1, TESTED),
    "frontend/modules.py exported": (3, TESTED),
    "frontend/node_source.py attributes": (1, "of nodes that hold a graph: tests/test_backend.py"),
    "frontend/bind.py _bind_integers": (1, TESTED),
    "frontend/onnx_reader.py _input_type": (1, TESTED),
    "frontend/bind.py bind": (1, "an operand left out among others: tests/test_backend.py"),
    "bitstream/tools.py run_tool": (1, MACHINE),
    "bitstream/clock_choice.py plan_clock": (3, TESTED),
    "bitstream/clock_choice.py settle_clock": (3, TESTED),
    "bitstream/place_and_route.py read_report": (1, FAULT),
    "flow_board.py _right": (1, TESTED),
    "flow_board.py programming": (3, TESTED),
    "board_session.py _check_fits": (1, TESTED),
    "host/board.py __init__": (1, TESTED),
    "html_report/page.py write_page": (1, TESTED),
    "host/board.py measure": (2, TESTED),
    "host/connection.py _identify": (2, TESTED),
    "host/connection.py ask": (1, TESTED),
    "host/connection.py counters": (1, FAULT),
    "host/connection.py measure": (1, TESTED),
    "host/connection.py transfer": (1, TESTED),
    "host/emulator.py emulated_board": (1, TESTED),
    "host/emulator.py running": (1, MACHINE),
    "host/line.py choose_port": (3, TESTED),
    "host/line.py open_line": (2, TESTED),
    "host/line.py read": (1, TESTED),
    "host/line.py set_baud": (1, MACHINE),
    "host/line.py write": (1, MACHINE),
    "host/programmer.py _next": (1, TESTED),
    "host/programmer.py plan_programming": (2, TESTED),
    "host/programmer.py run_programming": (1, TESTED),
    "cycle_model/drain.py shift": (1, FAULT),
    "cycle_model/machine.py run": (1, FAULT),
    "dataflow/check.py _check_affine": (1, FAULT),
    "dataflow/check.py _check_read": (1, FAULT),
    "dataflow/check.py _check_write": (3, FAULT),
    "failures.py open_standard_streams": (
        1,
        "closes the standard streams of a process: tests/test_failures.py starts one",
    ),
    "graph/check.py _check_types": (1, FAULT),
    "loops/evaluate.py access": (1, "an index that lowering proves or refuses before"),
    "loops/narrow_indices.py _split": (1, TESTED),
    "loops/python/arithmetic.py binary": (
        1,
        "truths are refused before, where no word of an array stands beside them",
    ),
    "loops/python/expressions.py scalar": (
        1,
        "an array without all its indices is refused before, but as a condition",
    ),
    "loops/python/lower.py lower_kernel": (1, "a loop that writes nothing is refused before"),
    "loops/python/resolve.py _stands_for": (1, TESTED),
    "requantise/choice.py _of_steps": (
        1,
        "scales that no search has met: the pass refuses such an operator first",
    ),
    "rtl/pipeline.py tap": (1, TESTED),
    "rtl/verilog.py to_verilog": (1, "a failure of yosys on Verilog that hlsgen wrote"),
    "schedule/grid_kernel/bank_layout.py homes_of": (1, TESTED),
    "schedule/grid_kernel/bank_layout.py lay_out": (1, TESTED),
    "schedule/grid_kernel/check.py placements": (1, FAULT),
    "schedule/grid_kernel/check.py _accumulators": (1, FAULT),
    "schedule/grid_kernel/check.py contexts": (2, FAULT),
    "schedule/grid_kernel/check.py _generators": (1, FAULT),
    "schedule/grid_kernel/check.py routes": (1, FAULT),
    "schedule/grid_kernel/check.py _follow": (3, FAULT),
    "schedule/grid_kernel/check.py _take_wires": (1, FAULT),
    "schedule/grid_kernel/check.py registers": (1, FAULT),
    "schedule/grid_kernel/contexts.py _lines": (1, TESTED),
    "schedule/grid_kernel/problem.py _tiles_for": (1, TESTED),
    "schedule/grid_kernel/register_allocation.py allocate": (1, TESTED),
    "schedule/grid_kernel/tile_contexts.py _affine": (1, TESTED),
    "schedule/grid_kernel/tile_contexts.py _store": (1, TESTED),
    "schedule/grid_network/column.py _nest": (1, FAULT),
    "schedule/grid_network/finish.py _setting": (3, FAULT),
    "schedule/grid_network/layers.py layer": (3, TESTED),
    "schedule/grid_network/layers.py _weighted": (2, TESTED),
    "schedule/grid_network/layers.py _check_elements": (2, TESTED),
    "schedule/grid_network/program.py _configure": (1, TESTED),
    "schedule/stream_kernel/pipeline.py schedule_pipeline": (1, FAULT),
    "schedule/stream_network/check.py _fail": (1, FAULT),
    "schedule/stream_network/solver.py schedule": (
        1,
        "a network that fits, but not with its ports: rare",
    ),
    "targets/grid_kernel.py kernel_image": (1, TESTED),
    "targets/target.py flags": (1, TESTED),
    "dataflow/loadable.py _types": (2, TESTED),
    "dataflow/loadable.py store": (1, TESTED),
    "dataflow/loadable.py _loadable": (1, TESTED),
    "dataflow/loadable.py _moved": (1, TESTED),
    "flow_weights.py write_weights": (1, TESTED),
    "targets/retrained.py _check_same": (1, TESTED),
    "targets/retrained.py _options": (2, TESTED),
    "targets/stream_network.py _check_weights": (1, TESTED),
    "targets/fabric.py _nothing_to_verify": (1, TESTED),
    "targets/grid_network.py load_program": (1, TESTED),
    "verify/executables.py _build": (1, MACHINE),
    "verify/fabric_simulation.py _broken_cycles": (1, FAULT),
    "verify/kernel.py _called": (1, TESTED),
    "verify/kernel.py _count": (1, TESTED),
    "verify/kernel.py kernel_reference": (2, TESTED),
    "verify/stored.py _check_ports": (1, TESTED),
    "verify/stored.py samples": (1, TESTED),
    "verify/stored.py stored_reference": (1, TESTED),
    "verify/simulator_cache.py _prepared": (1, MACHINE),
    "verify/simulators.py _make_runnable": (1, MACHINE),
    "verify/verify.py verify_design": (1, TESTED),
}


def test_every_error_has_a_snapshot_or_a_reason() -> None:
    lines, every = lines_met(), sites()
    missing = [site for site in every if not site.met(lines)]
    for site in missing:
        print(f"{site.module}:{site.first} in {site.function}")
    print(f"{len(every) - len(missing)} of {len(every)} sites have a snapshot")
    counts = Counter(f"{site.module.removeprefix('hlsgen/')} {site.function}" for site in missing)
    assert dict(counts) == {place: count for place, (count, _) in WITHOUT.items()}

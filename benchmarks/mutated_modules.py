"""The modules that ``benchmarks.mutants`` mutates, each with the tests that are to see it, the likeliest first.

A selection takes seconds: direct tests of a module come before those of what is built of it.
"""

TEMPLATES = "tests/rtl_templates/test_"
REQUANTISE = ("tests/requantise",)
CHOICE = ("tests/requantise", "tests/passes/test_means.py")
SCALAR = ("tests/algebra/test_scalar.py", f"{TEMPLATES}scalar_units.py")
OPERATORS = ("tests/ops", "tests/passes")
LOWERED = (
    *OPERATORS,
    "tests/lowering/test_lower_examples.py",
    "tests/frontend/test_declared.py",
    "tests/graph/test_graph.py",
)
LAYOUT = ("tests/lowering/test_layout.py", "tests/lowering/test_lower_examples.py")
DATAFLOW = ("tests/dataflow", "tests/lowering/test_lower_examples.py")
STREAM = "tests/schedule/stream_network/test_"
EVENTS = (f"{STREAM}event_model.py", f"{STREAM}event_model_figures.py")
LOOPS = ("tests/loops/test_kernel_evaluate.py", "tests/loops/test_kernel_clean.py")
PYTHON = tuple(
    f"tests/loops/python/test_{name}.py"
    for name in ("arithmetic", "kernel_refusals", "kernel_meaning")
)
AFFINE = ("tests/algebra/test_affine.py",)
FABRIC = ("tests/algebra/test_fields_and_packets.py", "tests/fabric/test_configuration.py")
CYCLES = tuple(f"tests/cycle_model/test_{name}.py" for name in ("drain", "tiles", "cycle_model"))
CONTROL = (f"{TEMPLATES}control_units.py", f"{TEMPLATES}stream_rules.py")
MULTIPLIER = (*SCALAR, f"{TEMPLATES}pe_array.py")
FINISH = (f"{TEMPLATES}finish.py",)
REORDER = (f"{TEMPLATES}reorder.py",)

MUTATED: dict[str, tuple[str, ...]] = {
    "hlsgen/requantise/reference.py": REQUANTISE,
    "hlsgen/requantise/multiply_shift.py": REQUANTISE,
    "hlsgen/requantise/choice.py": CHOICE,
    "hlsgen/requantise/add.py": REQUANTISE,
    "hlsgen/algebra/scalar.py": SCALAR,
    "hlsgen/algebra/affine.py": AFFINE,
    "hlsgen/algebra/fields.py": FABRIC,
    "hlsgen/algebra/word.py": ("tests/algebra/test_word.py",),
    "hlsgen/ops/pool.py": LOWERED,
    "hlsgen/ops/conv.py": LOWERED,
    "hlsgen/ops/gemm.py": LOWERED,
    "hlsgen/passes/qdq_to_integer.py": OPERATORS,
    "hlsgen/dataflow/interpret.py": DATAFLOW,
    "hlsgen/lowering/layout.py": LAYOUT,
    "hlsgen/schedule/stream_network/geometry.py": (f"{STREAM}geometry.py", *EVENTS),
    "hlsgen/schedule/stream_network/timing.py": EVENTS,
    "hlsgen/loops/evaluate.py": LOOPS,
    "hlsgen/loops/python/arithmetic.py": PYTHON,
    "hlsgen/fabric/configuration_packing.py": ("tests/fabric",),
    "hlsgen/cycle_model/drain.py": CYCLES,
    "hlsgen/cycle_model/tiles.py": CYCLES,
    "rtl_templates/arithmetic/multiplier.py": MULTIPLIER,
    "rtl_templates/arithmetic/lut_product.py": (f"{TEMPLATES}lut_product.py",),
    "rtl_templates/arithmetic/requantise.py": SCALAR,
    "rtl_templates/arithmetic/scalar_units.py": SCALAR,
    "rtl_templates/arithmetic/word_units.py": (f"{TEMPLATES}word_units.py",),
    "rtl_templates/stream/channel_guard.py": CONTROL,
    "rtl_templates/stream/loop_nest.py": CONTROL,
    "rtl_templates/stream/pe_array.py": (f"{TEMPLATES}pe_array.py",),
    "rtl_templates/stream/drain.py": (f"{TEMPLATES}pe_array.py", f"{TEMPLATES}stream_rules.py"),
    "rtl_templates/stream/finish.py": FINISH,
    "rtl_templates/stream/reorder.py": REORDER,
    "rtl_templates/fabric/loop_control.py": (f"{TEMPLATES}loop_control.py",),
    "rtl_templates/fabric/tile_requantise.py": (f"{TEMPLATES}tile_requantise.py",),
}

"""The modules that ``benchmarks.mutants`` mutates, each with the tests that are to see it."""

REQUANTISE = ("tests/requantise",)
SCALAR = ("tests/algebra", "tests/rtl_templates/test_scalar_units.py")
OPERATORS = ("tests/ops", "tests/passes")
DATAFLOW = ("tests/dataflow", "tests/lowering/test_lower_examples.py")
STREAM = tuple(
    f"tests/schedule/stream_network/test_{name}.py" for name in ("geometry", "event_model")
)
LOOPS = ("tests/loops/test_kernel_evaluate.py", "tests/loops/test_kernel_clean.py")
PYTHON = ("tests/loops/python",)
FABRIC = ("tests/fabric", "tests/algebra")
CYCLES = ("tests/cycle_model",)
CONTROL = ("tests/rtl_templates/test_control_units.py", "tests/rtl_templates/test_stream_rules.py")
ARRAYS = (
    "tests/rtl_templates/test_pe_array.py",
    "tests/rtl_templates/test_finish.py",
    "tests/rtl_templates/test_reorder.py",
)

MUTATED: dict[str, tuple[str, ...]] = {
    "hlsgen/requantise/reference.py": REQUANTISE,
    "hlsgen/requantise/multiply_shift.py": REQUANTISE,
    "hlsgen/requantise/choice.py": REQUANTISE,
    "hlsgen/requantise/add.py": REQUANTISE,
    "hlsgen/algebra/scalar.py": SCALAR,
    "hlsgen/algebra/affine.py": FABRIC,
    "hlsgen/algebra/fields.py": FABRIC,
    "hlsgen/algebra/word.py": ("tests/rtl_templates/test_word_units.py",),
    "hlsgen/ops/pool.py": OPERATORS,
    "hlsgen/ops/conv.py": OPERATORS,
    "hlsgen/ops/gemm.py": OPERATORS,
    "hlsgen/passes/qdq_to_integer.py": OPERATORS,
    "hlsgen/dataflow/interpret.py": DATAFLOW,
    "hlsgen/lowering/layout.py": OPERATORS,
    "hlsgen/schedule/stream_network/geometry.py": STREAM,
    "hlsgen/schedule/stream_network/timing.py": STREAM,
    "hlsgen/loops/evaluate.py": LOOPS,
    "hlsgen/loops/python/arithmetic.py": PYTHON,
    "hlsgen/fabric/configuration_packing.py": FABRIC,
    "hlsgen/cycle_model/drain.py": CYCLES,
    "hlsgen/cycle_model/tiles.py": CYCLES,
    "rtl_templates/arithmetic/multiplier.py": (*ARRAYS, *SCALAR),
    "rtl_templates/arithmetic/requantise.py": SCALAR,
    "rtl_templates/arithmetic/scalar_units.py": SCALAR,
    "rtl_templates/arithmetic/word_units.py": ("tests/rtl_templates/test_word_units.py",),
    "rtl_templates/stream/channel_guard.py": CONTROL,
    "rtl_templates/stream/loop_nest.py": CONTROL,
    "rtl_templates/stream/pe_array.py": ARRAYS,
    "rtl_templates/stream/drain.py": ARRAYS,
    "rtl_templates/stream/finish.py": ARRAYS,
    "rtl_templates/stream/reorder.py": ("tests/rtl_templates/test_reorder.py",),
    "rtl_templates/fabric/loop_control.py": ("tests/rtl_templates/test_loop_control.py",),
    "rtl_templates/fabric/tile_requantise.py": ("tests/rtl_templates/test_tile_requantise.py",),
}

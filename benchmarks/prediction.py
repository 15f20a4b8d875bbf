"""Row 7: the resources that the compiler predicts beside those of synthesis, over designs of all sizes on each family."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import Row, compiled_design
from hlsgen.bitstream.build import synthesise
from hlsgen.board import load_board

RESOURCES = ("lut", "ff", "dsp", "bram")
SIZES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "tflm_sine_int8": {
        "icebreaker": ("small", "balanced"),
        "tang_nano_9k": ("small", "balanced"),
        "ulx3s_85f": ("small", "balanced"),
    },
    "digits": {
        "icebreaker": ("small", "balanced", "2000"),
        "tang_nano_9k": ("small", "balanced", "5000", "10000"),
        "tang_nano_20k": ("20000", "40000"),
        "ulx3s_85f": ("small", "balanced", "5000", "10000", "20000", "40000"),
    },
    "tm_mnist_arduino_int8": {
        "tang_nano_20k": ("small",),
        "ulx3s_85f": ("small", "balanced"),
    },
    "tm_mnist_valid_int8": {"tang_nano_20k": ("small",), "ulx3s_85f": ("small",)},
    "lenet300_mnist_int8": {"ulx3s_85f": ("small",)},
    "tm_cifar10_int8": {"ulx3s_85f": ("small",)},
    "ad_fcae_int8": {"ulx3s_85f": ("small", "4000")},
    "kws_dscnn_int8": {"ulx3s_85f": ("small",)},
    "ic_resnet8_int8": {"ulx3s_85f": ("small",)},
    "vww_mbv1_int8": {"ulx3s_85f": ("small",)},
}
"""Efforts, or samples a second, for which each network is built on a board. No two designs of a family are one: rates below what the
smallest design reaches anyway, and a second board of a family for it, would show nothing."""
DESIGNS = tuple(
    f"{name}@{board}@{size}"
    for name, boards in SIZES.items()
    for board, sizes in boards.items()
    for size in sizes
)
"""``<network>@<board>@<effort, or samples a second at the oscillator>``, small ones first."""
NEAR = 0.10
"""Predictions of LUTs are to deviate by no more than this share of what synthesis finds,"""
BELOW = 0.05
"""and by no more than this where they are below: what is predicted to fit, fits."""


def deviations(predicted: Mapping[str, int], synthesised: Mapping[str, int]) -> dict[str, float]:
    """By what share of what was found each prediction is above it (below: negative); 0 where both are 0."""
    shares = {}
    for name in RESOURCES:
        apart = predicted[name] - synthesised[name]
        shares[name] = (
            round(apart / synthesised[name], 3) if synthesised[name] else float(apart > 0)
        )
    return shares


def _prediction(design: str, sources: Sources, work: Path) -> Record:
    """Compiles and synthesises one design, without board top, place and route."""
    name, board, size = design.split("@")
    options: dict[str, Any] = {"board": board}
    cycles = (
        {"interval": int(load_board(board).clock_mhz * 1e6 / int(size))} if size.isdigit() else {}
    )
    options |= cycles or {"effort": size}
    compiled, report = compiled_design("prediction", design, sources.model(name), work, **options)
    top = compiled.manifest.top
    usage = synthesise(compiled.directory, load_board(board).family, top=top)
    resources = {key: getattr(usage, key) for key in RESOURCES}
    predicted = {key: report[f"predicted_{key}"] for key in RESOURCES}
    values = report | resources | {"deviation": deviations(predicted, resources)}
    command = f"python -m benchmarks.run prediction {design}"
    return Record("prediction", design, command, options, values)


prediction = Row(DESIGNS, _prediction)

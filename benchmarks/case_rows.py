"""Small networks after public bug reports: each compiled, simulated and compared with ONNX Runtime, or refused by name.

``python -m benchmarks.run cases --models DIR``: the folder holds one folder per case, with ``model.onnx`` and ``inputs.npz``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hlsgen
from benchmarks.models import Sources
from benchmarks.record import Record
from benchmarks.rows import BOARD, Row
from hlsgen.errors import HlsgenError

CASES = (
    "02_bias_clipped",
    "04_dense_on_sequence",
    "05e_avgpool_pad_counted",
    "05f_avgpool_half_scale",
    "07_asymmetric_pads",
    "08_tensorrt_residual",
    "11_concat",
    "13b_bn_qdq",
    "14_dropout_ratio_input",
    "14c_identity_on_scale",
    "14d_cast_float_to_float",
    "15_act_hardswish",
    "15b_act_leakyrelu",
    "15c_act_sigmoid",
    "16b_add_same_tensor",
    "17_big_sum",
    "18_view_chain",
    "19_nhwc_mean",
    "19c_mean_one_axis",
    "20_channel_shuffle",
    "23c_dead_channel",
    "25_local_function",
    "31_pad_node",
    "32_unused_initializers",
    "x_contrib1",
    "x_reshape_mix",
)
SAMPLES = 3


def outcome(result: Any) -> str:
    """Of a verified case: ``exact`` where it equals a session of ONNX Runtime, ``declared`` where it differs from all as declared, ``wrong``."""
    if not result.good:
        return "wrong"
    return "declared" if result.ort_matched is None else "exact"


def _measure(design: str, sources: Sources, work: Path) -> Record:
    options = {"board": BOARD, "samples": SAMPLES, "stall": "random"}
    model = sources.model(design)
    try:
        compiled = hlsgen.compile(model, board=BOARD, output=work / f"c_{design}")
        result = compiled.verify(
            inputs=sources.inputs(design), samples=SAMPLES, stall="random", engine="fast"
        )
        values = {
            "outcome": outcome(result),
            "elements": result.elements,
            "mismatches": result.mismatches,
            "undeclared": result.undeclared,
            "ort_mismatches": result.ort_mismatches,
            "ort_matched": result.ort_matched,
            "predicted_interval_cycles": result.predicted.interval_cycles,
            "interval_cycles": result.interval_cycles,
            "declared": [text for entry in result.agreements for text in entry.declared],
        }
    except HlsgenError as error:
        values = {"outcome": "refused", "reason": f"{error.where}: {error.problem}"}
    return Record("cases", design, f"python -m benchmarks.run cases {design}", options, values)


cases = Row(CASES, _measure)

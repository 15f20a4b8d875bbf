"""What others have published for the same networks, as constants with their sources.

Two kinds are kept apart and never mixed: results submitted to MLPerf Tiny (vendor tools, each on its own board), and results
of open tools that were run on the same int8 models with no vendor tool.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One published result: cycles per inference = latency times clock."""

    system: str
    source: str
    network: str
    board: str
    mhz: int
    cycles: int
    dsp: int | None


MLPERF_1_1 = "MLCommons, MLPerf Tiny v1.1 results, closed division"
MLPERF_1_3 = "MLCommons, MLPerf Tiny v1.3 results, closed division"

PUBLISHED = (
    Published("fpgaConvNet", MLPERF_1_1, "ic_resnet8_int8", "ZC706", 187, 27_542, 525),
    Published("fpgaConvNet", MLPERF_1_1, "ic_resnet8_int8", "ZedBoard", 143, 58_813, 211),
    Published("fpgaConvNet", MLPERF_1_1, "ic_resnet8_int8", "ZyBo", 125, 393_700, 78),
    Published("fpgaConvNet", MLPERF_1_1, "kws_dscnn_int8", "ZedBoard", 143, 46_310, 188),
    Published("fpgaConvNet", MLPERF_1_1, "kws_dscnn_int8", "ZyBo", 125, 268_877, 60),
    Published("fpgaConvNet", MLPERF_1_1, "vww_mbv1_int8", "ZC706", 200, 144_061, 564),
    Published("fpgaConvNet", MLPERF_1_1, "vww_mbv1_int8", "ZedBoard", 111, 1_053_013, 189),
    Published("ANPU", MLPERF_1_3, "vww_mbv1_int8", "VCU128", 320, 69_191, None),
)


@dataclass(frozen=True)
class OpenTool:
    """A result of an open tool on the same int8 network, simulated with open tools only."""

    system: str
    network: str
    cycles: int | None
    remark: str


OPEN_TOOLS = (
    OpenTool("NNgen 1.3.4, 1x1", "ic_resnet8_int8", 1_754_193, "RTL differs from its own model"),
    OpenTool("CGRA4ML, 192 PEs", "ic_resnet8_int8", 157_558, "bias, requantise, add, pool on host"),
    OpenTool("NNgen 1.3.4, 1x1", "ad_fcae_int8", 279_697, ""),
    OpenTool("NNgen 1.3.4", "kws_dscnn_int8", None, "refused: ignores `group`"),
    OpenTool("NNgen 1.3.4", "vww_mbv1_int8", None, "refused: ignores `group`"),
    OpenTool("hls4ml 1.3", "ic_resnet8_int8", None, "refused: no DequantizeLinear"),
)
CYCLE_GOALS = {
    "ic_resnet8_int8": 95_000,
    "kws_dscnn_int8": 24_000,
    "vww_mbv1_int8": 65_000,
    "ad_fcae_int8": 2_600,
}
"""Cycles per inference that this project sets itself with at most 156 multipliers in DSP blocks."""

MULTI_HOP = {
    "sum": 1,
    "mac": 1,
    "mac2": 2,
    "conv2": 1,
    "conv3": 2,
    "accumulate": 2,
    "cap": 2,
    "mults1": 4,
    "mults2": 3,
    "array_add": 4,
    "2mm": 4,
    "atax": 4,
    "bicg": 4,
}
"""Initiation intervals that a PathFinder mapper reached for a 4 x 4 fabric whose links reach over several cells, in 3 to 31 s each on a
2-core machine; it did not map cholesky and doitgen within 45 s."""
LOOPS_ON_PES = {
    "axpy": 5,
    "fir": 5,
    "matrix_multiply": 17,
    "bicg": 9,
    "spmv": 10,
    "histogram": 5,
}
"""Initiation intervals published for neura on a 4 x 4 fabric, whose PEs also compute loop control and addresses."""

"""The official suite of the installed onnx package (``onnx.backend.test``) against ``hlsgen.backend``.

``python -m benchmarks.conformance [--device CPU] [--only PATTERN] [--core] [--progress FILE]`` prints how many cases of each operator
pass, are refused (with the reasons) or fail, and writes ``docs/conformance.md``. Exit code 1 where a case fails. ``RTL`` takes hours: with
a FILE, what is in it is not run again, and every case is added as it ends.
Models that the suite would download are left out.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unittest
import warnings
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.backend.test import BackendTest

from benchmarks.conformance_outcome import VERDICTS, Outcome
from benchmarks.conformance_page import write_page
from hlsgen.backend import HlsgenBackend, HlsgenRep
from hlsgen.errors import HlsgenError, InternalError, Mismatch, ToolFailed

CATEGORIES = ("Node", "Simple", "PyTorchConverted", "PyTorchOperator")


class NotCore(Exception):
    """Of a case that is not of the core, where only that is run."""


def on(device: str, core: bool = False) -> type[HlsgenBackend]:
    """The backend for which every case, whatever device the suite names, runs on ``device``, or only those of the core; it notes the model
    that it is given last."""

    class OnDevice(HlsgenBackend):
        model: onnx.ModelProto

        @classmethod
        def prepare(cls, model: onnx.ModelProto, _: str = "CPU", **kwargs: Any) -> HlsgenRep:
            cls.model = model
            if core and not is_core(model):
                raise NotCore
            return super().prepare(model, device)

    return OnDevice


SHARE = 2.0**-10
"""Of a result's range: what circuits, whose reals are fixed-point numbers, may differ by where the suite asks for less."""


class FixedPointTest(BackendTest):
    """The suite with its tolerance for circuits: reals within the suite's own or within ``SHARE`` of the range of the result."""

    @classmethod
    def assert_similar_outputs(
        cls,
        ref_outputs: Sequence[Any],
        outputs: Sequence[Any],
        rtol: float,
        atol: float,
        model_dir: str | None = None,
    ) -> None:
        """Raises AssertionError where they are not."""
        taken = [_taken(*pair) for pair in zip(ref_outputs, outputs, strict=True)]
        super().assert_similar_outputs(ref_outputs, taken, rtol, atol, model_dir)


def _taken(reference: Any, output: Any) -> Any:
    """The reference where the output is near to it, else the output."""
    arrays = isinstance(reference, np.ndarray) and isinstance(output, np.ndarray)
    if not arrays or reference.dtype.kind != "f" or reference.shape != output.shape:
        return output
    if output.dtype != reference.dtype or not np.isfinite(reference).all() or not output.size:
        return output
    near = np.abs(output - reference) <= SHARE * np.ptp(reference)
    return np.where(near, reference, output)


def outcomes(
    device: str, only: str = "", core: bool = False, without: Container[str] = ()
) -> Iterator[Outcome]:
    """Runs the cases whose names contain ``only``, all of them or the core alone, but for those ``without``."""
    backend = on(device, core)
    suite_of = FixedPointTest if device == "RTL" else BackendTest
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the suite's own arithmetic
        suites = suite_of(backend, __name__).test_cases
        for category in CATEGORIES:
            suite = suites[f"OnnxBackend{category}ModelTest"]
            for name in sorted(vars(suite)):
                if name.startswith("test_") and name.endswith("_cpu") and re.search(only, name):
                    case = name.removesuffix("_cpu")
                    if case in without:
                        continue
                    if (one := _outcome(suite(name), case, category, backend)) is not None:
                        yield one


def _outcome(
    test: unittest.TestCase, name: str, category: str, backend: type[HlsgenBackend]
) -> Outcome | None:
    """What becomes of a case; None for one that is not to be run."""
    backend.model = onnx.ModelProto()
    verdict, reason = "passed", ""
    try:
        getattr(test, test._testMethodName)()
    except NotCore:
        return None
    except (InternalError, Mismatch, ToolFailed) as error:
        verdict, reason = "failed", str(error)
    except HlsgenError as error:
        verdict, reason = "refused", f"{error.where}: {error.problem}"
    except (Exception, unittest.SkipTest) as error:
        verdict, reason = "failed", f"{type(error).__name__}: {error}".strip()
    nodes = backend.model.graph.node
    operator = nodes[0].op_type if len(nodes) == 1 else "several"
    return Outcome(name, category, operator, is_core(backend.model), verdict, reason)


def _noted(results: Iterable[Outcome], progress: Path | None) -> Iterator[Outcome]:
    """The results, each added to the file before the next is asked for."""
    for one in results:
        if progress is not None:
            with progress.open("a") as file:
                file.write(json.dumps(asdict(one)) + "\n")
        yield one


def _known(progress: Path | None) -> dict[str, Outcome]:
    """What an earlier run has left in the file."""
    if progress is None or not progress.exists():
        return {}
    results = [Outcome(**json.loads(line)) for line in progress.read_text().splitlines()]
    return {one.case: one for one in results}


_CORE = """
Conv ConvTranspose Gemm MatMul QLinearConv QLinearMatMul ConvInteger MatMulInteger Add Sub Mul Div Min Max Neg Abs Pow Sqrt Reciprocal
Exp Log Erf Sigmoid Tanh Gelu HardSigmoid HardSwish Mish Selu Elu Celu LeakyRelu PRelu Softplus Softsign ThresholdedRelu Sign Floor
Ceil Round Clip Relu Sin Cos Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not Where MaxPool AveragePool GlobalAveragePool
GlobalMaxPool LpPool ReduceSum ReduceMean ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ReduceProd ArgMax ArgMin TopK Softmax
LogSoftmax LayerNormalization InstanceNormalization GroupNormalization RMSNormalization BatchNormalization Concat Split Slice Pad
Reshape Flatten Transpose Squeeze Unsqueeze Expand Tile Gather Resize Upsample DepthToSpace SpaceToDepth CumSum Identity Cast Dropout
Shape Size ConstantOfShape Range Constant LSTM GRU RNN QuantizeLinear DequantizeLinear
"""
CORE = frozenset(_CORE.split())
"""The operators of which hlsgen promises all common forms."""
_ORDINARY = (1, 2, 3, 6, 7, 9)


def is_core(model: onnx.ModelProto) -> bool:
    """Whether a case is one node of ``CORE`` on tensors of fixed shapes and of float32, (u)int8, int32, int64 or truth values."""
    graph = model.graph
    if len(graph.node) != 1 or graph.node[0].op_type not in CORE or graph.node[0].domain:
        return False
    tensors = [value.type.tensor_type for value in (*graph.input, *graph.output)]
    return all(
        t.elem_type in _ORDINARY and all(d.HasField("dim_value") for d in t.shape.dim)
        for t in tensors
    )


def summary(results: Sequence[Outcome]) -> str:
    """Counts in one line."""
    core = [one for one in results if one.core]
    return f"all: {_counts(results)}; core: {_counts(core)}"


def _counts(results: Sequence[Outcome]) -> str:
    verdicts = Counter(one.verdict for one in results)
    parts = ", ".join(f"{verdicts[v]:,} {v}" for v in VERDICTS)
    return f"{parts} of {len(results):,}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--device", action="append", help="CPU, GPU or RTL; may be given again")
    parser.add_argument(
        "--only", default="", help="cases whose names match this pattern; no page is written"
    )
    parser.add_argument("--core", action="store_true", help="only the cases of the core")
    parser.add_argument("--progress", type=Path, help="a file of the cases that have been run")
    options = parser.parse_args(arguments)
    failed = False
    for device in options.device or ["CPU"]:
        known = _known(options.progress)
        new = outcomes(device, options.only, options.core, known)
        results = [*known.values(), *_noted(new, options.progress)]
        for one in results:
            if one.verdict != "passed":
                core = ", core" if one.core else ""
                print(f"{one.verdict} {one.case} ({one.operator}{core}): {one.reason:.300}")
        print(f"{device}: {summary(results)}")
        failed |= any(one.verdict == "failed" for one in results)
        if not options.only:
            write_page(device, results)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

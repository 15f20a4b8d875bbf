"""Where the accuracy goes: each tensor of a float model beside the integers that stand for it in the circuit, on samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.artefact.report import aligned
from hlsgen.frontend.reference import run_session
from hlsgen.graph.evaluate import evaluate
from hlsgen.graph.ir import Graph
from hlsgen.ops.quantise import DequantizeLinear, QuantizeLinear
from hlsgen.passes.host_cut import IntegerModel

if TYPE_CHECKING:
    import onnx

MOST_SAMPLES = 32
"""Samples that are compared: of all tensors, which takes a while."""
AT_ONCE = 8
"""Samples whose tensors are in memory together."""
COLUMNS = ("tensor", "least", "greatest", "scale", "bits", "largest error", "mean error", "SNR dB")
"""Of the table of ``TensorError``."""


@dataclass(frozen=True)
class TensorError:
    """Of one ``tensor`` over ``samples``: what it reaches in the float model (``least``, ``greatest``), the step of its integers (``scale``; the
    greatest where channels have their own) and their ``bits``; the ``largest`` and the ``mean`` difference of the reals that they stand for, and
    the signal-to-noise ratio, 10 log10(sum of squares / sum of squared differences) in dB (None: no difference, or only zeros)."""

    tensor: str
    samples: int
    least: float
    greatest: float
    scale: float
    bits: int
    largest: float
    mean: float
    snr_db: float | None

    def cells(self) -> tuple[str, ...]:
        """A row of COLUMNS."""
        figures = (self.least, self.greatest, self.scale)
        ratio = "-" if self.snr_db is None else f"{self.snr_db:.1f}"
        shown = (f"{value:.4g}" for value in figures)
        return (
            *(self.tensor, *shown, str(self.bits)),
            *(f"{self.largest:.3g}", f"{self.mean:.3g}", ratio),
        )


def table_of(errors: Sequence[TensorError]) -> str:
    """The table for people, with its heading."""
    rows = [COLUMNS, *(error.cells() for error in errors)]
    heading = f"each tensor against the float model (measured over {errors[0].samples} samples)"
    return f"{heading}\n" + "".join(f"  {line}\n" for line in aligned(rows, (0,)).splitlines())


@dataclass
class _Sums:
    """Of the samples so far."""

    least: float = math.inf
    greatest: float = -math.inf
    largest: float = 0.0
    absolute: float = 0.0
    squares: float = 0.0
    signal: float = 0.0
    elements: int = 0

    def add(self, got: np.ndarray, want: np.ndarray) -> None:
        """Some samples more. Infinities, as of masks, are beyond any quantisation and not compared."""
        finite = np.isfinite(want)
        got, want = got[finite], want[finite]
        if not want.size:
            return
        difference = np.abs(got - want)
        self.least = min(self.least, float(want.min()))
        self.greatest = max(self.greatest, float(want.max()))
        self.largest = max(self.largest, float(difference.max()))
        self.absolute += float(difference.sum())
        self.squares += float((difference**2).sum())
        self.signal += float((want**2).sum())
        self.elements += want.size

    @property
    def snr_db(self) -> float | None:
        """The signal-to-noise ratio."""
        if not (self.squares and self.signal):
            return None
        return 10 * math.log10(self.signal / self.squares)


@dataclass(frozen=True)
class _Stand:
    """``integers`` stand for ``tensor`` of the float model."""

    tensor: str
    integers: str
    quantize: QuantizeLinear
    sums: _Sums = field(default_factory=_Sums)

    def result(self, samples: int) -> TensorError:
        """What was found."""
        sums, quantisation = self.sums, self.quantize.quantisation
        return TensorError(
            self.tensor,
            samples,
            sums.least,
            sums.greatest,
            max(map(float, quantisation.scale)),
            self.quantize.element.bits,
            sums.largest,
            sums.absolute / sums.elements,
            sums.snr_db,
        )


def tensor_errors(
    floats: onnx.ModelProto,
    quantised: Graph,
    integer: IntegerModel,
    samples: Mapping[str, np.ndarray],
) -> tuple[TensorError, ...]:
    """How far each tensor of the float model that is quantised in ``quantised``, and whose integers are values of ``integer``, is from
    ONNX Runtime's on the first samples (along axis 0), in the order of the model. Raises NoSession where ONNX Runtime does not run it."""
    stands = _stands(floats, quantised, integer)
    count = min(MOST_SAMPLES, *(len(array) for array in samples.values()))
    if not stands:
        return ()
    names = [stand.tensor for stand in stands]
    for start in range(0, count, AT_ONCE):
        stop = min(start + AT_ONCE, count)
        some = {name: array[start:stop] for name, array in samples.items()}
        reals_of = {**some, **_run(floats, some, [name for name in names if name not in some])}
        given = evaluate(integer.host_before, some)
        got = {**given, **evaluate(integer.hardware, given, every=True)}
        for stand in stands:
            reals = DequantizeLinear(stand.quantize.quantisation).evaluate(np, got[stand.integers])
            want = np.asarray(reals_of[stand.tensor], np.float64).reshape(reals.shape)
            stand.sums.add(np.asarray(reals, np.float64), want)
    return tuple(stand.result(count) for stand in stands if stand.sums.elements)


def _run(
    model: onnx.ModelProto, samples: Mapping[str, np.ndarray], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Values of the float model; nothing is run for none."""
    return run_session(model, samples, names, "default") if names else {}


def _stands(floats: onnx.ModelProto, quantised: Graph, integer: IntegerModel) -> list[_Stand]:
    """What can be compared. The quantiser keeps the names of tensors, of outputs for what is dequantised again."""
    known = {value.name for value in floats.graph.input}
    known |= {value for node in floats.graph.node for value in node.output}
    computed = set(integer.host_before.outputs)
    computed |= {node.output for node in integer.hardware.nodes}
    stands = []
    for node in quantised.nodes:
        if isinstance(node.op, QuantizeLinear) and node.output in computed:
            names = (node.inputs[0], *(n.output for n in quantised.consumers.get(node.output, ())))
            tensor = next((name for name in names if name in known), None)
            if tensor is not None:
                stands.append(_Stand(tensor, node.output, node.op))
    return stands

"""What is promised of a network's outputs against ONNX Runtime, from its integer form and from the kernels that a session runs."""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from hlsgen.algebra.scalar import Steps
from hlsgen.artefact.declared import Declared, Difference, Session
from hlsgen.frontend.float_integers import with_bounds_removed
from hlsgen.frontend.kernels import KernelKind, kernels_of
from hlsgen.frontend.reference import comparable, exposed, from_reals, ort_reference
from hlsgen.frontend.sessions import NoSession
from hlsgen.graph.ir import Graph, Node
from hlsgen.ops.activation import Clamp, Lookup
from hlsgen.ops.add import QuantisedAdd
from hlsgen.ops.axes import AxisSum
from hlsgen.ops.cast import Cast
from hlsgen.ops.clamp_channels import ClampChannels
from hlsgen.ops.formula import ElementFormula
from hlsgen.ops.gather import GatherElements, GatherND, ReverseSequence
from hlsgen.ops.logarithmic_function import LogarithmicFunction
from hlsgen.ops.move import Gather
from hlsgen.ops.pool import WindowSum
from hlsgen.ops.quantise import QuantizeLinear
from hlsgen.ops.quantised_norm import QuantisedNorm
from hlsgen.ops.quantised_softmax import QuantisedSoftmax
from hlsgen.ops.requantise import Requantise, RequantiseMean, RequantiseSteps
from hlsgen.ops.step_function import StepFunction
from hlsgen.ops.tensor_type import storage
from hlsgen.passes.drift import drifts, largest_jump
from hlsgen.passes.host_cut import IntegerModel
from hlsgen.requantise import Mean
from hlsgen.requantise.mean_cells import undecided_means

if TYPE_CHECKING:
    import onnx

SESSIONS: tuple[Session, ...] = ("default", "integer", "unoptimised")
_LARGEST_SUM = 2**31 - 1


def declared_outputs(
    model: onnx.ModelProto, integer: IntegerModel, sessions: tuple[Session, ...] = SESSIONS
) -> tuple[Declared, ...]:
    """One entry per output of ``integer.hardware`` that ONNX Runtime has too. The session is the one with the fewest foreseen differences,
    of equals the first of ``sessions``. Raises NoSession where none of them runs the model."""
    names = comparable(model, integer)
    if not names:
        return ()
    asked = exposed(model, integer)
    sample = _any_sample(integer.host_before)
    promises, refusals = [], []
    for session in sessions:
        try:
            ort_reference(model, sample, integer, session)  # some kernels refuse only at work
            promises.append(_promises(model, integer, names, asked, session))
        except NoSession as refusal:  # its optimiser spoils some models, which it runs as they are
            refusals.append(refusal)
    if not promises:
        raise refusals[-1]
    return min(promises, key=_looseness)


def _any_sample(graph: Graph) -> dict[str, np.ndarray]:
    types = {name: graph.types[name] for name in graph.inputs}
    return {name: np.zeros(type.shape, storage(type.element)) for name, type in types.items()}


def _looseness(promises: tuple[Declared, ...]) -> tuple[int, int]:
    differences = [d for promise in promises for d in promise.differences]
    return sum(d.bound is None for d in differences), len(differences)


def _promises(
    model: onnx.ModelProto,
    integer: IntegerModel,
    names: tuple[str, ...],
    asked: tuple[str, ...],
    session: Session,
) -> tuple[Declared, ...]:
    hardware = integer.hardware
    known = {value for node in model.graph.node for value in node.output}
    named = {node.output: _known_name(hardware, node.output, known) for node in hardware.nodes}
    sums = _host_sums(integer.host_before, known)
    values = [*(name for name in named.values() if name is not None), *sums]
    kernels = kernels_of(model, values, asked, session)
    unbounded = with_bounds_removed(model) if session != "unoptimised" else frozenset()
    differences: dict[str, list[Difference]] = {name: [] for name in names}
    for value, node in sums.items():
        of_host = _of_host_sums(node, kernels[value])
        for output, bound in drifts(hardware, value, 1).items():
            if output in differences:
                known_bound = None if of_host.bound is None else bound
                differences[output].append(replace(of_host, bound=known_bound))
    for node in hardware.nodes:
        name = named[node.output]
        cause = None if name is None else _difference(hardware, node, kernels[name])
        if name in unbounded:
            reason = f"node {node.name}: ONNX Runtime's optimiser removes the bound in front of it"
            cause = Difference(reason, None)
        if cause is None:
            continue
        if hardware.states:  # it may grow from sample to sample
            for output in names:
                differences[output].append(replace(cause, bound=None, count=None))
            continue
        for output, bound in drifts(hardware, node.output, cause.bound or 1).items():
            if output in differences:
                count = hardware.types[output].size if output == node.output else None
                known_bound = None if cause.bound is None else bound
                differences[output].append(replace(cause, bound=known_bound, count=count))
    for name in names:
        if cause := _of_last_sums(hardware, name, from_reals(integer.host_after, name, known)):
            differences[name].append(cause)
    return tuple(Declared(name, session, tuple(differences[name])) for name in names)


_ADDING_NOTHING = (Gather, GatherElements, GatherND, ReverseSequence, Cast)
"""Operators of the host, besides those of single elements and those that move them, whose results no order of additions decides."""


def _host_sums(host: Graph, known: set[str]) -> dict[str, Node]:
    """The values that the host quantises behind operators that add reals, each with the last of these."""
    sums: dict[str, Node] = {}
    adding: dict[str, Node] = {}  # by the real value that depends on sums
    for node in host.nodes:
        before = [adding[value] for value in node.inputs if value in adding]
        if isinstance(node.op, QuantizeLinear):
            if before and node.output in host.outputs and node.output in known:
                sums[node.output] = before[-1]
        elif not (node.op.pointwise or node.op.moves_data or isinstance(node.op, _ADDING_NOTHING)):
            adding[node.output] = node
        elif before:
            adding[node.output] = before[-1]
    return sums


def _of_host_sums(node: Node, kernel: KernelKind) -> Difference:
    """How far the integers that the host makes of sums of reals may be from ONNX Runtime's: it adds in another order, or quantised operands."""
    if kernel == "floats":
        return Difference(
            f"node {node.name}: the host adds reals in another order than ONNX Runtime", 1
        )
    reason = f"node {node.name}: the host computes it on reals, ONNX Runtime on integers"
    return Difference(reason, None)


def _of_last_sums(graph: Graph, output: str, tail: Graph | None) -> Difference | None:
    """How far the integers nearest to ONNX Runtime's reals may be from the sums that leave the circuit; None where they are these sums.

    ``tail``: how they are made of the reals. A float32 sum of n products is off by at most n + 1 roundings of all that is added (Higham,
    "Accuracy and Stability of Numerical Algorithms", 2002, section 4.2); one more is of the product with the scale.
    """
    node = graph.producers.get(output)
    while node is not None and node.op.moves_data:
        node = graph.producers.get(node.inputs[0])
    if tail is None or node is None or not node.op.accumulates:
        return None
    element, weights = graph.types[output].integer, graph.constants.get(node.inputs[1])
    if weights is None:
        return None
    largest = float(max(-element.minimum, element.maximum))
    quantize = tail.nodes[-1].op
    assert isinstance(quantize, QuantizeLinear), "a tail ends in the integers of the sums"
    for constant in tail.constants.values():  # added to them
        largest += float(np.abs(constant).max()) / min(quantize.quantisation.scale)
    error = largest * (weights[0].size + 2) * 2.0**-24
    if error < 0.5:
        return None
    reason = f"node {node.name}: ONNX Runtime adds floats, which hold sums of {element} in 24 bits"
    return Difference(reason, ceil(error), graph.types[output].size)


def _known_name(graph: Graph, value: str, known: set[str]) -> str | None:
    """The name that the model has for a value, or for what it is moved to, bounded to or chosen for."""
    while value not in known:
        readers = [
            node
            for node in graph.consumers.get(value, ())
            if node.op.moves_data or isinstance(node.op, ClampChannels | ElementFormula)
        ]
        if not readers:
            return None
        value = readers[0].output
    return value


def _difference(graph: Graph, node: Node, kernel: KernelKind) -> Difference | None:
    """Why and by how much the result of one node may differ from ONNX Runtime's, for equal operands; None where it is equal."""
    op = node.op
    kinds = (
        Requantise
        | QuantisedAdd
        | QuantisedNorm
        | QuantisedSoftmax
        | StepFunction
        | LogarithmicFunction
        | Lookup
        | Clamp
    )
    if not isinstance(op, kinds):
        return None
    where = f"node {node.name}"
    if kernel == "rounded":
        return Difference(f"{where}: ONNX Runtime's MatMulNBits rounds its operand to 8 bits", None)
    if kernel == "removed":
        return Difference(f"{where}: ONNX Runtime's optimiser removes this quantisation", None)
    if isinstance(op, QuantisedAdd):
        return _of_sum(op, kernel, where)
    if isinstance(op, StepFunction) and op.mean is not None:
        return _of_means(graph, node, op, op.mean, kernel)
    if isinstance(op, StepFunction | LogarithmicFunction):
        return _of_steps(op, largest_jump(graph, node), kernel, where)
    if isinstance(op, Lookup) and op.kernel == "integers" and kernel == "floats":
        return Difference(f"{where}: ONNX Runtime rounds it by other float32 steps", 1)
    if isinstance(op, QuantisedNorm):
        reason = (
            f"{where}: in fixed point, where ONNX Runtime's float32 rounding decides next to halves"
        )
        return Difference(reason, 1)
    if isinstance(op, QuantisedSoftmax):
        return _of_softmax(op, kernel, where)
    if not isinstance(op, Requantise):
        return None
    source = graph.producers.get(node.inputs[0])
    if source is not None and isinstance(source.op, WindowSum | AxisSum):
        return _of_mean(graph, source, source.op, op, kernel, where)
    if isinstance(op, RequantiseSteps) and _of_one_term(graph, source):
        other = f"{where}: ONNX Runtime rounds it by other float32 steps"
        return None if kernel == "floats" else Difference(other, 1)  # the very steps of floats
    if isinstance(op, RequantiseSteps) and kernel == "integers":
        reason = f"{where}: ONNX Runtime rounds its bias to whole steps of the sums"
        return Difference(reason, max(1, ceil(max(op.scale))))
    if kernel == "floats":
        reason = f"{where}: ONNX Runtime computes it on floats, whose rounding decides halves"
        return Difference(reason, max(1, ceil(max(op.scale))))
    sums = graph.types[node.inputs[0]].integer
    if max(-sums.minimum - 1, sums.maximum) > _LARGEST_SUM:
        return Difference(f"{where}: sums leave 32 bits, where ONNX Runtime's wrap", None)
    return None


def _of_one_term(graph: Graph, source: Node | None) -> bool:
    """Whether float32 loses no bit of what a node gives: an operand itself, or one product of it and a sign."""
    if source is None or not source.op.accumulates:
        return True
    weights = graph.constants.get(source.inputs[1]) if len(source.inputs) > 1 else None
    return weights is not None and weights[0].size == 1


def _of_sum(op: QuantisedAdd, kernel: KernelKind, where: str) -> Difference | None:
    other = replace(op, formula="chain" if kernel == "integers" else "float")
    distance = np.abs(other.table() - op.table())
    pairs = np.count_nonzero(distance)
    if pairs == 0:
        return None
    reason = f"{where}: {pairs} of {distance.size} pairs are rounded by other float32 steps"
    return Difference(reason, int(distance.max()))


def _of_steps(
    op: StepFunction | LogarithmicFunction, jump: int, kernel: KernelKind, where: str
) -> Difference | None:
    """A function of sums is that of exact ones, next to whose changes, of ``jump`` at most, the noise of float32 sums decides; pairs are those
    of one kernel."""
    if isinstance(op, LogarithmicFunction) or "factor" in op.terms:
        reason = (
            f"{where}: ONNX Runtime computes it on floats, whose rounding decides next to halves"
        )
        return Difference(reason, max(1, jump))
    if kernel != op.kernel and (len(op.terms) == 2 or op.kernel == "integers"):
        return Difference(f"{where}: ONNX Runtime rounds it by other float32 steps", 1)
    return None


def _of_means(
    graph: Graph, node: Node, op: StepFunction, mean: Mean, kernel: KernelKind
) -> Difference | None:
    """Means of windows of different counts."""
    source = graph.producers[node.inputs[0]]
    assert isinstance(source.op, WindowSum), "means are of windows"
    element, zero = graph.types[source.inputs[0]].integer, source.op.input_zero
    cells = graph.constants[node.inputs[-1]].astype(np.int64)
    steps = Steps(op.origin, op.shift, tuple((int(t), int(b), int(a)) for t, b, a in cells))
    results = cells[:, 1:]
    bounds = (
        element.minimum - zero,
        element.maximum - zero,
        int(results.min()),
        int(results.max()),
    )
    counts = (mean.count // np.unique(graph.constants[node.inputs[1]].astype(np.int64))).tolist()
    undecided, sums = undecided_means(mean, counts, bounds, steps)
    where = f"node {node.name}"
    if undecided and mean.zero_first != (kernel == "integers"):
        reason = f"{where}: ONNX Runtime adds the zero point on the other side of the rounding"
        return Difference(reason, 1)
    reason = f"{where}: ONNX Runtime adds floats, whose rounding decides {undecided} of {sums} sums"
    return Difference(reason, 1) if undecided else None


def _of_softmax(op: QuantisedSoftmax, kernel: KernelKind, where: str) -> Difference:
    """Shares are exact but for powers in steps of 2**-24; ONNX Runtime adds powers in float32, and takes whole units in its integer kernel."""
    reason = f"{where}: ONNX Runtime adds powers in float32, whose rounding decides next to halves"
    if kernel == "integers" or op.whole_units:
        return Difference(reason, 1)
    return Difference(f"{reason}, and its float kernel divides by the step of the result", 2)


def _of_mean(
    graph: Graph,
    source: Node,
    total: WindowSum | AxisSum,
    op: Requantise,
    kernel: KernelKind,
    where: str,
) -> Difference | None:
    """A mean is a function of the sum but where float additions decide a half."""
    if not isinstance(op, RequantiseMean) and kernel == "integers":
        return None
    shape = graph.types[source.inputs[0]].shape
    count = int(
        np.prod(total.kernel if isinstance(total, WindowSum) else [shape[a] for a in total.axes])
    )
    element = graph.types[source.inputs[0]].integer
    bounds = element.minimum - total.input_zero, element.maximum - total.input_zero, op.low, op.high
    mean = (
        op.mean
        if isinstance(op, RequantiseMean)
        else Mean(op.scale[0] * count, count, 1.0, op.zero_point, False, ratio_only=True)
    )
    if mean.near_halves(*bounds).size == 0:
        return None
    if isinstance(op, RequantiseMean) and mean.zero_first != (kernel == "integers"):
        reason = f"{where}: ONNX Runtime adds the zero point on the other side of the rounding"
        return Difference(reason, 1)
    undecided = mean.undecided(*bounds)
    if undecided.size == 0:
        return None
    sums = mean.count * (max(bounds[1], 0) - min(bounds[0], 0)) + 1
    reason = (
        f"{where}: ONNX Runtime adds floats, whose rounding decides {undecided.size} of {sums} sums"
    )
    return Difference(reason, 1)

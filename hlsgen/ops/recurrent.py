"""LSTM, GRU and RNN: one cell, step by step along the sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

from hlsgen.ops.activation import Relu
from hlsgen.ops.functions import Elu, Sigmoid, Softplus, Tanh
from hlsgen.ops.host import HostOp, at_positions, require_float
from hlsgen.ops.op import Constants, TensorOp, require
from hlsgen.ops.piecewise import HardSigmoid, LeakyRelu, Softsign, ThresholdedRelu
from hlsgen.ops.tensor_type import AnyArray, TensorType

RECURRENT_ATTRIBUTES = {
    "hidden_size": "hidden",
    "direction": "direction",
    "layout": "layout",
    "activations": "activations",
    "activation_alpha": "alphas",
    "activation_beta": "betas",
    "clip": "clip",
}
RunDirection = Literal["forward", "reverse", "bidirectional"]


Apply = Callable[[TensorOp, AnyArray], AnyArray]
"""An operator of one element, on an array."""


class Activation(NamedTuple):
    """A function (apply, x, alpha, beta) of ONNX's list, with ONNX's defaults of the parameters that it takes."""

    function: Callable[[Apply, AnyArray, float, float], AnyArray]
    alpha: float | None = None
    beta: float | None = None


ACTIVATIONS: Mapping[str, Activation] = {
    "Sigmoid": Activation(lambda apply, x, a, b: apply(Sigmoid(), x)),
    "Tanh": Activation(lambda apply, x, a, b: apply(Tanh(), x)),
    "Relu": Activation(lambda apply, x, a, b: apply(Relu(), x)),
    "Affine": Activation(lambda apply, x, a, b: a * x + b, 1.0, 0.0),
    "LeakyRelu": Activation(lambda apply, x, a, b: apply(LeakyRelu(a), x), 0.01),
    "ThresholdedRelu": Activation(lambda apply, x, a, b: apply(ThresholdedRelu(a), x), 1.0),
    "ScaledTanh": Activation(lambda apply, x, a, b: a * apply(Tanh(), b * x), 1.0, 1.0),
    "HardSigmoid": Activation(lambda apply, x, a, b: apply(HardSigmoid(a, b), x), 0.2, 0.5),
    "Elu": Activation(lambda apply, x, a, b: apply(Elu(a), x), 1.0),
    "Softsign": Activation(lambda apply, x, a, b: apply(Softsign(), x)),
    "Softplus": Activation(lambda apply, x, a, b: apply(Softplus(), x)),
}


class CellState(NamedTuple):
    """What a cell keeps from element to element, each (N, hidden); only an LSTM changes ``cell``."""

    hidden: AnyArray
    cell: AnyArray


@dataclass(frozen=True)
class Recurrence:
    """Of one direction: ``weights`` (hidden, G*hidden) of the state, the ``bias`` that does not only add to the gates (0: none does so), the
    activations, and the peepholes of an LSTM."""

    weights: AnyArray
    bias: AnyArray | int
    functions: list[Callable[[AnyArray], AnyArray]]
    peepholes: AnyArray | None


@dataclass(frozen=True)
class Recurrent(HostOp):
    """What recurrent operators share.

    Operands: x (steps, N, inputs), w (D, G*hidden, inputs), r (D, G*hidden, hidden), b (D, 2*G*hidden), lengths (N,), first state (D, N, hidden)
    and what the cell has besides; D directions, G gates. Results: all states (steps, D, N, hidden), the last state (D, N, hidden), and of
    an LSTM the last cell state. With ``layout`` 1 the axis of samples comes first.
    """

    hidden: int
    direction: RunDirection = "forward"
    layout: int = 0
    activations: tuple[str, ...] = ()
    alphas: tuple[float, ...] = ()
    betas: tuple[float, ...] = ()
    clip: float = 0.0
    absent: tuple[int, ...] = ()
    result: int = 0

    gates: ClassVar[int]
    defaults: ClassVar[tuple[str, ...]]
    operands: ClassVar[int] = 6

    @property
    def directions(self) -> int:
        return 2 if self.direction == "bidirectional" else 1

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        operands = at_positions(inputs, self.absent, self.operands)
        x, w, r = operands[:3]
        require_float(self, x, w, r)
        require(len(x.shape) == 3, self, "an operand (steps, N, inputs)", x)
        count, rows = self.directions, self.gates * self.hidden
        expected = ((count, rows, x.shape[2]), (count, rows, self.hidden))
        for type, shape in zip((w, r), expected, strict=True):
            require(type.shape == shape, self, f"weights {list(shape)}", type)
        if operands[3] is not None:
            require(operands[3].shape == (count, 2 * rows), self, f"biases {2 * rows}", operands[3])
        wrong = [name for name in self.activations if name not in ACTIVATIONS]
        require(not wrong, self, f"activations of {', '.join(sorted(ACTIVATIONS))}", wrong)
        needed, named = len(self.defaults) * count, len(self.activations)
        require(named in (0, needed), self, f"{needed} activations", named)
        steps, samples = x.shape[:2] if self.layout == 0 else x.shape[1::-1]
        if self.result:
            state = (count, samples, self.hidden)
            return TensorType(
                state if self.layout == 0 else (samples, count, self.hidden), x.element
            )
        whole = (steps, count, samples, self.hidden)
        batched = (samples, steps, count, self.hidden)
        return TensorType(whole if self.layout == 0 else batched, x.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        return self.results(xp, *arrays)[self.result]

    def results(self, xp: Any, *arrays: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
        """All states, the last state, and the last cell state (of an LSTM: others keep their first), as ONNX lays them out."""
        operands = at_positions(arrays, self.absent, self.operands)
        x = operands[0]
        if self.layout:
            x = xp.permute_dims(x, (1, 0, 2))
        states, hidden, cells = zip(
            *(
                self._direction(xp, x, operands, d, self.direction == "reverse" or d == 1)
                for d in range(self.directions)
            ),
            strict=True,
        )
        axis = 0 if self.layout == 0 else 1
        whole = xp.stack(states, axis=1)
        if self.layout:
            whole = xp.permute_dims(whole, (2, 0, 1, 3))
        return whole, xp.stack(hidden, axis=axis), xp.stack(cells, axis=axis)

    def functions(self, xp: Any, d: int) -> list[Callable[[Any], Any]]:
        """The activations of direction ``d``; alphas and betas are handed to those that take them, in order.

        A namespace that builds a graph has ``apply``, which adds the operator of an activation to it.
        """
        names = self.activations or self.defaults * self.directions
        alphas, betas = iter(self.alphas), iter(self.betas)
        functions: list[Callable[[AnyArray], AnyArray]] = []
        apply = getattr(xp, "apply", None) or partial(_computed, xp)
        for name in names:
            known = ACTIVATIONS[name]
            given = None if known.alpha is None else next(alphas, None)
            alpha = known.alpha if given is None else given
            given = None if known.beta is None else next(betas, None)
            beta = known.beta if given is None else given
            functions.append(partial(_applied, known.function, apply, alpha or 0.0, beta or 0.0))
        return functions[d * len(self.defaults) :][: len(self.defaults)]

    def _direction(
        self, xp: Any, x: AnyArray, operands: list[Any], d: int, backward: bool
    ) -> tuple[AnyArray, AnyArray, AnyArray]:
        """All states (steps, N, hidden), the last state and the last cell state of one direction."""
        steps, samples = x.shape[:2]
        zeros = xp.zeros((samples, self.hidden), dtype=x.dtype, device=getattr(x, "device", None))
        w, r = (xp.matrix_transpose(array[d, ...]) for array in operands[1:3])
        rows = self.gates * self.hidden
        whole = xp.matmul(xp.reshape(x, (steps * samples, x.shape[2])), w)
        of_r: AnyArray | int = 0
        if operands[3] is not None:
            of_w, of_r = self.biases(xp, operands[3][d, :rows], operands[3][d, rows:])
            whole = whole + of_w
        inner = xp.reshape(whole, (steps, samples, rows))
        first = [zeros if a is None else self._state(a, d) for a in operands[5:7]]
        now = CellState(*(*first, zeros)[:2])
        states: list[Any] = [zeros] * steps
        lengths = operands[4]
        peepholes = operands[7][d, ...] if len(operands) > 7 and operands[7] is not None else None
        recurrence = Recurrence(r, of_r, self.functions(xp, d), peepholes)
        for k in reversed(range(steps)) if backward else range(steps):
            new = self.step(xp, inner[k, ...], now, recurrence)
            if lengths is not None:
                inside = xp.reshape(lengths > k, (-1, 1))
                states[k] = xp.where(inside, new.hidden, zeros)
                now = CellState(*(xp.where(inside, *pair) for pair in zip(new, now, strict=True)))
            else:
                states[k], now = new.hidden, new
        return xp.stack(states, axis=0) if states else zeros[None, ...][:0], *now

    def _state(self, array: AnyArray, d: int) -> AnyArray:
        return array[d, ...] if self.layout == 0 else array[:, d, :]

    def clipped(self, xp: Any, x: AnyArray) -> AnyArray:
        """The operand of an activation, within the bounds of ``clip`` (0: none)."""
        return xp.clip(x, -self.clip, self.clip) if self.clip else x

    def biases(self, xp: Any, of_w: AnyArray, of_r: AnyArray) -> tuple[AnyArray, AnyArray | int]:
        """What is added to every element's products, and the bias of the state that is not: of both (G*hidden,)."""
        return of_w + of_r, 0

    def step(self, xp: Any, inner: AnyArray, past: CellState, of_state: Recurrence) -> CellState:
        """The next state; ``inner`` (N, G*hidden) is what the element of the sequence gives, with its bias."""
        raise NotImplementedError

    def split(self, array: AnyArray) -> list[AnyArray]:
        """(N, several times hidden) gate by gate."""
        h = self.hidden
        return [array[:, k * h : (k + 1) * h] for k in range(array.shape[1] // h)]


def _computed(xp: Any, op: TensorOp, x: AnyArray) -> AnyArray:
    return op.evaluate(xp, x)


def _applied(
    function: Callable[..., AnyArray], apply: Apply, alpha: float, beta: float, x: AnyArray
) -> AnyArray:
    return function(apply, x, alpha, beta)

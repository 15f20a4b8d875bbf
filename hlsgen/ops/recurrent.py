"""LSTM, GRU and RNN: one cell, step by step along the sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from hlsgen.ops.host import HostOp, at_positions, require_float
from hlsgen.ops.op import Constants, require
from hlsgen.ops.tensor_type import AnyArray, TensorType

_ATTRIBUTES = {
    "hidden_size": "hidden",
    "direction": "direction",
    "layout": "layout",
    "activations": "activations",
    "activation_alpha": "alphas",
    "activation_beta": "betas",
    "clip": "clip",
}
RunDirection = Literal["forward", "reverse", "bidirectional"]


def activation(xp: Any, name: str, alpha: float | None, beta: float | None) -> Callable[[Any], Any]:
    """A function of ONNX's list of activations, with ONNX's defaults."""

    def of(value: float | None, default: float) -> float:
        return default if value is None else value

    functions: dict[str, Callable[[Any], Any]] = {
        "Sigmoid": lambda x: 1 / (1 + xp.exp(-x)),
        "Tanh": xp.tanh,
        "Relu": lambda x: xp.clip(x, 0.0, None),
        "Affine": lambda x: of(alpha, 1.0) * x + of(beta, 0.0),
        "LeakyRelu": lambda x: xp.where(x >= 0, x, of(alpha, 0.01) * x),
        "ThresholdedRelu": lambda x: xp.where(x > of(alpha, 1.0), x, xp.zeros_like(x)),
        "ScaledTanh": lambda x: of(alpha, 1.0) * xp.tanh(of(beta, 1.0) * x),
        "HardSigmoid": lambda x: xp.clip(of(alpha, 0.2) * x + of(beta, 0.5), 0.0, 1.0),
        "Elu": lambda x: xp.where(x >= 0, x, of(alpha, 1.0) * xp.expm1(x)),
        "Softsign": lambda x: x / (1 + xp.abs(x)),
        "Softplus": lambda x: xp.log1p(xp.exp(-xp.abs(x))) + xp.clip(x, 0.0, None),
    }
    return functions[name]


NAMES = frozenset(
    (
        *("Sigmoid", "Tanh", "Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh"),
        *("HardSigmoid", "Elu", "Softsign", "Softplus"),
    )
)


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
        wrong = [name for name in self.activations if name not in NAMES]
        require(not wrong, self, f"activations of {', '.join(sorted(NAMES))}", wrong)
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
        operands = at_positions(arrays, self.absent, self.operands)
        x = operands[0]
        if self.layout:
            x = xp.permute_dims(x, (1, 0, 2))
        results: list[list[Any]] = [[], [], []]
        for d in range(self.directions):
            backward = self.direction == "reverse" or d == 1
            for part, array in zip(
                results, self._direction(xp, x, operands, d, backward), strict=True
            ):
                part.append(array)
        if self.result:
            axis = 0 if self.layout == 0 else 1
            return xp.stack(results[self.result], axis=axis)
        states = xp.stack(results[0], axis=1)
        return states if self.layout == 0 else xp.permute_dims(states, (2, 0, 1, 3))

    def functions(self, xp: Any, d: int) -> list[Callable[[Any], Any]]:
        """The activations of direction ``d``; alphas and betas are handed to those that take them, in order."""
        names = self.activations or self.defaults * self.directions
        alphas, betas = iter(self.alphas), iter(self.betas)
        takes_alpha = {"Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"}
        takes_beta = {"Affine", "ScaledTanh", "HardSigmoid"}
        functions = []
        for name in names:
            alpha = next(alphas, None) if name in takes_alpha else None
            beta = next(betas, None) if name in takes_beta else None
            functions.append(activation(xp, name, alpha, beta))
        return functions[d * len(self.defaults) :][: len(self.defaults)]

    def _direction(
        self, xp: Any, x: AnyArray, operands: list[Any], d: int, backward: bool
    ) -> tuple[AnyArray, AnyArray, AnyArray]:
        """All states (steps, N, hidden), the last state and the last cell state of one direction."""
        steps, samples = x.shape[:2]
        zeros = xp.zeros((samples, self.hidden), dtype=x.dtype, device=getattr(x, "device", None))
        w, r = (xp.matrix_transpose(array[d, ...]) for array in operands[1:3])
        rows = self.gates * self.hidden
        bias = None if operands[3] is None else operands[3][d, ...]
        of_w, of_r = (0, 0) if bias is None else (bias[:rows], bias[rows:])
        first = [zeros if a is None else self._state(a, d) for a in operands[5:7]]
        state, cell = (*first, zeros)[:2]
        functions = self.functions(xp, d)
        states: list[Any] = [zeros] * steps
        lengths = operands[4]
        peepholes = operands[7][d, ...] if len(operands) > 7 and operands[7] is not None else None
        for k in reversed(range(steps)) if backward else range(steps):
            inner = xp.matmul(x[k, ...], w) + of_w
            new, new_cell = self.step(xp, inner, state, cell, r, of_r, functions, peepholes)
            if lengths is not None:
                inside = xp.reshape(lengths > k, (-1, 1))
                states[k] = xp.where(inside, new, zeros)
                new, new_cell = xp.where(inside, new, state), xp.where(inside, new_cell, cell)
            else:
                states[k] = new
            state, cell = new, new_cell
        return xp.stack(states, axis=0) if states else zeros[None, ...][:0], state, cell

    def _state(self, array: AnyArray, d: int) -> AnyArray:
        return array[d, ...] if self.layout == 0 else array[:, d, :]

    def clipped(self, xp: Any, x: AnyArray) -> AnyArray:
        """The operand of an activation, within the bounds of ``clip`` (0: none)."""
        return xp.clip(x, -self.clip, self.clip) if self.clip else x

    def step(
        self,
        xp: Any,
        inner: AnyArray,
        state: AnyArray,
        cell: AnyArray,
        r: AnyArray,
        bias: AnyArray | int,
        functions: list[Callable[[Any], Any]],
        peepholes: AnyArray | None,
    ) -> tuple[AnyArray, AnyArray]:
        """The next state and cell state; ``inner`` (N, G*hidden) is what the element of the sequence gives, with its bias."""
        raise NotImplementedError

    def split(self, array: AnyArray) -> list[AnyArray]:
        """(N, G*hidden) gate by gate."""
        h = self.hidden
        return [array[..., k * h : (k + 1) * h] for k in range(self.gates)]

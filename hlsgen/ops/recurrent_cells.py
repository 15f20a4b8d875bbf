"""The cells of RNN, GRU and LSTM (ONNX operator specifications, opset 7 to 22)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.ops.op import OnnxBinding
from hlsgen.ops.recurrent import RECURRENT_ATTRIBUTES, CellState, Recurrence, Recurrent
from hlsgen.ops.tensor_type import AnyArray


@dataclass(frozen=True)
class RNN(Recurrent):
    """state = f(x w + b + state r + c)."""

    gates: ClassVar[int] = 1
    defaults: ClassVar[tuple[str, ...]] = ("Tanh",)
    bindings = (OnnxBinding("RNN", (3, 6), since=7, attributes=RECURRENT_ATTRIBUTES),)

    def step(self, xp: Any, inner: AnyArray, past: CellState, of_state: Recurrence) -> CellState:
        (activation,) = of_state.functions
        whole = inner + xp.matmul(past.hidden, of_state.weights)
        return past._replace(hidden=activation(self.clipped(xp, whole)))


@dataclass(frozen=True)
class GRU(Recurrent):
    """Gates update z, reset r, and candidate n: state = (1 - z) * n + z * state.

    ``linear`` (linear_before_reset): the reset gate is applied to the product with the recurrent weights, else before it.
    """

    linear: bool = False

    gates: ClassVar[int] = 3
    defaults: ClassVar[tuple[str, ...]] = ("Sigmoid", "Tanh")
    bindings = (
        OnnxBinding(
            "GRU",
            (3, 6),
            since=7,
            attributes={**RECURRENT_ATTRIBUTES, "linear_before_reset": "linear"},
        ),
    )

    def step(self, xp: Any, inner: AnyArray, past: CellState, of_state: Recurrence) -> CellState:
        gate, candidate = of_state.functions
        h, weights, state = self.hidden, of_state.weights, past.hidden
        gates = inner[:, : 2 * h] + xp.matmul(state, weights[:, : 2 * h])
        both = gate(self.clipped(xp, gates))
        z, reset = both[:, :h], both[:, h:]
        if self.linear:
            old = reset * (xp.matmul(state, weights[:, 2 * h :]) + of_state.bias)
        else:
            old = xp.matmul(reset * state, weights[:, 2 * h :])
        n = candidate(self.clipped(xp, inner[:, 2 * h :] + old))
        return past._replace(hidden=(1 - z) * n + z * state)

    def biases(self, xp: Any, of_w: AnyArray, of_r: AnyArray) -> tuple[AnyArray, AnyArray | int]:
        """The reset gate of a linear cell multiplies the last bias too."""
        if not self.linear:
            return of_w + of_r, 0
        h = 2 * self.hidden
        return xp.concat([of_w[:h] + of_r[:h], of_w[h:]]), of_r[h:]


@dataclass(frozen=True)
class LSTM(Recurrent):
    """Gates input i, output o, forget f, and candidate c: cell = f * cell + i * c, state = o * h(cell).

    ``coupled`` (input_forget): f = 1 - i. Peepholes (3*hidden: i, o, f) add the cell state, times weights, to the gates.
    """

    coupled: bool = False

    gates: ClassVar[int] = 4
    operands: ClassVar[int] = 8
    defaults: ClassVar[tuple[str, ...]] = ("Sigmoid", "Tanh", "Tanh")
    bindings = (
        OnnxBinding(
            "LSTM", (3, 8), since=7, attributes={**RECURRENT_ATTRIBUTES, "input_forget": "coupled"}
        ),
    )

    def step(self, xp: Any, inner: AnyArray, past: CellState, of_state: Recurrence) -> CellState:
        gate, candidate, output = of_state.functions
        h, cell, peepholes = self.hidden, past.cell, of_state.peepholes
        whole = inner + xp.matmul(past.hidden, of_state.weights)
        c = whole[:, 3 * h :]
        if peepholes is None:
            i, o, f = self.split(gate(self.clipped(xp, whole[:, : 3 * h])))
            f = 1 - i if self.coupled else f
            new = f * cell + i * candidate(self.clipped(xp, c))
            return CellState(o * output(new), new)
        i, o, f = self.split(whole[:, : 3 * h])
        i = gate(self.clipped(xp, i + peepholes[:h] * cell))
        f = 1 - i if self.coupled else gate(self.clipped(xp, f + peepholes[2 * h :] * cell))
        new = f * cell + i * candidate(self.clipped(xp, c))
        o = gate(self.clipped(xp, o + peepholes[h : 2 * h] * new))
        return CellState(o * output(new), new)

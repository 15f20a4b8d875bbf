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
        whole = inner + xp.matmul(past.hidden, of_state.weights) + of_state.bias
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
        z_in, r_in, n_in = self.split(inner)
        recurrent = xp.matmul(state, weights[:, : 2 * h])
        bias = of_state.bias
        offsets = [0, 0, 0] if isinstance(bias, int) else self.split(bias)
        z = gate(self.clipped(xp, z_in + recurrent[:, :h] + offsets[0]))
        reset = gate(self.clipped(xp, r_in + recurrent[:, h:] + offsets[1]))
        if self.linear:
            old = reset * (xp.matmul(state, weights[:, 2 * h :]) + offsets[2])
        else:
            old = xp.matmul(reset * state, weights[:, 2 * h :]) + offsets[2]
        n = candidate(self.clipped(xp, n_in + old))
        return past._replace(hidden=(1 - z) * n + z * state)


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
        i, o, f, c = self.split(inner + xp.matmul(past.hidden, of_state.weights) + of_state.bias)
        if peepholes is not None:
            i, f = i + peepholes[:h] * cell, f + peepholes[2 * h :] * cell
        i = gate(self.clipped(xp, i))
        f = 1 - i if self.coupled else gate(self.clipped(xp, f))
        new = f * cell + i * candidate(self.clipped(xp, c))
        if peepholes is not None:
            o = o + peepholes[h : 2 * h] * new
        return CellState(gate(self.clipped(xp, o)) * output(new), new)

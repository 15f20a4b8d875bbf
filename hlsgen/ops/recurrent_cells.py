"""The cells of RNN, GRU and LSTM (ONNX operator specifications, opset 7 to 22)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from hlsgen.ops.op import OnnxBinding
from hlsgen.ops.recurrent import _ATTRIBUTES, Recurrent
from hlsgen.ops.tensor_type import AnyArray


@dataclass(frozen=True)
class RNN(Recurrent):
    """state = f(x w + b + state r + c)."""

    gates: ClassVar[int] = 1
    defaults: ClassVar[tuple[str, ...]] = ("Tanh",)
    bindings = (OnnxBinding("RNN", (3, 6), since=7, attributes=_ATTRIBUTES),)

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
        return functions[0](self.clipped(xp, inner + xp.matmul(state, r) + bias)), cell


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
            attributes={**_ATTRIBUTES, "linear_before_reset": "linear"},
        ),
    )

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
        gate, candidate = functions
        h = self.hidden
        z_in, r_in, n_in = self.split(inner)
        recurrent = xp.matmul(state, r[:, : 2 * h])
        offsets = [0, 0, 0] if isinstance(bias, int) else self.split(bias)
        z = gate(self.clipped(xp, z_in + recurrent[:, :h] + offsets[0]))
        reset = gate(self.clipped(xp, r_in + recurrent[:, h:] + offsets[1]))
        if self.linear:
            past = reset * (xp.matmul(state, r[:, 2 * h :]) + offsets[2])
        else:
            past = xp.matmul(reset * state, r[:, 2 * h :]) + offsets[2]
        n = candidate(self.clipped(xp, n_in + past))
        return (1 - z) * n + z * state, cell


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
        OnnxBinding("LSTM", (3, 8), since=7, attributes={**_ATTRIBUTES, "input_forget": "coupled"}),
    )

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
        gate, candidate, output = functions
        h = self.hidden
        i, o, f, c = self.split(inner + xp.matmul(state, r) + bias)
        if peepholes is not None:
            i, f = i + peepholes[:h] * cell, f + peepholes[2 * h :] * cell
        i = gate(self.clipped(xp, i))
        f = 1 - i if self.coupled else gate(self.clipped(xp, f))
        new = f * cell + i * candidate(self.clipped(xp, c))
        if peepholes is not None:
            o = o + peepholes[h : 2 * h] * new
        return gate(self.clipped(xp, o)) * output(new), new

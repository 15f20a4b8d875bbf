"""What every tensor operator is: a frozen dataclass whose fields are its attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from hlsgen.algebra.types import ElementType
from hlsgen.errors import TypeMismatch, UnsupportedOp
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.reason import Reason
from hlsgen.ops.tensor_type import AnyArray, Quantisation, TensorType

Constants = Sequence[np.ndarray | None]
Place = Literal["hardware", "host", "border", "rewritten"]


@dataclass(frozen=True)
class IntegerForm:
    """Where an ONNX operator on integers keeps its operands' scales and zero points (positions among the node's inputs).

    It is read as Dequantize - operator - Quantize. ``operands``: (value, scale, zero point); ``bias``: an int32 bias in steps of the
    product of the first two scales, times the field ``factor`` of the operator where one is named; ``result``: (scale, zero point). Without a scale (None) the integers are the
    values themselves, as in ConvInteger; a result without scale is int32. ``repeated``: where any number of operands begin that are as
    the three inputs of one.
    """

    operands: tuple[tuple[int, int | None, int], ...]
    result: tuple[int, int] | None
    bias: int | None = None
    repeated: int | None = None
    factor: str | None = None

    def placed(self, inputs: int) -> tuple[tuple[int, int | None, int], ...]:
        """The operands of a node with so many inputs."""
        if self.repeated is None:
            return self.operands
        return tuple((k, k + 1, k + 2) for k in range(self.repeated, inputs - 2, 3))


@dataclass(frozen=True)
class OnnxBinding:
    """How an ONNX operator becomes an operator of hlsgen.

    ``attributes`` maps an ONNX attribute to a field; ``inputs`` maps a field to the position of a constant ONNX input that
    holds it (such an input does not become an operand). Attributes not named are refused unless they stand in ``ignored`` with
    the value that has no effect (None: any value). ``elements`` maps an attribute that is ONNX's number of an element type to a field.
    ``quantisation`` gives the positions of the constant scale and zero point that fill a field of that name; ``fixed`` fields that this binding sets; ``integers`` is
    given where the ONNX operator works on quantised integers. ``since``/``until`` bound the opset of ``domain``; ``arity`` is the least and the
    greatest number of operands.
    """

    op_type: str
    arity: tuple[int, int]
    domain: str = ""
    since: int = 1
    until: int = 10**6
    attributes: Mapping[str, str] | None = None
    inputs: Mapping[str, int] | None = None
    ignored: Mapping[str, Any] | None = None
    quantisation: tuple[int, int] | None = None
    fixed: Mapping[str, Any] | None = None
    integers: IntegerForm | None = None
    elements: Mapping[str, str] | None = None


@dataclass(frozen=True)
class QuantisedValue:
    """An integer operand and the real numbers it stands for; ``constant`` is its array where it is constant."""

    name: str
    type: TensorType
    quantisation: Quantisation
    constant: np.ndarray | None

    @property
    def zero(self) -> int:
        """The zero point, the first where there is one for each channel."""
        return self.quantisation.zero_point[0]


@dataclass(frozen=True)
class QuantisedOutput:
    """The integers that a quantised operator must produce: clamp(round(real / scale) + zero_point, low, high).

    ``adjacent``: nothing that changes a value lies between the operator and its Quantize, so that ONNX Runtime may make one of them.
    ``bias_below``: of asked-for sums only their sign matters, so that a bias that is not a whole number of steps is rounded down.
    ``shifted``: all scales are powers of two, and results are rounded as fixed-point numbers are (``ops.shift``), not as ONNX Runtime does.
    """

    scale: float
    zero_point: int
    low: int
    high: int
    element: ElementType
    adjacent: bool = True
    bias_below: bool = False
    shifted: bool = False


class NodeBuilder(Protocol):
    """What ``quantised`` sees of the graph that is being built."""

    def node(self, op: TensorOp, inputs: Sequence[str]) -> str:
        """Adds a node and returns its value's name; raises the operator's TypeMismatch at this node."""

    def integers(self, hint: str, array: np.ndarray) -> str:
        """A new integer constant of the narrowest signed type that holds it; its name."""


class TensorOp:
    """Base of all operators; every operator has one result.

    Class data: ``bindings`` (the ONNX operators it stands for); ``place`` (``hardware``: lowers to processes; ``host``: runs on
    the host at a border; ``border``: Quantize and Dequantize, which are integer reading or host; ``rewritten``: a pass
    replaces it); ``weighted`` (a product with weights as second operand and perhaps a bias as third); ``moves_data`` (elements are copied, or with ``selects`` the greatest of some: it commutes with per-tensor
    quantisation); ``pointwise`` (every element of the result is a function of the operands' elements at its place, with broadcasting: between
    Dequantize and Quantize a table, or a function of pairs); ``elementwise`` (pointwise, of one operand);
    ``monotone`` (an elementwise one that never decreases: it commutes with ``selects``); ``accumulates`` (its results are sums,
    which the process that adds them may also requantise); ``asks_values`` (its result's type depends on operands' values: ``infer`` is given
    those that no sample decides); ``stands_for_integers`` (its reals are those of integers, so that constants are not folded through it).

    An ONNX operator with several results has a field ``result``, the number of the one that this node gives, and one whose operands may be
    missing among others a field ``absent`` with their positions.
    """

    bindings: ClassVar[tuple[OnnxBinding, ...]] = ()
    place: ClassVar[Place] = "rewritten"
    weighted: ClassVar[bool] = False
    moves_data: ClassVar[bool] = False
    selects: ClassVar[bool] = False
    pointwise: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False
    monotone: ClassVar[bool] = False
    accumulates: ClassVar[bool] = False
    asks_values: ClassVar[bool] = False
    stands_for_integers: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return type(self).__name__

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        """The result's type, with the exact integer range where it follows from constants; raises TypeMismatch."""
        raise NotImplementedError

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        """The meaning, in array-API names. Axis 0 of data operands may hold any number of samples."""
        raise NotImplementedError

    def from_types(self, inputs: tuple[TensorType, ...]) -> np.ndarray | None:
        """The result where the operands' types alone decide it; else None."""
        return None

    def with_constants(
        self, inputs: tuple[TensorType, ...], constants: Constants
    ) -> TensorOp | None:
        """The operator on the first operand alone that this one is where the others are these constants; None where there is none."""
        return None

    def commuted(self, function: Callable[[float], Any], integer: bool) -> TensorOp:
        """Of one that ``moves_data``: the operator that does to f(x) what this one does to x, for an elementwise ``function`` (to integers
        where ``integer``)."""
        return self

    def keeps_batch(self, inputs: tuple[TensorType, ...]) -> bool:
        """Whether ``evaluate`` treats axis 0 as independent samples for these operand types."""
        return True

    def quantised(
        self, build: NodeBuilder, inputs: Sequence[QuantisedValue], output: QuantisedOutput
    ) -> str | Reason:
        """Adds the integer operators that compute this one between Dequantize and Quantize; the name of their result.

        A reason where this operator has no integer reading for these operands.
        """
        return Reason(f"{self.name} has no integer form; it stays on reals")

    def lower(self, build: Lowering) -> None:
        """Adds the processes that compute this operator on integers; raises UnsupportedOp if there is no such form."""
        raise UnsupportedOp(
            build.where,
            f"expected an operator with a hardware form, found {self.name}",
            "Quantise the model so that this operator is between integers, or let it run on the host.",
        )

    @property
    def weight_axis(self) -> int:
        """Of a ``weighted`` operator: the axis of the weights that counts output channels."""
        return 0

    def result_axis(self, rank: int) -> int:
        """Of a ``weighted`` operator: the axis of a result of ``rank`` that counts output channels."""
        return 1

    def with_bias(self, rank: int) -> TensorOp | Reason:
        """Of a ``weighted`` operator with a result of ``rank``: the operator that takes the same operands and a bias (C,) as it is."""
        return self

    def normalised(self, inputs: tuple[TensorType, ...]) -> TensorOp:
        """The same operator with everything explicit that follows from operand types (auto_pad, -1 in shapes)."""
        return self

    def bounds(self, quantise: Callable[[float], int]) -> tuple[int | None, int | None] | None:
        """Where this operator is a clamp of reals: the least and greatest integer it lets through; else None."""
        return None

    @staticmethod
    def examples() -> tuple[Example, ...]:
        """Cases, edge cases among them, from which all generic tests are made."""
        return ()


@dataclass(frozen=True)
class Example:
    """A case from which the generic tests are made: operand types; ``constants`` by operand position."""

    op: TensorOp
    inputs: tuple[TensorType, ...]
    constants: Mapping[int, np.ndarray]


def broadcast(op: TensorOp, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The common shape of operands; raises TypeMismatch where there is none."""
    try:
        return tuple(np.broadcast_shapes(*shapes))
    except ValueError:
        require(False, op, "shapes that broadcast", " and ".join(map(str, shapes)))
        raise


def require_one_sample(
    op: TensorOp, inputs: tuple[TensorType, ...], constants: Constants, shape: tuple[int, ...]
) -> None:
    """Raises TypeMismatch where a constant operand makes several samples of the batch of 1."""
    batches = [t.shape[:1] for t, c in zip(inputs, constants, strict=True) if c is None]
    several = bool(batches) and set(batches) <= {(1,)} and shape[:1] != (1,)
    require(not several, op, "a result for the batch of 1", f"{list(shape)} after broadcasting")


def require(condition: bool, op: TensorOp, expected: str, actual: object) -> None:
    """Raises TypeMismatch for an operator whose operands do not fit."""
    if not condition:
        raise TypeMismatch(
            op.name,
            f"expected {expected}, found {actual}",
            "Check the model with onnx.checker and shape inference, and export it again.",
        )

"""Functions of wide sums, and of pairs of narrow integers, that change at few places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from hlsgen.algebra import scalar
from hlsgen.algebra.expression import Call, Expression, Operand
from hlsgen.algebra.expression import Literal as Number
from hlsgen.algebra.types import S8, U8, ElementType
from hlsgen.ops.lowering import Lowering
from hlsgen.ops.op import Constants, Example, NodeBuilder, TensorOp, broadcast, require
from hlsgen.ops.tensor_type import AnyArray, TensorType
from hlsgen.requantise import Mean
from hlsgen.requantise.cells import Combination, PairForm

RoundedBy: TypeAlias = Literal["floats", "integers"]
Term: TypeAlias = Literal["table", "factor", "addend", "given"]
"""What the integers given for an operand are: a value for each of its integers; or a factor or an addend: one, one per channel (C,), or one
per place (1, 1 or C, *space, any extent 1); or, without an operand, the term itself, likewise."""


@dataclass(frozen=True)
class StepFunction(TensorOp):
    """Steps(origin, shift, cells) of the combined terms of one or two operands, of a sum also with what is given.

    ``kernel``: whose rounding a function of two narrow operands has, that of the float operators or of ONNX Runtime's integer kernel.
    ``mean``: the rule of a mean of sums whose factors divide its count (``requantise.mean_cells``).
    ``exceptions``: (x_0, x_1, addend) of pairs of operands to whose result something is added.
    Operands: x_0, integers of term 0, for two terms x_1 (unless it is given), integers of term 1, then cells (number, 3): threshold, below,
    above.
    """

    combination: Combination
    terms: tuple[Term, ...]
    origin: int
    shift: int
    element: ElementType
    kernel: RoundedBy = "floats"
    mean: Mean | None = None
    exceptions: tuple[tuple[int, int, int], ...] = ()

    place = "hardware"

    @classmethod
    def of_pair(
        cls,
        build: NodeBuilder,
        operands: Sequence[str],
        elements: tuple[ElementType, ElementType],
        form: PairForm,
        element: ElementType,
        kernel: RoundedBy,
    ) -> str:
        """The value of a form of two narrow operands, which are of ``elements``."""
        return cls.add(
            build,
            form.combination,
            [(operands[0], "table", form.first), (operands[1], "table", form.second)],
            form.steps,
            element,
            kernel,
            exceptions=_exceptions(form, elements),
        )

    @classmethod
    def add(
        cls,
        build: NodeBuilder,
        combination: Combination,
        terms: Sequence[tuple[str | None, Term, np.ndarray]],
        steps: scalar.Steps,
        element: ElementType,
        kernel: RoundedBy = "floats",
        mean: Mean | None = None,
        exceptions: tuple[tuple[int, int, int], ...] = (),
    ) -> str:
        """The value of ``steps`` of terms (operand, kind, integers); what is given has no operand."""
        inputs: list[str] = []
        for value, kind, integers in terms:
            inputs += [] if value is None else [value]
            inputs.append(build.integers(f"{value or kind}_term", integers))
        inputs.append(build.integers("cells", np.array(steps.cells, np.int64)))
        kinds = tuple(kind for _, kind, _ in terms)
        op = cls(combination, kinds, steps.origin, steps.shift, element, kernel, mean, exceptions)
        return build.node(op, inputs)

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Of each term the positions of its operand (of the first one for a given term) and of its integers."""
        places: list[tuple[int, int]] = []
        for kind in self.terms:
            after = places[-1][1] + 1 if places else 0
            places.append((0, after) if kind == "given" else (after, after + 1))
        return tuple(places)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        count = self.places[-1][1] + 2
        require(len(inputs) == count, self, f"{count} operands", len(inputs))
        operands = [inputs[k] for k, _ in self.places]
        integers = all(x.is_integer for x in operands)
        require(integers, self, "integer operands", " and ".join(map(str, operands)))
        for kind, x, (_, place) in zip(self.terms, operands, self.places, strict=True):
            channels = x.shape[1] if len(x.shape) > 1 else 1
            sizes = (x.integer.span,) if kind == "table" else (1, channels)
            given = inputs[place].shape
            by_place = kind != "table" and _fits(given, x.shape)
            fits = by_place or given in [(n,) for n in sizes]
            require(fits, self, f"{sizes} integers of a term", given)
        return TensorType(broadcast(self, *(x.shape for x in operands)), self.element)

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        values = [
            _term(xp, kind, arrays[x], arrays[integers])
            for kind, (x, integers) in zip(self.terms, self.places, strict=True)
        ]
        combine = {"sum": xp.add, "product": xp.multiply, "minimum": xp.minimum}
        x = values[0]
        for value in values[1:]:
            x = combine.get(self.combination, xp.maximum)(x, value)
        cells = xp.astype(arrays[-1], xp.int64)
        index = xp.reshape(xp.clip((x - self.origin) >> self.shift, 0, cells.shape[0] - 1), (-1,))
        threshold, below, above = (
            xp.reshape(xp.take(cells[:, k], index, axis=0), x.shape) for k in range(3)
        )
        wide = xp.int64 if self.element.bits > 32 else xp.int32
        result = xp.where(x >= threshold, above, below)
        for first, second, addend in self.exceptions:
            met = (arrays[self.places[0][0]] == first) & (arrays[self.places[1][0]] == second)
            result = xp.where(met, result + addend, result)
        return xp.astype(result, wide)

    def lower(self, build: Lowering) -> None:
        """An elementwise process; what is given per channel is read from stores."""
        kinds = list(zip(self.terms, self.places, strict=True))
        sources = [build.channel(x) for kind, (x, _) in kinds if kind != "given"]
        parameters: list[np.ndarray] = []
        terms: list[Expression] = []
        for k, (kind, (place, number)) in enumerate(kinds):
            x, integers = Operand(f"r{k}"), build.constant(number)
            if kind == "table":
                terms.append(_looked_up(x, integers, build.type(place).integer))
                continue
            given: Expression = Number(int(integers.flat[0]))
            if integers.size > 1:
                given = Operand(f"r{len(sources) + len(parameters)}")
                parameters.append(_streamed(integers, build.type(place).shape))
            if kind == "given":
                terms.append(given)
                continue
            op: scalar.ScalarOp = scalar.Multiply() if kind == "factor" else scalar.Add()
            nothing = integers.size == 1 and integers.flat[0] == (1 if kind == "factor" else 0)
            terms.append(x if nothing else Call(op, (x, given)))
        whole = terms[0]
        for term in terms[1:]:
            whole = Call(_COMBINE[self.combination], (whole, term))
        cells = tuple(
            (int(t), int(b), int(a)) for t, b, a in build.constant(self.places[-1][1] + 1)
        )
        result: Expression = Call(scalar.Steps(self.origin, self.shift, cells), (whole,))
        if self.exceptions:
            result = _put_right(result, self.exceptions, self.element)
        build.result(build.pointwise(sources, parameters, result, self.element))

    @staticmethod
    def examples() -> tuple[Example, ...]:
        random = np.random.default_rng(6)
        wide, shape = ElementType(18, True), (1, 3, 4, 5)
        count = 64
        starts = np.arange(count) << 12
        columns = (
            starts + random.integers(0, 4096, count),
            *random.integers(-128, 128, (2, count)),
        )
        cells = np.stack(columns, axis=1)
        own = TensorType(cells.shape, ElementType.holding(-128, 1 << 20))

        def case(
            combination: Combination, *terms: tuple[TensorType | None, Term, np.ndarray]
        ) -> Example:
            types: list[TensorType] = []
            constants: dict[int, np.ndarray] = {}
            for x, _, integers in terms:
                types += [] if x is None else [x]
                constants[len(types)] = integers
                low, high = int(integers.min()), int(integers.max())
                element = ElementType.holding(min(low, -1), max(high, 0))
                types.append(TensorType(integers.shape, element))
            constants[len(types)] = cells
            op = StepFunction(combination, tuple(term for _, term, _ in terms), 0, 12, S8)
            return Example(op, (*types, own), constants)

        table = random.integers(-300, 300, 256)
        s8, u8, sums = (TensorType(shape, element) for element in (S8, U8, wide))
        one = TensorType((1, 3, 1, 1), U8)
        quotients = case("product", (s8, "table", table), (u8, "table", table[::-1]))
        assert isinstance(quotients.op, StepFunction)
        put_right = replace(quotients.op, exceptions=((-128, 0, 3), (5, 7, -200), (5, 255, 250)))
        return (
            replace(quotients, op=put_right),
            case("sum", (sums, "factor", np.array([7, 3, 9]))),
            case("sum", (sums, "factor", np.array([2])), (u8, "table", 99 * table)),
            case("product", (s8, "table", table), (u8, "table", table[::-1])),
            case("maximum", (s8, "table", 400 * table), (one, "table", 300 * table)),
            case("minimum", (s8, "table", 400 * table), (u8, "table", 300 * table)),
            case("sum", (u8, "addend", np.array([0, 5000, 65000]))),
            case(
                "sum",
                (sums, "factor", np.array([2, 1, 1, 4]).reshape(1, 1, 4, 1) * np.ones((5,), int)),
            ),
            case("sum", (u8, "addend", random.integers(0, 1 << 17, shape))),
            case("sum", (TensorType((1, 6), U8), "addend", 9000 * np.arange(6).reshape(1, 6))),
            case("sum", (u8, "table", 99 * table), (None, "given", np.array([7, 5000, -300]))),
            case(
                "sum",
                (sums, "factor", np.array([7, 3, 9])),
                (u8, "table", 99 * table),
                (None, "given", np.array([-40000, 0, 777])),
            ),
            case("product", (s8, "table", table), (None, "given", np.array([-9, 40, 300]))),
        )


def _fits(given: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether integers of shape ``given`` are one, or one for each index, along every axis of an operand of ``shape``."""
    alike = len(given) == len(shape) > 1 and given[0] == 1
    return alike and all(n in (1, whole) for n, whole in zip(given, shape, strict=True))


def _streamed(integers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Integers per channel as they are, those per place as (height, width, channels) of the operand's canonical stream."""
    if integers.ndim == 1:
        return integers
    if len(shape) not in (3, 4):
        return np.broadcast_to(integers, shape).reshape(1, 1, -1)
    rows = integers.reshape(*integers.shape[:2], *(1,) * (4 - len(shape)), *integers.shape[2:])
    return rows[0].transpose(1, 2, 0)


_COMBINE: dict[Combination, scalar.ScalarOp] = {
    "sum": scalar.Add(),
    "product": scalar.Multiply(),
    "minimum": scalar.Minimum(),
    "maximum": scalar.Maximum(),
}


def _looked_up(x: Operand, integers: np.ndarray, element: ElementType) -> Expression:
    table = np.zeros(256, np.int64)
    table[(element.minimum + np.arange(len(integers))) & 255] = integers
    return Call(scalar.Table(tuple(table.tolist())), (x,))


def _put_right(
    result: Expression, exceptions: tuple[tuple[int, int, int], ...], element: ElementType
) -> Expression:
    """A result with what exceptional pairs of r0 and r1 add to it."""
    addends = [addend for *_, addend in exceptions]
    others = scalar.QuantisedAdd(0, 0, 0, 0, min(0, *addends), max(0, *addends), exceptions)
    added = Call(scalar.Add(), (result, Call(others, (Operand("r0"), Operand("r1")))))
    return Call(scalar.Clamp(element.minimum, element.maximum), (added,))


def _exceptions(
    form: PairForm, elements: tuple[ElementType, ElementType]
) -> tuple[tuple[int, int, int], ...]:
    """Those of a form by the operands themselves."""
    a, b = (element.minimum for element in elements)
    return tuple((a + i, b + j, addend) for i, j, addend in form.exceptions)


def pair_expression(
    form: PairForm, elements: tuple[ElementType, ElementType], element: ElementType
) -> Expression:
    """A form of two operands r0, r1 with results of ``element`` as scalar operators."""
    terms = tuple(
        _looked_up(Operand(f"r{k}"), table, elements[k])
        for k, table in enumerate((form.first, form.second))
    )
    result: Expression = Call(form.steps, (Call(_COMBINE[form.combination], terms),))
    exceptions = _exceptions(form, elements)
    return _put_right(result, exceptions, element) if exceptions else result


def _term(xp: Any, kind: Term, x: AnyArray, integers: AnyArray) -> AnyArray:
    integers, wide = xp.astype(integers, xp.int64), xp.astype(x, xp.int64)
    if kind == "given":
        wide = xp.zeros_like(wide)
    if kind == "table":
        index = wide + (integers.shape[0] // 2 if x.dtype == xp.int8 else 0)
        return xp.reshape(xp.take(integers, xp.reshape(index, (-1,)), axis=0), x.shape)
    if integers.ndim == 1 and integers.shape[0] > 1:
        integers = xp.reshape(integers, (1, -1, *(1,) * (x.ndim - 2)))
    return wide * integers if kind == "factor" else wide + integers

"""Einsum: sums of products over named axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlsgen.ops.host import HostOp, one_element, require_float
from hlsgen.ops.op import Constants, OnnxBinding, require
from hlsgen.ops.tensor_type import AnyArray, TensorType

_ELLIPSIS = "ABCDEFGHIJKLMNOP"
"""Names of the axes that "..." stands for, from the last one on; letters of equations are read in lower case."""


@dataclass(frozen=True)
class Einsum(HostOp):
    """The operands' product, axes of one letter together, summed over the letters that the result does not have."""

    equation: str

    bindings = (OnnxBinding("Einsum", (1, 32), since=12, attributes={"equation": "equation"}),)

    def terms(self, ranks: list[int]) -> tuple[list[str], str]:
        """The letters of the axes of each operand, and of the result."""
        left, arrow, right = self.equation.replace(" ", "").partition("->")
        written = left.split(",")
        require(len(written) == len(ranks), self, f"terms for {len(ranks)} operands", self.equation)
        named = [term.replace("...", "") for term in written]
        require("".join(named).islower() or not "".join(named), self, "lower-case axes", left)
        spare = [rank - len(name) for rank, name in zip(ranks, named, strict=True)]
        fits = all(n == 0 or (n > 0 and "..." in t) for n, t in zip(spare, written, strict=True))
        require(fits, self, f"terms for operands of {ranks} axes", self.equation)
        terms = [
            term.replace("...", _ELLIPSIS[:n][::-1]) for term, n in zip(written, spare, strict=True)
        ]
        most = _ELLIPSIS[: max(spare)][::-1]
        if arrow:
            return terms, right.replace("...", most)
        letters = "".join(named)
        return terms, most + "".join(c for c in sorted(set(letters)) if letters.count(c) == 1)

    def infer(self, inputs: tuple[TensorType, ...], constants: Constants) -> TensorType:
        require_float(self, *inputs)
        terms, result = self.terms([len(type.shape) for type in inputs])
        extents: dict[str, int] = {}
        for term, type in zip(terms, inputs, strict=True):
            for letter, extent in zip(term, type.shape, strict=True):
                known = extents.get(letter, 1)
                require(
                    1 in (known, extent) or known == extent, self, f"{known} at {letter}", extent
                )
                extents[letter] = max(known, extent)
        require(set(result) <= set(extents), self, "a result of axes of operands", result)
        return TensorType(tuple(extents[c] for c in result), one_element(self, inputs))

    def evaluate(self, xp: Any, *arrays: AnyArray) -> AnyArray:
        terms, result = self.terms([array.ndim for array in arrays])
        letters = result + "".join(sorted(set("".join(terms)) - set(result)))
        product: Any = 1
        for term, array in zip(terms, arrays, strict=True):
            product = product * _aligned(xp, array, term, letters)
        summed = tuple(range(len(result), len(letters)))
        return xp.sum(product, axis=summed) if summed else product


def _aligned(xp: Any, x: AnyArray, term: str, letters: str) -> AnyArray:
    """``x`` with its axes where ``letters`` has them; axes of one letter become their diagonal."""
    while len(set(term)) < len(term):
        letter = next(c for c in term if term.count(c) > 1)
        first, second = [k for k, c in enumerate(term) if c == letter][:2]
        rest = [k for k in range(x.ndim) if k not in (first, second)]
        moved = xp.permute_dims(x, (*rest, first, second))
        places = range(moved.shape[-1])
        x = xp.stack([moved[..., k, k] for k in places], axis=-1)
        term = "".join(term[k] for k in rest) + letter
    order = sorted(range(len(term)), key=lambda k: letters.index(term[k]))
    shape = [1] * len(letters)
    for k in order:
        shape[letters.index(term[k])] = x.shape[k]
    return xp.reshape(xp.permute_dims(x, tuple(order)), tuple(shape))

"""What a decorated function declares: its arrays, its constants and its word type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.algebra.types import ElementType
from hlsgen.errors import HlsgenError, TypeMismatch
from hlsgen.loops.python.annotations import ArrayType, s16, s32, u16, u32


@dataclass(frozen=True)
class Signature:
    """``parameters``: the arrays in order, and numbers as arrays of one element; ``constants``: parameters with a default value that is an integer; ``word``: the type of
    every word."""

    function: Callable[..., Any]
    parameters: Mapping[str, ArrayType]
    constants: Mapping[str, int]
    word: ElementType

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def path(self) -> str:
        return self.function.__code__.co_filename

    @property
    def line(self) -> int:
        return self.function.__code__.co_firstlineno

    @property
    def source(self) -> str:
        """``file.py:12``, as messages name it."""
        return f"{Path(self.path).name}:{self.line}"


def signature_of(function: Callable[..., Any], word: ElementType | None) -> Signature:
    """Raises TypeMismatch for what is not a function written with ``def``, for parameters that are not annotated as arrays, and for
    words that do not hold their elements. ``word``: None for u32 if an array has elements u32, else s32."""
    _refuse_other_than_functions(function)
    where = f"{Path(function.__code__.co_filename).name}:{function.__code__.co_firstlineno}"
    where = f"{where}, kernel {function.__name__}"
    parameters: dict[str, ArrayType] = {}
    constants: dict[str, int] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        array = _array_type(function, where, parameter)
        if array is None:
            constants[name] = parameter.default
        else:
            parameters[name] = array
    return Signature(function, parameters, constants, _word_type(where, parameters, word))


def _array_type(
    function: Callable[..., Any], where: str, parameter: inspect.Parameter
) -> ArrayType | None:
    """The annotated array; None for a parameter with a default value that is an integer."""
    name, annotation = parameter.name, parameter.annotation
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise TypeMismatch(
            f"{where}, parameter {name}",
            f"expected parameters that can be given by name, found a {parameter.kind.description} one",
            "Write one parameter with a name for every array.",
        )
    if not name.isascii():
        raise TypeMismatch(
            f"{where}, parameter {name}",
            f"expected a name of ASCII letters, digits and underscores, found {name!r}",
            "Rename the parameter: circuits have ports of these names.",
        )
    if isinstance(annotation, str):
        try:
            bound = inspect.getclosurevars(function).nonlocals
            annotation = eval(annotation, {**function.__globals__, **bound})
        except HlsgenError:
            raise
        except Exception as error:
            annotation = error
    if isinstance(annotation, ArrayType):
        return annotation
    if isinstance(annotation, ElementType) and annotation.bits in (8, 16, 32):
        return ArrayType("input", annotation, (1,), scalar=True)
    if isinstance(parameter.default, int):
        return None
    raise TypeMismatch(
        f"{where}, parameter {name}",
        f"expected In[...], Out[...] or InOut[...], a type of one number, or an integer default, found {annotation!r}",
        f"Annotate it, for example {name}: In[s32, 64] or {name}: s32.",
    )


def _word_type(
    where: str, parameters: Mapping[str, ArrayType], given: ElementType | None
) -> ElementType:
    elements = [annotation.element for annotation in parameters.values()]
    word = (u32 if u32 in elements else s32) if given is None else given
    if not isinstance(word, ElementType):
        raise TypeMismatch(
            where,
            f"expected a word type s32, u32, s16 or u16, found {word!r}",
            "Write for example @hlsgen.kernel(word=s16).",
        )
    wrong = next((e for e in elements if e.bits > word.bits), None)
    wrong = wrong or next((e for e in elements if e.bits == word.bits and e != word), None)
    if word not in (s16, u16, s32, u32) or wrong is not None:
        raise TypeMismatch(
            where,
            f"expected words of s16, u16, s32 or u32 and elements that fit, found {word} and {wrong or 'no such'} elements",
            "Use one signedness for elements as wide as a word, or name another word type: @hlsgen.kernel(word=...).",
        )
    return word


def _refuse_other_than_functions(function: object) -> None:
    """Raise TypeMismatch for what is not a function written with ``def``."""
    plain = inspect.isfunction(function) and function.__name__ != "<lambda>"
    flavours = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
    if plain and inspect.isfunction(function) and not function.__code__.co_flags & flavours:
        return
    name = getattr(function, "__name__", type(function).__name__)
    raise TypeMismatch(
        f"kernel {name}",
        "expected a function written with 'def', without 'async' and 'yield',"
        f" found {type(function).__name__} {name}",
        "Write @hlsgen.kernel above such a function.",
    )

"""``@hlsgen.kernel``: a Python function over arrays that is its own reference, and can become loop graphs."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

from hlsgen.errors import BadFile, BadOption, HlsgenError, TypeMismatch
from hlsgen.loops.python.annotations import ArrayType, s16, s32, u16, u32
from hlsgen.loops.python.steps import Pipeline, Reorder, Split, Step, Unroll
from hlsgen.types import ElementType

if TYPE_CHECKING:
    import numpy as np

    from hlsgen.loops.ir import Kernel
    from hlsgen.loops.python.nest import Nest


def kernel(function: Callable[..., Any] | None = None, *, word: ElementType | None = None) -> Any:
    """Decorate a function as a kernel; ``word`` is the type of its words (s32, u32, s16 or u16).

    Where it is not given: u32 if an array has elements u32, else s32. Raises TypeMismatch for parameters that are not annotated as
    arrays.
    """
    if function is None:
        return lambda decorated: PythonKernel(decorated, word)
    return PythonKernel(function, word)


def unroll(trips: range) -> range:
    """Marks a loop to be unrolled: ``for k in hlsgen.unroll(range(4)):``. Python sees the range itself."""
    return trips


@dataclass(frozen=True)
class PythonKernel:
    """A decorated function. Calling it with arrays runs the function itself on words: the reference.

    ``steps``: of a schedule, by ``split``, ``reorder``, ``unroll`` and ``pipeline``, each of which returns a new kernel.
    """

    function: Callable[..., Any]
    given_word: ElementType | None = None
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        _refuse_other_than_functions(self.function)
        assert self.parameters is not None  # refuses what cannot be a kernel where it is decorated
        assert self.word is not None

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def path(self) -> str:
        return self.function.__code__.co_filename

    @property
    def source(self) -> str:
        """``file.py:12``, as messages name it."""
        return f"{Path(self.path).name}:{self.function.__code__.co_firstlineno}"

    @cached_property
    def parameters(self) -> Mapping[str, ArrayType]:
        """The array parameters in order; those with a default value that is an integer are constants."""
        found = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            annotation = parameter.annotation
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeMismatch(
                    f"{self.source}, kernel {self.name}, parameter {name}",
                    f"expected parameters that can be given by name, found a {parameter.kind.description} one",
                    "Write one parameter with a name for every array.",
                )
            if not name.isascii():
                raise TypeMismatch(
                    f"{self.source}, kernel {self.name}, parameter {name}",
                    f"expected a name of ASCII letters, digits and underscores, found {name!r}",
                    "Rename the parameter: circuits have ports of these names.",
                )
            if isinstance(annotation, str):
                try:
                    bound = inspect.getclosurevars(self.function).nonlocals
                    annotation = eval(annotation, {**self.function.__globals__, **bound})
                except HlsgenError:
                    raise
                except Exception as error:
                    annotation = error
            if isinstance(annotation, ArrayType):
                found[name] = annotation
            elif not isinstance(parameter.default, int):
                raise TypeMismatch(
                    f"{self.source}, kernel {self.name}, parameter {name}",
                    f"expected In[...], Out[...] or InOut[...], or an integer default, found {annotation!r}",
                    f"Annotate it, for example {name}: In[s32, 64].",
                )
        return found

    @cached_property
    def constants(self) -> Mapping[str, int]:
        """The parameters with a default value that is an integer."""
        signature = inspect.signature(self.function).parameters
        return {n: p.default for n, p in signature.items() if n not in self.parameters}

    @cached_property
    def word(self) -> ElementType:
        """The type of every word of the kernel."""
        elements = [annotation.element for annotation in self.parameters.values()]
        word = (u32 if u32 in elements else s32) if self.given_word is None else self.given_word
        if not isinstance(word, ElementType):
            raise TypeMismatch(
                f"{self.source}, kernel {self.name}",
                f"expected a word type s32, u32, s16 or u16, found {word!r}",
                "Write for example @hlsgen.kernel(word=s16).",
            )
        wrong = next((e for e in elements if e.bits > word.bits), None)
        wrong = wrong or next((e for e in elements if e.bits == word.bits and e != word), None)
        if word not in (s16, u16, s32, u32) or wrong is not None:
            raise TypeMismatch(
                f"{self.source}, kernel {self.name}",
                f"expected words of s16, u16, s32 or u32 and elements that fit, found {word} and {wrong or 'no such'} elements",
                "Use one signedness for elements as wide as a word, or name another word type: @hlsgen.kernel(word=...).",
            )
        return word

    def __call__(self, *arrays: np.ndarray, **named: np.ndarray) -> None:
        """Run the function on NumPy arrays of the annotated shapes and element types; outputs are written in place."""
        from hlsgen.loops.python.reference import numpy_type, run_function

        where = f"{self.source}, kernel {self.name}"
        try:
            bound = inspect.signature(self.function).bind(*arrays, **named)
        except TypeError as error:
            raise TypeMismatch(
                where,
                f"expected arguments {', '.join(self.parameters)}, found {error}",
                "Give these.",
            ) from None
        for name, annotation in self.parameters.items():
            array, wanted = bound.arguments[name], numpy_type(annotation.element)
            shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", type(array))
            if shape != annotation.shape or dtype != wanted:
                raise TypeMismatch(
                    f"{where}, argument {name}",
                    f"expected {wanted} of shape {annotation.shape}, found {dtype} of shape {shape}",
                    "Give an array of the annotated type.",
                )
        run_function(self.function, bound, self.parameters, self.word)

    def split(self, loop: str, factor: int) -> PythonKernel:
        """A loop as two: ``<loop>_outer`` around ``<loop>_inner`` of ``factor`` trips."""
        return self._with(Split(loop, factor))

    def reorder(self, *loops: str) -> PythonKernel:
        """Perfectly nested loops in this order, outermost first."""
        return self._with(Reorder(loops))

    def unroll(self, loop: str) -> PythonKernel:
        """The body of a loop as often as it has trips."""
        return self._with(Unroll(loop))

    def pipeline(self, loop: str) -> PythonKernel:
        """Every loop inside a loop unrolled, so that the iterations of this one are pipelined."""
        return self._with(Pipeline(loop))

    def _with(self, step: Step) -> PythonKernel:
        made = replace(self, steps=(*self.steps, step))
        made.nests()  # refuses here what is not legal
        return made

    def nests(self) -> tuple[Nest, ...]:
        """The top-level loops of the function after the steps of its schedule. Raises HlsgenError for what is not in the language."""
        from hlsgen.loops.python.lower import LoweredNest, lower_nest
        from hlsgen.loops.python.read import read_nests
        from hlsgen.loops.python.schedule import scheduled

        def lowered(nest: Nest) -> LoweredNest:
            return lower_nest(self, nest, self.name, promote=False)

        return scheduled(read_nests(self), self.steps, lowered)

    def lower(self) -> Kernel:
        """The loop graphs of the kernel. Raises HlsgenError for what is not in the language."""
        from hlsgen.loops.python.lower import lower_kernel

        return lower_kernel(self, self.nests())


def load_python_kernel(path: Path, name: str) -> PythonKernel:
    """The kernel ``name`` of a Python file; raises BadFile where the file cannot be run, BadOption where it has no such kernel."""
    if not path.is_file():
        raise BadFile(str(path), "expected a Python file, found none", "Check the path.")
    specification = importlib.util.spec_from_file_location(f"hlsgen_kernel_{path.stem}", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    try:
        specification.loader.exec_module(module)
    except HlsgenError:
        raise
    except (Exception, SystemExit) as error:
        lines = [
            item.lineno for item in extract_tb(error.__traceback__) if item.filename == str(path)
        ]
        raise BadFile(
            f"{path}, line {lines[-1]}" if lines else str(path),
            f"expected a Python file that can be imported, found {type(error).__name__}: {error}",
            "Correct the file.",
        ) from None
    finally:
        del sys.modules[specification.name]
    kernels = {key: item for key, item in vars(module).items() if isinstance(item, PythonKernel)}
    found = vars(module).get(name)
    if not isinstance(found, PythonKernel):
        raise BadOption(
            f"{path}:{name}",
            f"expected the name of a kernel, found {', '.join(kernels) or 'no kernels'} in the file",
            "Name one of them, or decorate the function with @hlsgen.kernel.",
        )
    return found


def _refuse_other_than_functions(function: object) -> None:
    """Raise TypeMismatch for what is no function written with ``def``."""
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
